//! A client's requests, read and written again.

use crate::support::{document, fixture, json, rules_but_parts, target, written};
use dialects::openai::canon::{read_request, write_request};
use dialects::translate::Names;
use domain::canon::{
    Block, CacheMark, Dialect, Effort, MediaKind, Message, Request, Source, ToolChoice,
};
use domain::refusal::Reason;
use serde_json::json;

const REQUESTS: &[&str] = &[
    "sampling",
    "conversation",
    "media",
    "format",
    "json_mode",
    "breakpoints",
];

fn request(name: &str) -> Request {
    read_request(&document(fixture(&format!("requests/{name}.json")))).expect(name)
}

#[test]
fn a_request_comes_out_as_it_went_in() {
    for name in REQUESTS {
        let read = request(name);
        let names = Names::of(&read);
        let written = write_request(&read, &target(&read.model, &names));
        assert_eq!(written.losses, Vec::new(), "{name}");
        let before = json(&fixture(&format!("requests/{name}.json")));
        assert_eq!(json(&written.value), before, "{name}");
        rules_but_parts(&written.value);
    }
}

#[test]
fn numbers_and_schemas_keep_their_text() {
    let read = request("sampling");
    assert_eq!(read.temperature.expect("temperature").as_str(), "0.7");
    let body = br#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":0.70,"seed":18446744073709551616,"tools":[{"type":"function","function":{"name":"f","parameters":{ "a" : 1.0 }}}]}"#;
    let read = read_request(&document(&body[..])).expect("a request");
    let names = Names::of(&read);
    let written = write_request(&read, &target("m", &names)).value;
    let text = String::from_utf8(written).expect("text");
    assert!(
        text.contains(r#""temperature":0.70"#) && text.contains(r#""seed":18446744073709551616"#),
        "{text}"
    );
    assert!(text.contains(r#"{ "a" : 1.0 }"#), "{text}");
}

#[test]
fn media_are_read_by_what_they_are() {
    let read = request("media");
    let kinds: Vec<_> = read.messages[0]
        .content
        .iter()
        .filter_map(|block| match block {
            Block::Media(media) => Some((media.kind, media.mime.as_deref(), &media.source)),
            _ => None,
        })
        .collect();
    assert_eq!(kinds.len(), 6);
    assert!(matches!(kinds[0], (MediaKind::Image, None, Source::Url(_))));
    assert!(matches!(
        kinds[1],
        (MediaKind::Image, Some("image/png"), Source::Base64(_))
    ));
    assert!(matches!(
        kinds[3],
        (MediaKind::Audio, Some("audio/mpeg"), Source::Base64(_))
    ));
    assert!(matches!(
        kinds[4],
        (
            MediaKind::Document,
            Some("application/pdf"),
            Source::Base64(_)
        )
    ));
    assert!(matches!(
        kinds[5],
        (MediaKind::Document, None, Source::File(_))
    ));
}

#[test]
fn the_old_functions_are_tools() {
    let read = request("compat_old_functions");
    assert_eq!(read.tools.len(), 1);
    assert_eq!(read.parallel_tools, Some(false));
    assert_eq!(
        read.tool_choice,
        Some(ToolChoice::Named("get_weather".to_owned()))
    );
    let [
        _,
        Message {
            content: called, ..
        },
        Message {
            content: answered, ..
        },
    ] = &read.messages[..]
    else {
        panic!("{:?}", read.messages)
    };
    let [Block::ToolCall(call)] = &called[..] else {
        panic!("{called:?}")
    };
    let [Block::ToolResult(result)] = &answered[..] else {
        panic!("{answered:?}")
    };
    assert_eq!(call.id, result.call);
    assert_eq!(result.name.as_deref(), Some("get_weather"));
    written(&read);
}

#[test]
fn thoughts_come_back_with_their_signatures() {
    let read = request("compat_thinking_blocks");
    let thoughts: Vec<_> = read.messages[2]
        .content
        .iter()
        .filter_map(|block| match block {
            Block::Thinking(thinking) => Some(thinking),
            _ => None,
        })
        .collect();
    let families: Vec<_> = thoughts
        .iter()
        .map(|thought| thought.signature.as_ref().map(|found| found.family))
        .collect();
    let (ours, gemini) = (Some(Dialect::Anthropic), Some(Dialect::Gemini));
    assert_eq!(families, [ours, ours, gemini]);
    assert_eq!(thoughts[0].text, "I call it.");
    assert!(thoughts[1].redacted && !thoughts[2].redacted);
    let Some(Block::ToolCall(call)) = read.messages[2].content.last() else {
        panic!("no call")
    };
    assert_eq!(
        call.signature.as_ref().expect("signed").value,
        "dGhvdWdodA=="
    );
    assert_eq!(
        read.reasoning.as_ref().expect("reasoning").budget,
        Some(2048)
    );
    assert_eq!(read.top_k.as_ref().expect("top_k").as_str(), "40");
    let Block::Text { cache, .. } = &read.messages[0].content[0] else {
        panic!("no text")
    };
    assert_eq!(
        cache,
        &Some(CacheMark {
            ttl: Some("1h".to_owned())
        })
    );
    assert!(read.tools[0].cache.is_some());
    written(&read);
}

#[test]
fn reasoning_details_are_thoughts() {
    let read = request("compat_reasoning_details");
    assert_eq!(
        read.reasoning.as_ref().expect("reasoning").effort,
        Some(Effort::High)
    );
    let [
        Block::Thinking(first),
        Block::Thinking(second),
        Block::Thinking(third),
        Block::Text { .. },
    ] = &read.messages[1].content[..]
    else {
        panic!("{:?}", read.messages[1])
    };
    assert_eq!(first.text, "Let me see");
    assert_eq!(
        second.signature.as_ref().expect("sealed").family,
        Dialect::Responses
    );
    assert_eq!(second.id.as_deref(), Some("rs_1"));
    assert!(third.summary);
}

#[test]
fn what_sloppy_clients_send_is_understood() {
    let read = request("compat_sloppy");
    assert_eq!(read.tool_choice, Some(ToolChoice::Auto));
    let names: Vec<_> = read.rest.iter().map(|member| &*member.name).collect();
    assert_eq!(names, ["chat_template_kwargs"]);
    let [_, called, answered, thought, image] = &read.messages[..] else {
        panic!("{:?}", read.messages)
    };
    let [Block::ToolCall(call)] = &called.content[..] else {
        panic!("{called:?}")
    };
    assert_eq!(json(call.arguments.as_bytes()), json!({"x": 1.0}));
    assert!(
        matches!(&answered.content[..], [Block::ToolResult(result)] if result.content.is_empty())
    );
    assert!(
        matches!(&thought.content[..], [Block::Thinking(thinking), Block::Text { .. }] if thinking.text == "Hm")
    );
    assert!(matches!(&image.content[..], [Block::Media(_)]));
}

/// A request, what is wrong in it, and how.
const WRONG: &[(&str, &str, Reason)] = &[
    (
        r#"{"messages":[{"role":"user","content":"Hi"}]}"#,
        "model",
        Reason::MissingField,
    ),
    (r#"{"model":"m"}"#, "messages", Reason::MissingField),
    (
        r#"{"model":1,"messages":[{"role":"user","content":"Hi"}]}"#,
        "model",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":{}}"#,
        "messages",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[1]}"#,
        "messages[0]",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"content":"a"}]}"#,
        "messages[0].role",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"x","content":"a"}]}"#,
        "messages[0].role",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user"}]}"#,
        "messages[0].content",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":5}]}"#,
        "messages[0].content",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":[{"text":"a"}]}]}"#,
        "messages[0].content[0].type",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/svg+xml,<svg>"}}]}]}"#,
        "messages[0].content[0].image_url.url",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"tool","content":"a"}]}"#,
        "messages[0].tool_call_id",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]}"#,
        "messages[0].tool_calls[0].function",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}]}"#,
        "messages[0].tool_calls[0].id",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function"}]}"#,
        "tools[0].function",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":"x"}}]}"#,
        "tools[0].function.parameters",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"tool_choice":"sometimes"}"#,
        "tool_choice",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":"hot"}"#,
        "temperature",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"n":0}"#,
        "n",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"stop":[1]}"#,
        "stop[0]",
        Reason::BadField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema"}}"#,
        "response_format.json_schema",
        Reason::MissingField,
    ),
    (
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream_options":{"include_usage":1}}"#,
        "stream_options.include_usage",
        Reason::BadField,
    ),
];

#[test]
fn what_is_wrong_is_refused_with_its_path() {
    for (body, path, reason) in WRONG {
        let refusal = read_request(&document(body.as_bytes().to_vec())).expect_err(body);
        assert_eq!(
            refusal.param.as_deref(),
            Some(*path),
            "{body}: {}",
            refusal.message
        );
        assert_eq!(refusal.reason, *reason, "{body}");
    }
    let refusal = read_request(&document(&b"[]"[..])).expect_err("no object");
    assert_eq!(refusal.reason, Reason::BadJson);
}
