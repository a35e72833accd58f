//! Streams from fixtures, and the ways in which servers differ.

use crate::support::{document, events, fixture, json, read_stream, write_stream};
use dialects::openai::canon::read_answer;
use dialects::translate::Names;
use domain::canon::{
    Answer, Block, Chunk, Delta, Dialect, Fault, FaultKind, Fold, Json, Opened, Request, Stop,
    Unknown,
};
use domain::usage::Usage;
use serde_json::Value;

/// Streams that say the same as the answer of the same name.
const STREAMS: &[&str] = &[
    "text",
    "tools",
    "custom",
    "refusal",
    "length",
    "filter",
    "n2_logprobs",
    "audio",
    "annotations",
    "thoughts",
    "compat_thoughts_litellm",
    "compat_deepseek",
    "compat_openrouter",
    "compat_mistral",
    "compat_whole_calls",
    "compat_same_index",
    "compat_vllm_stop",
    "compat_azure",
    "compat_groq",
    "compat_old_function",
];

fn chunks(name: &str) -> Vec<Chunk> {
    read_stream(&fixture(&format!("streams/{name}.sse"))).expect(name)
}

fn folded(chunks: &[Chunk]) -> Answer {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    assert!(fold.is_complete(), "no end: {chunks:?}");
    fold.finish()
}

fn asks(usage: [bool; 1]) -> Request {
    Request {
        model: "asked".to_owned(),
        stream: true,
        stream_usage: usage[0],
        ..Request::default()
    }
}

fn sse(events: &[&str]) -> Vec<u8> {
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    events.collect::<String>().into_bytes()
}

#[test]
fn a_stream_amounts_to_the_whole_answer() {
    for name in STREAMS {
        // Without white space, as it stands in the stream.
        let whole = json(&fixture(&format!("answers/{name}.json"))).to_string();
        let whole = read_answer(&document(whole), &Names::default()).expect(name);
        assert_eq!(folded(&chunks(name)), whole, "{name}");
    }
}

#[test]
fn a_stream_that_is_written_again_says_the_same() {
    for name in STREAMS {
        let once = chunks(name);
        let again = read_stream(&write_stream(&once, &asks([true]))).expect(name);
        let mut once = folded(&once);
        for choice in &mut once.choices {
            // Which sequence it was cannot be said here.
            if let Some(Stop::Sequence(_)) = choice.stop {
                choice.stop = Some(Stop::End);
            }
        }
        assert_eq!(folded(&again), once, "{name}");
    }
}

#[test]
fn blocks_open_one_after_the_other_but_for_calls() {
    for name in STREAMS {
        let mut open: Vec<(u32, u32, bool)> = Vec::new();
        let mut next = std::collections::BTreeMap::<u32, u32>::new();
        for chunk in chunks(name) {
            match chunk {
                Chunk::Open {
                    choice,
                    block,
                    opened,
                } => {
                    let is_call = matches!(opened, Opened::ToolCall { .. });
                    let beside = open.iter().filter(|other| other.0 == choice);
                    assert!(beside.clone().all(|other| is_call && other.2), "{name}");
                    let place = next.entry(choice).or_default();
                    assert_eq!(block, *place, "{name}");
                    *place += 1;
                    open.push((choice, block, is_call));
                }
                Chunk::Grow { choice, block, .. } => {
                    assert!(
                        open.iter()
                            .any(|other| (other.0, other.1) == (choice, block)),
                        "{name}"
                    );
                }
                Chunk::Close { choice, block } => {
                    let at = open
                        .iter()
                        .position(|other| (other.0, other.1) == (choice, block));
                    open.remove(at.unwrap_or_else(|| panic!("{name}: closed twice")));
                }
                Chunk::Stop { choice, .. } => {
                    assert!(open.iter().all(|other| other.0 != choice), "{name}");
                }
                _ => {}
            }
        }
        assert!(open.is_empty(), "{name}");
    }
}

