//! Conversations of other dialects, written for Gemini: whatever order they
//! have, Google takes them.

use crate::support::*;
use crate::talk::*;
use domain::canon::{
    Block, Dialect, Loss, Message, Request, Role, Signature, Source, Thinking, Weight,
};
use serde_json::{Value, json};

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
    assert_eq!(losses.len(), 3);
    let is_made_up = |loss: &&Loss| loss.field == "messages";
    assert_eq!(losses.iter().filter(is_made_up).count(), 1, "{losses:?}");
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
        ("oops", json!({"arguments": "oops"})),
        ("[1]", json!({"arguments": "[1]"})),
        (
            "{\"a\":1,\"a\":2}",
            json!({"arguments": "{\"a\":1,\"a\":2}"}),
        ),
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
fn a_failed_tool_says_so() {
    for (text, wanted) in [
        ("no such file", json!({"error": "no such file"})),
        ("{\"code\":7}", json!({"error": {"code": 7}})),
    ] {
        let mut failed = result("a", vec![Block::text(text)]);
        if let Block::ToolResult(result) = &mut failed {
            result.is_error = Some(true);
        }
        let request = asked(vec![
            said(Role::User, "go"),
            Message::new(Role::Assistant, vec![call("a", "f", "{}")]),
            Message::new(Role::Tool, vec![failed]),
        ]);
        let (body, _) = checked(&request, NEWEST);
        let response = &body["contents"][2]["parts"][0]["functionResponse"]["response"];
        assert_eq!(response, &wanted);
        let again = reread(&body);
        let Block::ToolResult(result) = &again.messages[2].content[0] else {
            panic!("a result");
        };
        assert_eq!(result.is_error, Some(true));
        assert_eq!(result.content, [Block::text(text)]);
    }
}

fn reread(body: &Value) -> Request {
    request(&body.to_string())
}
