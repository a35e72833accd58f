//! Conversations of other dialects, written for this one.

use dialects::responses::canon::write_request;
use dialects::translate::{Names, Target};
use domain::canon::{
    Block, CacheMark, Dialect, Effort, Loss, Media, MediaKind, Message, Reasoning, Request, Role,
    Signature, Source, Thinking, Tool, ToolCall, ToolKind, ToolResult, Weight,
};
use serde_json::{Value, json};

use crate::rules;
use crate::support::{value, write};

pub(crate) fn of(messages: Vec<Message>) -> Request {
    Request {
        model: "gpt-5.4".to_owned(),
        messages,
        ..Request::default()
    }
}

pub(crate) fn checked(request: &Request) -> (Value, Vec<Loss>) {
    let (body, losses) = write(request);
    rules::check(&body, true);
    (body, losses)
}

pub(crate) fn user(text: &str) -> Message {
    Message::new(Role::User, vec![Block::text(text)])
}

pub(crate) fn call(id: &str, name: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: String::new(),
        custom: false,
        signature: Some(Signature {
            family: Dialect::Gemini,
            value: "g".to_owned(),
        }),
        cache: None,
    })
}

pub(crate) fn result(id: &str, content: Vec<Block>) -> Block {
    Block::ToolResult(ToolResult {
        call: id.to_owned(),
        name: None,
        content,
        is_error: Some(true),
        custom: false,
        cache: None,
    })
}

pub(crate) fn thinking(family: Option<Dialect>, id: Option<&str>) -> Block {
    Block::Thinking(Thinking {
        text: "hm".to_owned(),
        summary: false,
        signature: family.map(|family| Signature {
            family,
            value: "s".to_owned(),
        }),
        id: id.map(str::to_owned),
        redacted: false,
    })
}

pub(crate) fn medium(kind: MediaKind, source: Source) -> Media {
    Media {
        kind,
        source,
        mime: None,
        name: None,
        context: None,
        detail: None,
        citations: false,
        cache: None,
    }
}

pub(crate) fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Function { schema: None },
        strict: None,
        cache: Some(CacheMark::default()),
        rest: Vec::new(),
        declared: None,
    }
}

#[test]
fn a_tool_loop_with_foreign_thoughts_goes_on_without_them() {
    let request = of(vec![
        user("a"),
        Message::new(
            Role::Assistant,
            vec![
                thinking(Some(Dialect::Anthropic), None),
                call("toolu_1", "f"),
                call("toolu_2", "f"),
            ],
        ),
        Message::new(
            Role::Tool,
            vec![
                result("toolu_2", vec![Block::text("2")]),
                result("toolu_1", vec![]),
            ],
        ),
    ]);
    let (body, losses) = checked(&request);
    assert_eq!(body["input"].as_array().map(Vec::len), Some(5));
    assert_eq!(body["input"][1]["arguments"], "{}");
    assert!(
        losses.iter().all(|loss| loss.weight == Weight::Hint),
        "{losses:?}"
    );
    let signatures: Vec<&str> = losses
        .iter()
        .filter_map(|loss| loss.field.strip_suffix(".signature"))
        .collect();
    // Claude's thought, and what proves Gemini's calls.
    assert_eq!(
        signatures,
        [0, 1, 2].map(|block| format!("messages[1].content[{block}]"))
    );
}

#[test]
fn operators_may_speak_in_the_middle() {
    let request = of(vec![
        Message::new(Role::System, vec![Block::text("s")]),
        Message::new(Role::System, vec![Block::text("t")]),
        user("a"),
        Message::new(Role::Developer, vec![Block::text("d")]),
        Message::new(Role::Assistant, vec![Block::text("b")]),
        Message::new(Role::System, vec![Block::text("u"), Block::text("")]),
        user("c"),
    ]);
    let (body, losses) = checked(&request);
    assert_eq!(losses, []);
    assert_eq!(body["instructions"], "s");
    let roles: Vec<&str> = (0..6)
        .filter_map(|at| body["input"][at]["role"].as_str())
        .collect();
    assert_eq!(
        roles,
        ["system", "user", "developer", "assistant", "system", "user"]
    );
}

#[test]
fn a_conversation_of_only_a_system_prompt_still_asks_something() {
    let request = of(vec![Message::new(Role::System, vec![Block::text("s")])]);
    let (body, _) = checked(&request);
    assert_eq!(
        body["input"][0],
        json!({"type": "message", "role": "system", "content": "s"})
    );
}