#[test]
fn usage_is_told_only_to_who_asked() {
    let once = chunks("text");
    let asked = events(&write_stream(&once, &asks([true])));
    let (last, others) = asked.split_last().expect("events");
    assert_eq!(last["choices"], Value::Array(Vec::new()));
    assert_eq!(last["usage"]["prompt_tokens"], 19);
    assert_eq!(last["usage"]["prompt_tokens_details"]["cached_tokens"], 8);
    for event in others {
        assert_eq!(
            event.as_object().expect("event").get("usage"),
            Some(&Value::Null)
        );
    }
    for event in events(&write_stream(&once, &asks([false]))) {
        assert_eq!(event.get("usage"), None);
        assert_eq!(event["choices"].as_array().expect("choices").len(), 1);
        assert_eq!(event["system_fingerprint"], "fp_44709d6fcb");
    }
}

#[test]
fn a_stream_without_its_end_marks_has_no_end() {
    let begun =
        r#"{"id":"a","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}"#;
    let ended = r#"{"id":"a","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let has_end = |events: &[&str]| {
        let chunks = read_stream(&sse(events)).expect("well formed");
        chunks.contains(&Chunk::End)
    };
    assert!(has_end(&[begun, ended, "[DONE]"]));
    assert!(!has_end(&[begun, ended]));
    assert!(!has_end(&[begun, "[DONE]"]));
    assert!(!has_end(&["[DONE]"]));
    let other =
        r#"{"id":"a","choices":[{"index":1,"delta":{"content":"Hi"},"finish_reason":null}]}"#;
    assert!(!has_end(&[begun, other, ended, "[DONE]"]));
}

