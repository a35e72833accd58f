//! Conversations of other dialects, written for Gemini: whatever order they
//! have, Google takes them.

mod gemini_canon_support;

use domain::canon::{
    Block, CacheMark, Dialect, Effort, Format, Json, Loss, Media, MediaKind, Message, Reasoning,
    Request, Role, Signature, Source, Thinking, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
    Unknown, Weight,
};
use gemini_canon_support::*;
use serde_json::{Value, json};

fn asked(messages: Vec<Message>) -> Request {
    Request {
        messages,
        ..Request::default()
    }
}

fn call(id: &str, name: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: Some(Signature {
            family: Dialect::OpenAi,
            value: "foreign".to_owned(),
        }),
        cache: None,
    })
}

fn result(call: &str, content: Vec<Block>) -> Block {
    Block::ToolResult(ToolResult {
        call: call.to_owned(),
        name: None,
        content,
        is_error: None,
        custom: false,
        cache: None,
    })
}

fn said(role: Role, text: &str) -> Message {
    Message::new(role, vec![Block::text(text)])
}

fn function(name: &str, schema: Option<&str>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some("does it".to_owned()),
        kind: ToolKind::Function {
            schema: schema.map(Json::trusted),
        },
        strict: None,
        cache: None,
        rest: Vec::new(),
    }
}

/// What is written, after a look at the rules.
fn checked(request: &Request, model: &str) -> (Value, Vec<Loss>) {
    let written = written(request, model);
    let body = value(&written.value);
    rules::check(&body, model);
    (body, written.losses)
}

fn image(source: Source) -> Block {
    Block::Media(Media {
        kind: MediaKind::Image,
        source,
        mime: None,
        name: None,
        context: None,
        detail: None,
        citations: false,
        cache: None,
    })
}

#[test]
fn results_follow_their_calls_wherever_they_stood() {
    let request = asked(vec![
        said(Role::User, "go"),
        Message::new(
            Role::Assistant,
            vec![call("a", "one", "{}"), call("b", "two", "")],
        ),
        said(Role::Developer, "Be quick."),
        Message::new(Role::Tool, vec![result("b", vec![Block::text("B")])]),
        said(Role::User, ""),
        Message::new(
            Role::Tool,
            vec![result("a", vec![Block::text("{\"a\":1}")])],
        ),
        said(Role::User, "and?"),
    ]);
    let (body, losses) = checked(&request, NEWEST);
    let parts = &body["contents"][2]["parts"];
    assert_eq!(parts[0]["functionResponse"]["response"], json!({"a": 1}));
    assert_eq!(
        parts[1]["functionResponse"]["response"],
        json!({"output": "B"})
    );
    assert_eq!(parts[2]["text"], "Be quick.");
    assert_eq!(parts[3]["text"], "and?");
    let model = &body["contents"][1]["parts"];
    let skipped = "skip_thought_signature_validator";
    assert_eq!(model[0]["thoughtSignature"], skipped);
    assert_eq!(model[1].get("thoughtSignature"), None);
    assert_eq!(losses.len(), 1);
    assert_eq!(losses[0].weight, Weight::Hint);
}

#[test]
fn a_call_that_nobody_answered_is_answered_and_an_answer_to_nothing_is_text() {
    let request = asked(vec![
        Message::new(Role::Assistant, vec![call("a", "one", "{}")]),
        said(Role::User, "never mind"),
        Message::new(Role::Tool, vec![result("zzz", vec![Block::text("lost")])]),
    ]);
    let (body, losses) = checked(&request, NEWEST);
    let last = &body["contents"][2]["parts"];
    assert!(last[0]["functionResponse"]["response"]["error"].is_string());
    assert_eq!(last[2]["text"], "lost");
    assert_eq!(losses.len(), 2);
}

#[test]
fn steps_of_a_tool_loop_stay_apart_and_each_is_signed() {
    let mut own = call("b", "two", "{}");
    if let Block::ToolCall(call) = &mut own {
        call.signature = Some(Signature {
            family: Dialect::Gemini,
            value: "b3du".to_owned(),
        });
    }
    let request = asked(vec![
        said(Role::User, "go"),
        Message::new(Role::Assistant, vec![call("a", "one", "{}")]),
        Message::new(Role::Tool, vec![result("a", vec![])]),
        Message::new(Role::Assistant, vec![own]),
        Message::new(Role::Tool, vec![result("b", vec![])]),
    ]);
    let (body, losses) = checked(&request, NEWEST);
    assert_eq!(body["contents"].as_array().expect("turns").len(), 5);
    assert_eq!(body["contents"][3]["parts"][0]["thoughtSignature"], "b3du");
    assert_eq!(losses, []);
}

