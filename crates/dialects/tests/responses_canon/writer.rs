//! Streams for clients.

use bytes::Bytes;
use dialects::responses::canon as responses;
use domain::canon::{Chunk, Delta, Fault, FaultKind, Opened, Request, Stop, Thinking};
use serde_json::{Value, json};

use crate::answer::ANSWERS;
use crate::support::{chunks, events, fixture, folded, head, read, value, written};

/// What openai-python's accumulator insists on, and what the types require.
pub(crate) fn check(events: &[Value]) {
    check_numbers(events);
    let mut items: Vec<Value> = Vec::new();
    let mut done: Vec<Option<Value>> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let kind = event["type"].as_str().expect("a type");
        if at == 0 {
            assert_eq!(kind, "response.created");
        }
        if let Some(response) = event.get("response") {
            assert_eq!(response["id"], events[0]["response"]["id"]);
            check_response(response);
        }
        let index = event["output_index"].as_u64().map(|index| index as usize);
        match kind {
            "response.output_item.added" => {
                assert_eq!(index, Some(items.len()));
                items.push(event["item"].clone());
                done.push(None);
            }
            "response.output_item.done" => {
                let index = index.expect("an index");
                assert_eq!(items[index]["type"], event["item"]["type"]);
                assert_eq!(items[index]["id"], event["item"]["id"]);
                said_equals_done(&items[index], &event["item"]);
                done[index] = Some(event["item"].clone());
            }
            _ if index.is_some() => grow(&mut items[index.unwrap_or(0)], event, kind),
            _ => {}
        }
    }
    let last = events.last().expect("events");
    if matches!(
        last["type"].as_str(),
        Some("response.completed" | "response.incomplete")
    ) {
        let done: Vec<Value> = done.into_iter().map(|item| item.expect("done")).collect();
        assert_eq!(last["response"]["output"], json!(done));
    }
}

/// Whether events are numbered one by one.
pub(crate) fn check_numbers(events: &[Value]) {
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], json!(at), "{event}");
    }
}

/// The members that the types require.
pub(crate) fn check_response(response: &Value) {
    for key in [
        "id",
        "created_at",
        "model",
        "object",
        "output",
        "parallel_tool_calls",
        "tool_choice",
        "tools",
        "status",
        "usage",
        "error",
        "incomplete_details",
    ] {
        assert!(response.get(key).is_some(), "no {key}");
    }
    let usage = &response["usage"];
    if !usage.is_null() {
        assert!(usage["input_tokens_details"]["cache_write_tokens"].is_u64());
        assert!(usage["input_tokens_details"]["cached_tokens"].is_u64());
        assert!(usage["output_tokens_details"]["reasoning_tokens"].is_u64());
    }
}

fn grow(item: &mut Value, event: &Value, kind: &str) {
    assert_eq!(item["id"], event["item_id"], "{event}");
    let part = event["content_index"].as_u64().unwrap_or(0) as usize;
    let add = |place: &mut Value| {
        let more = event["delta"].as_str().expect("a delta");
        let text = place.as_str().unwrap_or_default().to_owned() + more;
        *place = text.into();
    };
    match kind {
        "response.content_part.added" => {
            if item.get("content").is_none() {
                item["content"] = json!([]);
            }
            let parts = item["content"].as_array_mut().expect("parts");
            assert_eq!(parts.len(), part);
            parts.push(event["part"].clone());
        }
        "response.reasoning_summary_part.added" => {
            item["summary"] = json!([event["part"]]);
        }
        "response.output_text.delta" => {
            assert!(event["logprobs"].is_array());
            add(&mut item["content"][part]["text"]);
        }
        "response.reasoning_text.delta" => add(&mut item["content"][part]["text"]),
        "response.refusal.delta" => add(&mut item["content"][part]["refusal"]),
        "response.reasoning_summary_text.delta" => add(&mut item["summary"][0]["text"]),
        "response.function_call_arguments.delta" => add(&mut item["arguments"]),
        "response.custom_tool_call_input.delta" => add(&mut item["input"]),
        "response.output_text.annotation.added" => {
            let all = item["content"][part]["annotations"].as_array_mut();
            let all = all.expect("annotations");
            assert_eq!(event["annotation_index"], json!(all.len()));
            all.push(event["annotation"].clone());
        }
        "response.output_text.done" => assert_eq!(event["text"], item["content"][part]["text"]),
        "response.function_call_arguments.done" => {
            assert_eq!(event["arguments"], item["arguments"])
        }
        _ => {}
    }
}

