//! No conversation at all breaks Anthropic's rules.

use super::rules;
use super::support::{result, talk, thought, value};
use Role::{Assistant, Developer, System, Tool as Tools, User};
use dialects::translate::{Names, Target};
use domain::canon::{
    Block, Dialect, Effort, Format, Json, Media, MediaKind, Reasoning, Request, Role, Source,
    Thinking, Tool, ToolCall, ToolChoice, ToolKind,
};
use proptest::prelude::*;

const MODELS: &[&str] = &[
    "claude-3-7-sonnet-20250219",
    "claude-sonnet-4-5",
    "claude-opus-4-6",
    "claude-opus-4-8",
    "anthropic.claude-opus-4-8-v1:0",
    "claude-opus-5",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-latest",
    "kimi-k2",
];

fn block() -> impl Strategy<Value = Block> {
    let id = prop_oneof![
        Just("call_1".to_owned()),
        Just("call_2".to_owned()),
        Just("functions.f:0".to_owned()),
        Just("functions_f_0".to_owned()),
        Just(String::new()),
        Just("x".repeat(90)),
    ];
    let family = prop_oneof![
        Just(Dialect::Anthropic),
        Just(Dialect::Gemini),
        Just(Dialect::Responses)
    ];
    let text = prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("ok \n".to_owned()),
        "[a-zä🌍]{1,5}"
    ];
    let name = prop_oneof![Just("f"), Just("g.h"), Just("nobody declares me")];
    let arguments = prop_oneof![
        Just(""),
        Just("{}"),
        Just(r#"{"a":1}"#),
        Just("{\"a"),
        Just("7")
    ];
    let made = (id.clone(), name, arguments, any::<bool>());
    prop_oneof![
        4 => text.clone().prop_map(Block::text),
        2 => (text.clone(), family, any::<bool>()).prop_map(|(text, family, redacted)| {
            match thought(&text, family) {
                Block::Thinking(thinking) => Block::Thinking(Thinking { redacted, ..thinking }),
                other => other,
            }
        }),
        1 => text.clone().prop_map(|text| Block::Thinking(Thinking { text, ..Thinking::default() })),
        3 => made.prop_map(|(id, name, arguments, custom)| Block::ToolCall(ToolCall {
            id,
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            custom,
            signature: None,
            cache: None,
        })),
        3 => (id, text.clone()).prop_map(|(id, text)| result(&id, &text)),
        1 => text.prop_map(Block::Refusal),
        1 => (0..4_usize).prop_map(|kind| Block::Media(Media {
            kind: [MediaKind::Image, MediaKind::Audio, MediaKind::Document, MediaKind::Video][kind],
            source: Source::Base64("iVBORw0KGgo=".to_owned()),
            mime: None,
            name: Some("n".to_owned()),
            context: None,
            detail: None,
            citations: false,
            cache: None,
        })),
    ]
}

fn asked() -> impl Strategy<Value = Request> {
    let role = prop_oneof![
        1 => Just(System),
        1 => Just(Developer),
        3 => Just(User),
        4 => Just(Assistant),
        2 => Just(Tools)
    ];
    let message = (role, prop::collection::vec(block(), 0..4));
    let messages = prop::collection::vec(message, 0..8);
    let effort = prop_oneof![
        Just(None),
        Just(Some(Effort::None)),
        Just(Some(Effort::Low)),
        Just(Some(Effort::Max))
    ];
    let budget = prop_oneof![3 => Just(None), 1 => Just(Some(5)), 1 => Just(Some(9000))];
    let reasoning = prop::option::of((effort, budget, any::<bool>()));
    let choice = prop_oneof![
        Just(None),
        Just(Some(ToolChoice::Auto)),
        Just(Some(ToolChoice::None)),
        Just(Some(ToolChoice::Any)),
        Just(Some(ToolChoice::Named("g.h".to_owned()))),
        Just(Some(ToolChoice::Allowed {
            names: vec!["f".to_owned()],
            must: true
        })),
    ];
    let format = prop_oneof![
        Just(None),
        Just(Some(Format::Json)),
        Just(Some(Format::Schema {
            name: None,
            description: None,
            schema: Json::trusted(r#"{"type":"object","properties":{"a":{"minimum":1}}}"#),
            strict: Some(true),
        })),
    ];
    let most = prop_oneof![
        Just(None),
        Just(Some(1)),
        Just(Some(1500)),
        Just(Some(30_000))
    ];
    let others = (choice, format, most, any::<bool>(), any::<bool>());
    (messages, reasoning, others).prop_map(|(messages, reasoning, others)| {
        let (tool_choice, format, max_tokens, has_tools, samples) = others;
        let names: &[&str] = if has_tools { &["f", "g.h"] } else { &[] };
        let tools = names.iter().map(|name| Tool {
            name: (*name).to_owned(),
            description: Some(String::new()),
            kind: ToolKind::Function { schema: None },
            strict: Some(true),
            cache: None,
            rest: Vec::new(),
            declared: None,
        });
        Request {
            tools: tools.collect(),
            tool_choice,
            format,
            max_tokens,
            parallel_tools: Some(samples),
            temperature: samples.then(|| Json::trusted("1.7")),
            top_p: samples.then(|| Json::trusted("0.9")),
            reasoning: reasoning.map(|(effort, budget, adaptive)| Reasoning {
                effort,
                budget,
                adaptive,
                summary: adaptive.then(|| "auto".to_owned()),
            }),
            ..talk(messages)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_conversation_breaks_a_rule(
        request in asked(),
        model in 0..MODELS.len(),
        reasons in any::<bool>(),
    ) {
        let names = Names::of(&request);
        let target = Target {
            model: MODELS[model],
            output_limit: None,
            reasons,
            traits: crate::known::traits(domain::canon::Dialect::Anthropic, MODELS[model]),
            names: &names,
        };
        let written = dialects::anthropic::canon::write_request(&request, &target);
        let text = value(&written.value);
        if let Err(why) = rules::check(&text) {
            panic!("{why}\n{text:#}");
        }
    }
}