#[test]
fn an_error_in_the_middle_ends_everything() {
    let begun =
        r#"{"id":"a","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}"#;
    let failed =
        r#"{"error":{"message":"Overloaded","type":"server_error","code":"overloaded_error"}}"#;
    let read = read_stream(&sse(&[begun, failed, begun, "[DONE]"])).expect("well formed");
    let last = Chunk::Error(Fault {
        kind: FaultKind::Overloaded,
        message: "Overloaded".to_owned(),
        code: Some("overloaded_error".to_owned()),
        field: None,
    });
    assert_eq!(read.last(), Some(&last));
    let written = write_stream(&read, &asks([true]));
    let text = String::from_utf8(written.clone()).expect("text");
    assert!(!text.contains("[DONE]") && !text.contains(r#""finish_reason":"stop""#));
    let events = events(&written);
    assert_eq!(
        events.last().expect("events")["error"]["code"],
        "overloaded"
    );
    let broken = r#"{"id":"a","choices":[{"index":0,"delta":{"content":"Ho"},"finish_reason":"insufficient_system_resource"}]}"#;
    let read_broken = read_stream(&sse(&[begun, broken, "[DONE]"])).expect("well formed");
    assert!(
        matches!(read_broken.last(), Some(Chunk::Error(fault)) if fault.kind == FaultKind::Overloaded)
    );
    let named = b"event: error\ndata: {\"message\":\"gone\"}\n\n";
    assert!(
        matches!(&read_stream(named).expect("well formed")[..], [Chunk::Error(fault)] if fault.message == "gone")
    );
    let vllm = sse(&[r#"{"object":"error","message":"no","type":"BadRequestError","code":400}"#]);
    assert!(matches!(
        &read_stream(&vllm).expect("well formed")[..],
        [Chunk::Error(fault)] if fault.kind == FaultKind::Invalid
    ));
    let router = sse(&[r#"{"error":{"message":"busy","code":503}}"#]);
    assert!(matches!(
        &read_stream(&router).expect("well formed")[..],
        [Chunk::Error(fault)] if fault.kind == FaultKind::Overloaded
    ));
}

#[test]
fn what_is_no_chunk_is_malformed() {
    for event in ["{", "[]", "1", "<html>"] {
        assert!(read_stream(&sse(&[event])).is_err(), "{event}");
    }
    let late = [
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"delta":{"content":"text"}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}"#,
    ];
    assert!(read_stream(&sse(&late)).is_err());
    let nameless = [
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
    ];
    assert!(read_stream(&sse(&nameless)).is_err());
}

#[test]
fn pings_and_strange_events_are_no_content() {
    let bytes =
        b": hello\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: odd\ndata: {\"a\":1}\n\n";
    let read = read_stream(bytes).expect("well formed");
    let odd = Unknown::new(Dialect::OpenAi, "odd", Json::trusted(r#"{"a":1}"#));
    assert_eq!(read, [Chunk::Ping, Chunk::Ping, Chunk::Unknown(odd)]);
}

#[test]
fn a_call_whose_name_comes_late_waits_for_it() {
    let events = [
        r#"{"id":"i","choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{\"k\""}}]}}]}"#,
        r#"{"id":"i","choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":":1}"}}]}}]}"#,
        r#"{"id":"i","choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ];
    let answer = folded(&read_stream(&sse(&events)).expect("well formed"));
    assert!(
        matches!(&answer.choices[0].content[..], [Block::ToolCall(call)] if call.arguments == r#"{"k":1}"# && call.id == "a")
    );
}

#[test]
fn empty_arguments_are_written_as_an_object() {
    let open = |block, id: &str| Chunk::Open {
        choice: 0,
        block,
        opened: Opened::ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            custom: false,
            signature: None,
        },
    };
    let chunks = [
        open(0, "same"),
        open(1, "same"),
        Chunk::Close {
            choice: 0,
            block: 0,
        },
        Chunk::Stop {
            choice: 0,
            stop: Stop::End,
        },
        Chunk::End,
    ];
    let events = events(&write_stream(&chunks, &asks([false])));
    let pieces: Vec<_> = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"].get("tool_calls"))
        .collect();
    assert_eq!(pieces.len(), 4);
    assert_ne!(pieces[0][0]["id"], pieces[1][0]["id"]);
    assert_eq!(pieces[2][0]["function"]["arguments"], "{}");
    assert_eq!(pieces[3][0]["function"]["arguments"], "{}");
    assert_eq!(
        events.last().expect("events")["choices"][0]["finish_reason"],
        "tool_calls"
    );
}

#[test]
fn line_breaks_in_foreign_json_break_no_frame() {
    let chunks = [
        Chunk::Start {
            id: "a".to_owned(),
            model: "m".to_owned(),
            created: Some(1),
        },
        Chunk::Unknown(Unknown::new(
            Dialect::OpenAi,
            "provider",
            Json::trusted("{\n\r\n\"a\": 1}"),
        )),
        Chunk::Open {
            choice: 0,
            block: 0,
            opened: Opened::Text,
        },
        Chunk::Grow {
            choice: 0,
            block: 0,
            delta: Delta::Text("a\nb\r\n".to_owned()),
        },
        Chunk::Logprobs {
            choice: 0,
            logprobs: Json::trusted("{\n\"content\": []\n}"),
        },
        Chunk::Close {
            choice: 0,
            block: 0,
        },
        Chunk::Stop {
            choice: 0,
            stop: Stop::Sequence(None),
        },
        Chunk::Usage(Usage {
            input: 1,
            ..Usage::default()
        }),
        Chunk::Ping,
        Chunk::End,
    ];
    let bytes = write_stream(&chunks, &asks([false]));
    let events = events(&bytes);
    assert_eq!(events[0]["provider"]["a"], 1);
    assert_eq!(events[1].get("provider"), None);
    assert_eq!(events[1]["choices"][0]["delta"]["content"], "a\nb\r\n");
    assert!(String::from_utf8_lossy(&bytes).contains("\n\n: ping\n\n"));
}

#[test]
fn every_choice_begins_with_its_role() {
    for name in STREAMS {
        let mut seen = std::collections::BTreeSet::new();
        for event in events(&write_stream(&chunks(name), &asks([true]))) {
            for choice in event["choices"].as_array().expect("choices") {
                let is_first = seen.insert(choice["index"].as_u64());
                let role = choice["delta"].get("role");
                assert_eq!(role.is_some(), is_first, "{name}");
            }
        }
    }
}
