//! No conversation at all breaks Bedrock's rules.

use super::grammar;
use super::support::{result, talk, thought, tool, written};
use Role::{Assistant, Developer, System, Tool as Tools, User};
use dialects::translate::{Names, Target};
use domain::canon::{
    Block, CacheMark, Dialect, Effort, Format, Json, Media, MediaKind, Reasoning, Request, Role,
    Source, Thinking, ToolCall, ToolChoice, ToolKind,
};
use proptest::prelude::*;

const MODELS: &[&str] = &[
    "anthropic.claude-3-haiku-20240307-v1:0",
    "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-opus-4-6-v1",
    "global.anthropic.claude-opus-5",
    "anthropic.claude-opus-5-5",
    "amazon.nova-pro-v1:0",
    "global.amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-120b-1:0",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "qwen.qwen3-32b-v1:0",
    "us.deepseek.r1-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("ok \n".to_owned()),
        "[a-zä🌍]{1,5}"
    ]
}

fn media() -> impl Strategy<Value = Media> {
    let parts = (0..4_usize, any::<bool>(), 0..3_usize, any::<bool>());
    parts.prop_map(|(kind, is_cached, source, cites)| Media {
        kind: [
            MediaKind::Image,
            MediaKind::Audio,
            MediaKind::Document,
            MediaKind::Video,
        ][kind],
        source: [
            Source::Base64("iVBORw0KGgo=".to_owned()),
            Source::Url("s3://bucket/key".to_owned()),
            Source::Text("words".to_owned()),
        ][source]
            .clone(),
        mime: ["image/png", "audio/wav", "application/pdf", "video/mp4"]
            .get(kind)
            .map(|mime| (*mime).to_owned()),
        name: Some("n_ä.pdf".to_owned()),
        context: None,
        detail: None,
        citations: cites,
        cache: is_cached.then(CacheMark::default),
    })
}

fn block() -> impl Strategy<Value = Block> {
    let id = prop_oneof![
        Just("call_1".to_owned()),
        Just("call_2".to_owned()),
        Just("functions.f:0".to_owned()),
        Just(String::new()),
        Just("x".repeat(90)),
    ];
    let family = prop_oneof![Just(Dialect::Anthropic), Just(Dialect::Gemini)];
    let name = prop_oneof![Just("f"), Just("g.h"), Just("nobody declares me")];
    let arguments = prop_oneof![
        Just(""),
        Just("{}"),
        Just(r#"{"a":1}"#),
        Just("{\"a"),
        Just("7")
    ];
    let made = (id.clone(), name, arguments, any::<bool>(), any::<bool>());
    let mark = |is_cached: bool| {
        is_cached.then(|| CacheMark {
            ttl: Some("1h".to_owned()),
        })
    };
    prop_oneof![
        4 => (text(), any::<bool>()).prop_map(move |(text, is_cached)| Block::Text {
            text,
            citations: Vec::new(),
            signature: None,
            cache: mark(is_cached),
        }),
        2 => (text(), family, any::<bool>()).prop_map(|(text, family, redacted)| {
            match thought(&text, family) {
                Block::Thinking(thinking) => Block::Thinking(Thinking { redacted, ..thinking }),
                other => other,
            }
        }),
        3 => made.prop_map(move |(id, name, arguments, custom, is_cached)| {
            Block::ToolCall(ToolCall {
                id,
                name: name.to_owned(),
                arguments: arguments.to_owned(),
                custom,
                signature: None,
                cache: mark(is_cached),
            })
        }),
        3 => (id, text(), any::<bool>(), prop::option::of(media())).prop_map(
            move |(id, text, has_failed, media)| match result(&id, &text) {
                Block::ToolResult(mut result) => {
                    result.is_error = Some(has_failed);
                    result.content.extend(media.map(Block::Media));
                    result.cache = mark(has_failed);
                    Block::ToolResult(result)
                }
                other => other,
            }
        ),
        1 => text().prop_map(Block::Refusal),
        2 => media().prop_map(Block::Media),
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
    let efforts = vec![
        None,
        Some(Effort::None),
        Some(Effort::Low),
        Some(Effort::Max),
    ];
    let budget = prop::sample::select(vec![None, None, Some(5), Some(9000)]);
    let reasoning = prop::option::of((prop::sample::select(efforts), budget, any::<bool>()));
    let choice = prop::sample::select(vec![
        None,
        Some(ToolChoice::Auto),
        Some(ToolChoice::None),
        Some(ToolChoice::Any),
        Some(ToolChoice::Named("g.h".to_owned())),
        Some(ToolChoice::Named("missing".to_owned())),
        Some(ToolChoice::Allowed {
            names: vec!["f".to_owned()],
            must: true,
        }),
    ]);
    let schema = Format::Schema {
        name: Some("shape".to_owned()),
        description: None,
        schema: Json::trusted(r#"{"type":"object","properties":{"a":{"minimum":1}}}"#),
        strict: Some(true),
    };
    let format = prop::sample::select(vec![None, Some(Format::Json), Some(schema)]);
    let most = prop::sample::select(vec![None, Some(1), Some(1500), Some(30_000)]);
    let others = (choice, format, most, any::<bool>(), any::<bool>());
    (messages, reasoning, others).prop_map(|(messages, reasoning, others)| {
        let (tool_choice, format, max_tokens, has_tools, samples) = others;
        let names: &[&str] = if has_tools { &["f", "g.h"] } else { &[] };
        let tools = names.iter().map(|name| domain::canon::Tool {
            description: Some(String::new()),
            kind: ToolKind::Function { schema: None },
            strict: Some(true),
            cache: samples.then(CacheMark::default),
            ..tool(name)
        });
        Request {
            tools: tools.collect(),
            tool_choice,
            format,
            max_tokens,
            parallel_tools: Some(samples),
            temperature: samples.then(|| Json::trusted("1.7")),
            top_p: samples.then(|| Json::trusted("0.9")),
            top_k: samples.then(|| Json::trusted("40")),
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

/// What is asked of a model that thinks, or of one that does not.
fn holds(request: &Request, model: usize, thinks: Thinks) {
    let names = Names::of(request);
    let target = Target {
        model: MODELS[model],
        output_limit: None,
        reasons: matches!(thinks, Thinks::Yes),
        traits: crate::known::traits(domain::canon::Dialect::Converse, MODELS[model]),
        names: &names,
    };
    written(request, &target);
}

#[derive(Clone, Copy, Debug)]
enum Thinks {
    Yes,
    No,
}

fn thinks() -> impl Strategy<Value = Thinks> {
    prop_oneof![Just(Thinks::Yes), Just(Thinks::No)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_conversation_breaks_a_rule(
        request in asked(),
        model in 0..MODELS.len(),
        thinks in thinks(),
    ) {
        holds(&request, model, thinks);
    }

    #[test]
    fn a_well_formed_conversation_of_any_dialect_obeys(
        request in grammar::request(),
        model in 0..MODELS.len(),
        thinks in thinks(),
    ) {
        let mut request = request;
        // The grammar's signatures are anybody's; the rules know Claude's own.
        for message in &mut request.messages {
            for block in &mut message.content {
                if let Block::Thinking(thinking) = block
                    && let Some(signature) = &mut thinking.signature
                    && signature.family == Dialect::Anthropic
                {
                    signature.value = "claude00".to_owned();
                }
            }
        }
        holds(&request, model, thinks);
    }
}