#[test]
fn thoughts_of_other_families_are_left_out() {
    let thinking = |family| {
        Block::Thinking(Thinking {
            text: "hm".to_owned(),
            signature: Some(Signature {
                family,
                value: "foreign".to_owned(),
            }),
            ..Thinking::default()
        })
    };
    let request = asked(vec![
        said(Role::User, "go"),
        Message::new(
            Role::Assistant,
            vec![
                thinking(Dialect::Anthropic),
                thinking(Dialect::Responses),
                Block::text("yes"),
            ],
        ),
        said(Role::User, "sure?"),
    ]);
    let (body, losses) = checked(&request, NEWEST);
    assert_eq!(body["contents"][1]["parts"], json!([{"text": "yes"}]));
    assert!(losses.iter().all(|loss| loss.weight == Weight::Hint));
}

#[test]
fn a_system_alone_is_asked_as_a_user() {
    let (body, _) = checked(&asked(vec![said(Role::System, "Hi")]), NEWEST);
    assert_eq!(body["contents"][0]["parts"][0]["text"], "Hi");
    checked(&asked(vec![]), NEWEST);
    checked(&asked(vec![said(Role::User, "")]), NEWEST);
    checked(&asked(vec![said(Role::Assistant, "Once")]), NEWEST);
}

#[test]
fn pictures_in_results_stand_within_them_or_beside_them() {
    let shot = vec![
        Block::text("done"),
        image(Source::Base64("iVBORw0KGgo=".to_owned())),
        image(Source::Url("https://example.com/a.png".to_owned())),
    ];
    let request = asked(vec![
        said(Role::User, "go"),
        Message::new(Role::Assistant, vec![call("a", "shot", "{}")]),
        Message::new(Role::Tool, vec![result("a", shot)]),
    ]);
    let (newer, losses) = checked(&request, NEWEST);
    let parts = &newer["contents"][2]["parts"];
    let within = &parts[0]["functionResponse"]["parts"][0];
    assert_eq!(within["inlineData"]["mimeType"], "image/png");
    assert_eq!(parts[1]["fileData"]["mimeType"], "image/png");
    assert_eq!(losses, []);
    let (older, _) = checked(&request, "gemini-2.5-flash");
    let parts = &older["contents"][2]["parts"];
    assert_eq!(parts[1]["inlineData"]["data"], "iVBORw0KGgo=");
}

#[test]
fn files_of_other_providers_are_a_loss_that_matters() {
    let request = asked(vec![Message::new(
        Role::User,
        vec![
            Block::text("see"),
            image(Source::File("file-abc".to_owned())),
        ],
    )]);
    let (_, losses) = checked(&request, NEWEST);
    assert_eq!(losses[0].field, "messages[0].content[1]");
    assert_eq!(losses[0].weight, Weight::Meaning);
}

#[test]
fn arguments_that_are_no_object_stand_in_one() {
    for (arguments, wanted) in [
        ("", json!({})),
        (" {} ", json!({})),
        ("oops", json!({"input": "oops"})),
        ("[1]", json!({"input": "[1]"})),
        ("{\"a\":1,\"a\":2}", json!({"input": "{\"a\":1,\"a\":2}"})),
        (
            "{\"n\":123456789012345678901234567890}",
            value(b"{\"n\":123456789012345678901234567890}"),
        ),
    ] {
        let request = asked(vec![
            said(Role::User, "go"),
            Message::new(Role::Assistant, vec![call("a", "f", arguments)]),
        ]);
        let (body, _) = checked(&request, NEWEST);
        assert_eq!(
            body["contents"][1]["parts"][0]["functionCall"]["args"],
            wanted
        );
    }
}

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
    assert_eq!(losses[0].weight, Weight::Meaning);
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
    let (_, losses) = checked(&request, "gemini-2.5-flash");
    assert_eq!(losses[0].field, "response_format");
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
    for field in ["parallel_tool_calls", "stop", "logit_bias"] {
        assert_eq!(weight(field), Weight::Meaning, "{field}");
    }
    let hints = [
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