#[test]
fn calls_and_results_are_paired() {
    let request = of(vec![
        user("a"),
        Message::new(Role::Tool, vec![result("stray", vec![Block::text("x")])]),
        Message::new(
            Role::Assistant,
            vec![call("1", "f"), call("2", "f"), call(&"9".repeat(80), "f")],
        ),
        user("wait"),
        Message::new(
            Role::Tool,
            vec![
                result("1", vec![Block::text("x")]),
                result("1", vec![Block::text("y")]),
                result(&"9".repeat(80), vec![]),
            ],
        ),
        Message::new(Role::Assistant, vec![call("1", "f"), call("", "f")]),
    ]);
    let (body, losses) = checked(&request);
    let outputs = body["input"].as_array().expect("items").iter();
    let outputs = outputs.filter(|item| item["type"] == "function_call_output");
    assert_eq!(outputs.count(), 5);
    let told = &body["input"][1]["content"];
    assert_eq!(told[0]["text"], "From the call stray:", "{body}");
    assert_eq!(told[1]["text"], "x", "{body}");
    let why = |field: &str| {
        let found = losses.iter().filter(|loss| loss.field == field);
        found.map(|loss| loss.why.as_str()).collect::<Vec<_>>()
    };
    let alone = "there is no call before it: it is a user's text here";
    assert_eq!(why("messages[1].content[0]"), [alone]);
    assert_eq!(why("messages[4].content[1]"), [alone], "a second result");
    let made_up = "a call without a result: one is made up";
    assert_eq!(why("messages[2].tool_calls"), [made_up]);
    assert_eq!(why("messages[5].tool_calls"), [made_up, made_up]);
}

#[test]
fn thoughts_with_nothing_behind_them_are_left_out() {
    let own = || thinking(Some(Dialect::Responses), Some("rs_1"));
    let request = of(vec![
        user("a"),
        Message::new(Role::Assistant, vec![own(), Block::text("")]),
        user("b"),
        Message::new(Role::Assistant, vec![own(), Block::text("c"), own()]),
    ]);
    let (body, losses) = checked(&request);
    assert_eq!(body["input"].as_array().map(Vec::len), Some(4));
    let lost: Vec<&str> = losses.iter().map(|loss| loss.field.as_str()).collect();
    assert_eq!(lost, ["messages[3].content[2]", "messages[1].content[0]"]);
}

#[test]
fn a_model_that_does_not_think_gets_no_reasoning() {
    let mut request = of(vec![
        user("a"),
        Message::new(
            Role::Assistant,
            vec![
                thinking(Some(Dialect::Responses), Some("rs_1")),
                Block::text("b"),
            ],
        ),
        user("c"),
    ]);
    request.reasoning = Some(Reasoning {
        effort: Some(Effort::High),
        ..Reasoning::default()
    });
    let names = Names::default();
    let target = Target {
        model: "gpt-4.1",
        output_limit: None,
        reasons: false,
        traits: crate::known::traits(domain::canon::Dialect::Responses, "gpt-4.1"),
        names: &names,
    };
    let written = write_request(&request, &target);
    rules::check(&value(&written.value), false);
    let why = "the model does not think";
    let lost = ["messages[1].content[0].signature", "reasoning"];
    assert_eq!(written.losses, lost.map(|field| Loss::hint(field, why)));
}

#[test]
fn media_go_as_they_can() {
    let pdf = Media {
        name: Some("a.pdf".to_owned()),
        citations: true,
        ..medium(MediaKind::Document, Source::Base64("JVBE".to_owned()))
    };
    let words = Media {
        name: Some("Notes".to_owned()),
        ..medium(MediaKind::Document, Source::Text("words".to_owned()))
    };
    let request = of(vec![
        Message::new(
            Role::User,
            vec![
                Block::Media(medium(MediaKind::Image, Source::Base64("iVBO".to_owned()))),
                Block::Media(pdf),
                Block::Media(words),
                Block::Media(medium(MediaKind::Audio, Source::Base64("UklG".to_owned()))),
                Block::Media(medium(
                    MediaKind::Document,
                    Source::Url("https://a".to_owned()),
                )),
            ],
        ),
        Message::new(
            Role::Assistant,
            vec![
                Block::Media(medium(MediaKind::Image, Source::Base64("iVBO".to_owned()))),
                Block::text("there"),
            ],
        ),
    ]);
    let (body, losses) = checked(&request);
    let parts = &body["input"][0]["content"];
    assert_eq!(parts[0]["image_url"], "data:image/png;base64,iVBO");
    assert_eq!(parts[1]["file_data"], "data:application/pdf;base64,JVBE");
    assert_eq!(parts[2]["text"], "Notes\n\nwords");
    assert_eq!(parts[3]["file_url"], "https://a");
    let fields: Vec<&str> = losses.iter().map(|loss| loss.field.as_str()).collect();
    let wanted = [
        "messages[0].content[1].citations",
        "messages[0].content[3]",
        "messages[1].content[0]",
    ];
    assert_eq!(fields, wanted);
}
