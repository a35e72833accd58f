//! Tools, formats, thinking and all other settings of other dialects, written
//! for Gemini.

use crate::support::*;
use crate::talk::*;
use domain::canon::{
    Block, CacheMark, Dialect, Effort, Format, Json, Loss, Message, Reasoning, Request, Role, Stop,
    ToolChoice, ToolKind, Unknown, Weight,
};
use serde_json::{Value, json};

#[test]
fn tools_of_free_text_become_functions() {
    let mut custom = function("apply.patch", None);
    custom.kind = ToolKind::Custom {
        format: Some(Json::trusted(r#"{"type":"grammar"}"#)),
    };
    let mut patched = call("a", "apply.patch", "*** Begin");
    if let Block::ToolCall(call) = &mut patched {
        call.custom = true;
    }
    let request = Request {
        tools: vec![
            custom,
            function("plain", Some("{}")),
            function("bare", None),
        ],
        tool_choice: Some(ToolChoice::Named("apply.patch".to_owned())),
        ..asked(vec![
            said(Role::User, "go"),
            Message::new(Role::Assistant, vec![patched]),
        ])
    };
    let (body, losses) = checked(&request, NEWEST);
    let called = &body["contents"][1]["parts"][0]["functionCall"];
    assert_eq!(called["args"], json!({"input": "*** Begin"}));
    let declared = &body["tools"][0]["functionDeclarations"];
    assert_eq!(called["name"], declared[0]["name"]);
    assert_eq!(
        declared[0]["parametersJsonSchema"]["required"],
        json!(["input"])
    );
    assert_eq!(
        declared[1]["parametersJsonSchema"],
        json!({"type": "object"})
    );
    assert_eq!(declared[2].get("parametersJsonSchema"), None);
    assert!(
        losses.iter().all(|loss| loss.weight == Weight::Hint),
        "{losses:?}"
    );
}

#[test]
fn a_search_of_others_is_googles_where_it_stands_alone() {
    let mut search = function("web_search", None);
    let unknown = Unknown::new(Dialect::Responses, "web_search", Json::trusted("{}"));
    search.kind = ToolKind::BuiltIn(unknown);
    let mut request = asked(vec![said(Role::User, "go")]);
    request.tools = vec![search];
    let (body, _) = checked(&request, NEWEST);
    assert_eq!(body["tools"], json!([{"googleSearch": {}}]));
    request.tools.push(function("f", None));
    let (body, losses) = checked(&request, NEWEST);
    assert_eq!(body["tools"].as_array().expect("tools").len(), 1);
    assert_eq!(losses[0].weight, Weight::Hint);
}

fn thinking(model: &str, reasoning: Reasoning) -> (Value, Vec<Loss>) {
    let request = Request {
        reasoning: Some(reasoning),
        ..asked(vec![said(Role::User, "go")])
    };
    let (body, losses) = checked(&request, model);
    (body["generationConfig"]["thinkingConfig"].clone(), losses)
}

#[test]
fn effort_is_a_level_or_a_budget() {
    let effort = |effort| Reasoning {
        effort: Some(effort),
        ..Reasoning::default()
    };
    let budget = |budget| Reasoning {
        budget: Some(budget),
        ..Reasoning::default()
    };
    let shown = |name: &str, value: Value| json!({name: value, "includeThoughts": true});
    let cases = [
        (
            "gemini-3.1-pro",
            effort(Effort::Max),
            shown("thinkingLevel", json!("HIGH")),
        ),
        (
            "gemini-3.1-pro",
            effort(Effort::Medium),
            shown("thinkingLevel", json!("MEDIUM")),
        ),
        (
            "gemini-3.1-pro",
            effort(Effort::Minimal),
            shown("thinkingLevel", json!("LOW")),
        ),
        (
            "gemini-3-flash",
            effort(Effort::Minimal),
            shown("thinkingLevel", json!("MINIMAL")),
        ),
        (
            "gemini-3-pro-preview",
            effort(Effort::Medium),
            shown("thinkingLevel", json!("HIGH")),
        ),
        (
            "gemini-3-flash",
            effort(Effort::None),
            json!({"thinkingLevel": "MINIMAL"}),
        ),
        (
            "gemini-3.1-pro",
            budget(63_999),
            shown("thinkingBudget", json!(32_768)),
        ),
        (
            "gemini-2.5-pro",
            effort(Effort::Low),
            shown("thinkingBudget", json!(1024)),
        ),
        (
            "gemini-2.5-pro",
            effort(Effort::Max),
            shown("thinkingBudget", json!(32_768)),
        ),
        (
            "gemini-2.5-pro",
            effort(Effort::None),
            json!({"thinkingBudget": 128}),
        ),
        ("gemini-2.5-flash", budget(0), json!({"thinkingBudget": 0})),
        ("gemini-2.0-flash", effort(Effort::High), Value::Null),
        (
            "tuned-model",
            effort(Effort::Low),
            shown("thinkingLevel", json!("LOW")),
        ),
    ];
    for (model, reasoning, wanted) in cases {
        assert_eq!(
            thinking(model, reasoning.clone()).0,
            wanted,
            "{model} {reasoning:?}"
        );
    }
}

#[test]
fn a_model_that_decides_by_itself_is_left_to() {
    let dynamic = Reasoning {
        adaptive: true,
        summary: Some("none".to_owned()),
        ..Reasoning::default()
    };
    assert_eq!(
        thinking("gemini-2.5-pro", dynamic).0,
        json!({"thinkingBudget": -1})
    );
}

#[test]
fn a_format_beside_tools_is_too_much_for_older_models() {
    let request = Request {
        tools: vec![function("f", None)],
        format: Some(Format::Schema {
            name: Some("answer".to_owned()),
            description: None,
            schema: Json::trusted(r#"{"type":"object"}"#),
            strict: Some(true),
        }),
        ..asked(vec![said(Role::User, "go")])
    };
    let (body, losses) = checked(&request, "gemini-2.5-flash");
    assert_eq!(losses, []);
    let declared = &body["tools"][0]["functionDeclarations"];
    assert_eq!(declared[0]["name"], "f");
    assert_eq!(declared[1]["name"], "portcullis_json_answer");
    assert_eq!(
        declared[1]["parametersJsonSchema"],
        json!({"type": "object"})
    );
    let calling = |body: &Value| body["toolConfig"]["functionCallingConfig"].clone();
    assert_eq!(calling(&body), json!({"mode": "ANY"}));
    assert_eq!(body.get("generationConfig"), None);
    let quiet = Request {
        tool_choice: Some(ToolChoice::None),
        ..request.clone()
    };
    let (body, _) = checked(&quiet, "gemini-2.5-flash");
    let only = json!({"mode": "ANY", "allowedFunctionNames": ["portcullis_json_answer"]});
    assert_eq!(calling(&body), only);
    let listed = Request {
        format: Some(Format::Schema {
            name: None,
            description: None,
            schema: Json::trusted(r#"{"type":"array"}"#),
            strict: Some(true),
        }),
        ..request.clone()
    };
    let (body, losses) = checked(&listed, "gemini-2.5-flash");
    assert_eq!(losses[0].weight, Weight::Hint);
    let words = body["systemInstruction"]["parts"][0]["text"].as_str();
    assert!(words.is_some_and(|words| words.contains(r#"{"type":"array"}"#)));
    let forced = Request {
        tool_choice: Some(ToolChoice::Named("f".to_owned())),
        ..request.clone()
    };
    let (_, losses) = checked(&forced, "gemini-2.5-flash");
    assert_eq!(losses[0].weight, Weight::Hint, "a call has no such format");
    let (body, losses) = checked(&request, NEWEST);
    assert_eq!(losses, []);
    assert_eq!(
        body["generationConfig"]["responseJsonSchema"],
        json!({"type": "object"})
    );
}

#[test]
fn what_gemini_does_not_have_is_said() {
    let mut request = asked(vec![Message {
        name: Some("bob".to_owned()),
        ..said(Role::User, "go")
    }]);
    request.tools = vec![function("f", None)];
    request.tools[0].cache = Some(CacheMark::default());
    request.tools[0].strict = Some(true);
    request.parallel_tools = Some(false);
    request.user = Some("u".to_owned());
    request.seed = Some(Json::trusted("123456789012345"));
    request.stop = (0..7).map(|n| n.to_string()).collect();
    request.service_tier = Some("scale".to_owned());
    let unknown = |name: &str| Unknown::new(Dialect::OpenAi, name, Json::trusted("1"));
    request.rest = vec![unknown("logit_bias"), unknown("store")];
    let (_, losses) = checked(&request, NEWEST);
    let weight = |field: &str| {
        let loss = losses.iter().find(|loss| loss.field == field);
        loss.unwrap_or_else(|| panic!("{field}")).weight
    };
    for field in ["stop", "logit_bias"] {
        assert_eq!(weight(field), Weight::Meaning, "{field}");
    }
    let hints = [
        "parallel_tool_calls",
        "user",
        "seed",
        "store",
        "service_tier",
        "cache_control",
        "tools[0].strict",
        "messages[0].name",
    ];
    for field in hints {
        assert_eq!(weight(field), Weight::Hint, "{field}");
    }
}

#[test]
fn a_bound_above_the_models_own_is_the_models() {
    let request = Request {
        max_tokens: Some(200_000),
        ..asked(vec![said(Role::User, "go")])
    };
    let names = dialects::translate::Names::of(&request);
    let target = dialects::translate::Target {
        model: NEWEST,
        output_limit: Some(65_536),
        reasons: true,
        traits: crate::known::traits(domain::canon::Dialect::Gemini, NEWEST),
        names: &names,
    };
    let written = dialects::gemini::canon::write_request(&request, &target);
    let body = value(&written.value);
    assert_eq!(body["generationConfig"]["maxOutputTokens"], 65_536);
    assert_eq!(written.losses[0].field, "max_tokens");
}

#[test]
fn a_model_that_does_not_think_is_not_told_how_much() {
    let request = Request {
        reasoning: Some(Reasoning {
            effort: Some(Effort::High),
            ..Reasoning::default()
        }),
        ..asked(vec![said(Role::User, "go")])
    };
    let names = dialects::translate::Names::of(&request);
    let target = dialects::translate::Target {
        model: "m",
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(domain::canon::Dialect::Gemini, "m"),
        names: &names,
    };
    let written = dialects::gemini::canon::write_request(&request, &target);
    assert_eq!(value(&written.value).get("generationConfig"), None);
    assert_eq!(written.losses[0].weight, Weight::Hint);
}

#[test]
fn an_answer_that_a_function_takes_is_a_text() {
    let text = br#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"portcullis_json_answer","args":{"x":1}}}],"role":"model"},"finishReason":"STOP"}]}"#;
    let read = dialects::gemini::canon::read_answer;
    let answer = read(&document(text), &dialects::translate::Names::default());
    let choice = &answer.expect("an answer").choices[0];
    assert_eq!(choice.content, [Block::text(r#"{"x":1}"#)]);
    assert_eq!(choice.stop, Some(Stop::End));
}

#[test]
fn what_says_nothing_is_not_missed() {
    let rest = [
        ("modalities", r#"["text"]"#),
        ("logit_bias", "{ }"),
        ("web_search_options", "null"),
    ];
    let request = Request {
        rest: rest
            .map(|(name, raw)| Unknown::new(Dialect::OpenAi, name, Json::trusted(raw)))
            .into(),
        ..asked(vec![said(Role::User, "go")])
    };
    assert_eq!(checked(&request, NEWEST).1, []);
}