/// What came piece by piece is what the whole says.
fn said_equals_done(said: &Value, done: &Value) {
    let is_emulated = !matches!(
        done["type"].as_str(),
        Some("message" | "reasoning" | "function_call" | "custom_tool_call")
    );
    if is_emulated {
        // No event tells of its arguments.
        return;
    }
    let mut said = said.clone();
    if done.get("status").is_some() {
        said["status"] = done["status"].clone();
    }
    if let Some(sealed) = done.get("encrypted_content") {
        said["encrypted_content"] = sealed.clone();
    }
    let parts = said.get_mut("content").and_then(Value::as_array_mut);
    for (at, part) in parts.into_iter().flatten().enumerate() {
        if part.get("logprobs").is_some() {
            part["logprobs"] = done["content"][at]["logprobs"].clone();
        }
    }
    assert_eq!(&said, done);
}

#[test]
fn a_stream_that_was_read_is_written_for_the_sdk() {
    let request = read(&json!({"model": "m", "input": "a", "store": false}));
    let names = ANSWERS.iter().chain(&["summary_parts", "interleaved"]);
    for name in names {
        let chunks = chunks(&fixture(&format!("stream_{name}.sse")));
        let frames = written(&chunks, &request);
        let events = events(&frames);
        check(&events);
        // The same as the whole answer, written.
        let (answer, _) = folded(&chunks);
        let whole = responses::write_answer(&answer, &head(&request));
        let last = events.last().expect("events");
        assert_eq!(last["response"], value(&whole), "{name}");
        // And as what is read again.
        let again = crate::support::chunks(&frames.concat());
        let normal = |mut answer: domain::canon::Answer| {
            answer.rest.clear();
            answer
        };
        assert_eq!(normal(folded(&again).0), normal(answer), "{name}");
    }
}

fn start() -> Chunk {
    Chunk::Start {
        id: "chatcmpl-1".to_owned(),
        model: "claude".to_owned(),
        created: Some(5),
    }
}

fn open(block: u32, opened: Opened) -> Chunk {
    Chunk::Open {
        choice: 0,
        block,
        opened,
    }
}

fn grow_by(block: u32, delta: Delta) -> Chunk {
    Chunk::Grow {
        choice: 0,
        block,
        delta,
    }
}

fn close(block: u32) -> Chunk {
    Chunk::Close { choice: 0, block }
}

fn call(id: &str, name: &str) -> Opened {
    Opened::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        custom: false,
        signature: None,
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect()
}

#[test]
fn every_frame_has_its_event_line() {
    let out = written(&[start(), Chunk::End], &Request::default());
    assert_eq!(out.len(), 3);
    for frame in &out {
        let text = String::from_utf8(frame.to_vec()).expect("text");
        assert!(text.starts_with("event: response."), "{text}");
        assert!(text.ends_with("\n\n") && text.matches("\n\n").count() == 1);
        assert!(!text.contains("[DONE]"));
    }
}

#[test]
fn calls_side_by_side_without_arguments_are_whole() {
    let chunks = [
        start(),
        open(0, call("a", "f")),
        open(1, call("b", "g")),
        grow_by(1, Delta::Arguments("{\"x\"".to_owned())),
        grow_by(1, Delta::Arguments(":1}".to_owned())),
        close(0),
        close(1),
        Chunk::Stop {
            choice: 0,
            stop: Stop::ToolCalls,
        },
        Chunk::End,
    ];
    let events = events(&written(&chunks, &Request::default()));
    check(&events);
    let output = &events.last().expect("events")["response"]["output"];
    assert_eq!(output[0]["arguments"], "{}");
    assert_eq!(output[1]["arguments"], "{\"x\":1}");
    assert_eq!(
        (&output[0]["call_id"], &output[1]["call_id"]),
        (&json!("a"), &json!("b"))
    );
}

fn custom_call(id: &str, name: &str) -> Opened {
    Opened::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        custom: true,
        signature: None,
    }
}

#[test]
fn a_custom_tools_text_is_streamed_as_it_comes() {
    let request =
        read(&json!({"model": "m", "input": "a", "tools": [{"type": "custom", "name": "patch"}]}));
    let chunks = [
        start(),
        open(0, custom_call("a", "patch")),
        grow_by(0, Delta::Arguments("*** B".to_owned())),
        grow_by(0, Delta::Arguments("\n".to_owned())),
        close(0),
        Chunk::Stop {
            choice: 0,
            stop: Stop::ToolCalls,
        },
        Chunk::End,
    ];
    let events = events(&written(&chunks, &request));
    check(&events);
    let kinds = kinds(&events);
    assert!(
        kinds.contains(&"response.custom_tool_call_input.done"),
        "{kinds:?}"
    );
    let output = &events.last().expect("events")["response"]["output"];
    assert_eq!(output[0]["input"], "*** B\n");
}

#[test]
fn thoughts_are_streamed_as_a_summary_where_one_was_asked_for() {
    let chunks = [
        start(),
        open(
            0,
            Opened::Thinking(Thinking {
                id: Some("rs_1".to_owned()),
                ..Thinking::default()
            }),
        ),
        grow_by(0, Delta::Text("hm".to_owned())),
        close(0),
        open(1, Opened::Text),
        grow_by(1, Delta::Text("a".to_owned())),
        close(1),
        Chunk::Stop {
            choice: 0,
            stop: Stop::End,
        },
        Chunk::End,
    ];
    let asked = read(
        &json!({"model": "m", "input": "a", "reasoning": {"effort": "low", "summary": "auto"}}),
    );
    for (request, delta) in [
        (&asked, "response.reasoning_summary_text.delta"),
        (&Request::default(), "response.reasoning_text.delta"),
    ] {
        let events = events(&written(&chunks, request));
        check(&events);
        assert!(kinds(&events).contains(&delta));
    }
}

#[test]
fn an_error_ends_a_stream_as_sdks_and_agents_recognise_it() {
    let chunks = [
        start(),
        open(0, Opened::Text),
        grow_by(0, Delta::Text("a".to_owned())),
        Chunk::Error(Fault {
            kind: FaultKind::Overloaded,
            message: "busy".to_owned(),
            code: None,
            field: None,
        }),
        Chunk::End,
    ];
    let events = events(&written(&chunks, &Request::default()));
    check(&events);
    let kinds = kinds(&events);
    assert_eq!(kinds[kinds.len() - 2..], ["error", "response.failed"]);
    let error = &events[events.len() - 2];
    assert_eq!(
        (&error["message"], &error["error"]["message"]),
        (&json!("busy"), &json!("busy"))
    );
    let response = &events[events.len() - 1]["response"];
    assert_eq!(response["status"], "failed");
    assert_eq!(response["error"]["code"], "server_is_overloaded");
}

#[test]
fn a_stream_that_is_cut_says_nothing_of_an_end() {
    let chunks = [
        start(),
        open(0, Opened::Text),
        grow_by(0, Delta::Text("a".to_owned())),
        Chunk::Ping,
    ];
    let out = written(&chunks, &Request::default());
    assert_eq!(out.last(), Some(&Bytes::from_static(b": ping\n\n")));
    assert!(!kinds(&events(&out)).contains(&"response.completed"));
}

#[test]
fn a_stream_without_a_start_begins_with_one() {
    let chunks = [
        open(0, Opened::Refusal),
        grow_by(0, Delta::Text("no".to_owned())),
        close(0),
        Chunk::End,
    ];
    let request = read(&json!({"model": "m", "input": "a"}));
    let events = events(&written(&chunks, &request));
    check(&events);
    assert_eq!(events[0]["response"]["id"], "resp_req_01");
    assert_eq!(events[0]["response"]["model"], "m");
    assert_eq!(events[0]["response"]["created_at"], 1_790_000_001);
}
