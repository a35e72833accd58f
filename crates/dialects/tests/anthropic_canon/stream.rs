//! Streams.

use super::support::{answer, chunks, fixture, fixtures, folded, head, value, written};
use bytes::Bytes;
use dialects::anthropic::canon::{StreamReader, StreamWriter};
use dialects::sse::Framer;
use dialects::translate::Names;
use domain::canon::{
    Answer, Block, Choice, Chunk, Delta, Dialect, Fault, FaultKind, Json, Opened, Request, Stop,
    Unknown,
};
use serde_json::json as j;

#[test]
fn a_stream_says_what_its_answer_says() {
    for name in fixtures("answer_") {
        let whole = answer(&fixture(&name));
        let stream = name.replace("answer_", "stream_").replace(".json", ".sse");
        let chunks = chunks(fixture(&stream).as_bytes());
        // The pieces of a streamed input are the model's own text.
        let spaced = |mut answer: Answer| {
            for block in answer.choices.iter_mut().flat_map(|it| &mut it.content) {
                match block {
                    Block::ToolCall(call) => call.arguments = compact(&call.arguments),
                    Block::Unknown(own) => own.raw = Json::trusted(compact(own.raw.as_str())),
                    Block::Text { citations, .. } => citations
                        .iter_mut()
                        .for_each(|it| it.raw = Json::trusted(compact(it.raw.as_str()))),
                    _ => {}
                }
            }
            for own in &mut answer.rest {
                own.raw = Json::trusted(compact(own.raw.as_str()));
            }
            if answer.choices.is_empty() {
                answer.choices.push(Choice::default());
            }
            answer
        };
        assert_eq!(spaced(folded(&chunks)), spaced(whole), "{name}");
        let again = written(&chunks);
        assert_eq!(
            folded(&super::support::chunks(&again)),
            folded(&chunks),
            "{name}"
        );
    }
}

fn compact(text: &str) -> String {
    let mut out = String::new();
    let mut is_string = false;
    for letter in text.chars() {
        is_string ^= letter == '"';
        if is_string || !letter.is_whitespace() {
            out.push(letter);
        }
    }
    out
}

#[test]
fn how_a_stream_is_cut_does_not_matter() {
    for name in fixtures("stream_") {
        let text = fixture(&name);
        let mut framer = Framer::new(1 << 20);
        let mut frames = Vec::new();
        for byte in text.bytes() {
            framer
                .push(Bytes::copy_from_slice(&[byte]), &mut frames)
                .expect("short");
        }
        let mut reader = StreamReader::new(Names::default());
        let mut out = Vec::new();
        for frame in &frames {
            reader.push(frame, &mut out).expect("well formed");
        }
        assert_eq!(out, chunks(text.as_bytes()), "{name}");
    }
}

#[test]
fn the_last_usage_of_a_stream_counts() {
    let all = chunks(fixture("stream_search.sse").as_bytes());
    let inputs: Vec<u64> = all
        .iter()
        .filter_map(|chunk| match chunk {
            Chunk::Usage(usage) => Some(usage.input),
            _ => None,
        })
        .collect();
    assert_eq!(inputs, [2095, 7, 2095]);
}

#[test]
fn calls_that_grow_side_by_side_are_written_one_after_the_other() {
    let open = |block, id: &str| Chunk::Open {
        choice: 0,
        block,
        opened: Opened::ToolCall {
            id: id.to_owned(),
            name: "t".to_owned(),
            custom: false,
            signature: None,
        },
    };
    let grow = |block, text: &str| Chunk::Grow {
        choice: 0,
        block,
        delta: Delta::Arguments(text.to_owned()),
    };
    let close = |block| Chunk::Close { choice: 0, block };
    let all = [
        Chunk::Start {
            id: "i".to_owned(),
            model: "m".to_owned(),
            created: None,
        },
        open(0, "a"),
        grow(0, "{\"x\""),
        open(1, "b"),
        grow(1, "{\"y\""),
        grow(0, ":1}"),
        grow(1, ":2}"),
        close(1),
        close(0),
        Chunk::Stop {
            choice: 0,
            stop: Stop::ToolCalls,
        },
        Chunk::End,
    ];
    let text = written(&all);
    let read = chunks(&text);
    assert_eq!(folded(&read).choices, folded(&all).choices);
    let mut open_blocks = 0;
    for chunk in &read {
        match chunk {
            Chunk::Open { .. } => open_blocks += 1,
            Chunk::Close { .. } => open_blocks -= 1,
            _ => {}
        }
        assert!(open_blocks <= 1);
    }
}

#[test]
fn calls_that_a_server_sends_side_by_side_are_read() {
    let start = |index: u32, id: &str| {
        format!(
            r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","id":"{id}","name":"t","input":{{}}}}}}"#
        )
    };
    let grow = |index: u32, json: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":"{json}"}}}}"#
        )
    };
    let events = [
        r#"{"type":"message_start","message":{"id":"a","model":"b"}}"#.to_owned(),
        start(0, "a"),
        start(1, "b"),
        grow(1, "{}"),
        grow(0, "[]"),
        r#"{"type":"content_block_stop","index":1}"#.to_owned(),
        r#"{"type":"content_block_stop","index":0}"#.to_owned(),
        r#"{"type":"message_stop"}"#.to_owned(),
    ];
    let stream: String = events
        .iter()
        .map(|data| format!("data:{data}\r\n\r\n"))
        .collect();
    let read = folded(&chunks(stream.as_bytes()));
    let arguments: Vec<&str> = read.choices[0]
        .content
        .iter()
        .map(|block| match block {
            Block::ToolCall(call) => call.arguments.as_str(),
            _ => "no call",
        })
        .collect();
    assert_eq!(arguments, ["[]", "{}"]);
}

#[test]
fn the_beginning_of_a_stream_knows_the_usage_that_is_known() {
    let all = chunks(fixture("stream_plain.sse").as_bytes());
    let text = String::from_utf8(written(&all)).expect("text");
    let first = text
        .lines()
        .nth(1)
        .and_then(|line| line.strip_prefix("data: "));
    let first = value(first.expect("data").as_bytes());
    assert_eq!(first["message"]["usage"]["input_tokens"], 2095);
    assert_eq!(first["message"]["stop_reason"], j!(null));
}

#[test]
fn a_cut_stream_has_no_end() {
    let text = fixture("stream_tools.sse");
    let cut = text.find("event: message_stop").expect("an end");
    let all = chunks(&text.as_bytes()[..cut]);
    assert!(!all.contains(&Chunk::End));
    let out = String::from_utf8(written(&all)).expect("text");
    assert!(!out.contains("message_stop") && !out.contains("message_delta"));
}

#[test]
fn an_error_ends_a_stream() {
    let all = chunks(fixture("stream_overloaded.sse").as_bytes());
    let error = Chunk::Error(Fault {
        kind: FaultKind::Overloaded,
        message: "Overloaded".to_owned(),
        code: Some("overloaded_error".to_owned()),
        field: None,
    });
    assert_eq!(all.last(), Some(&error));
    let out = String::from_utf8(written(&all)).expect("text");
    let last = out.trim_end().rsplit("\n\n").next().expect("a frame");
    assert!(last.starts_with("event: error\ndata: "), "{last}");
    assert!(last.contains("overloaded_error"));
}

#[test]
fn an_error_in_a_stream_has_the_kind_of_its_word_whoevers_it_is() {
    for (word, kind) in [
        ("rate_limit_error", FaultKind::RateLimited),
        ("invalid_request_error", FaultKind::Invalid),
        ("context_length_exceeded", FaultKind::ContextTooLong),
        ("insufficient_quota", FaultKind::Billing),
        ("service_unavailable", FaultKind::Overloaded),
        ("something_new", FaultKind::Server),
    ] {
        let error = format!(r#"{{"type":"error","error":{{"type":"{word}","message":"x"}}}}"#);
        let all = chunks(format!("event: error\ndata: {error}\n\n").as_bytes());
        let is_told = matches!(all.last(), Some(Chunk::Error(fault)) if fault.kind == kind);
        assert!(is_told, "{word}: {all:?}");
    }
}

#[test]
fn what_a_stream_may_not_say_is_refused() {
    let push = |data: &str| {
        let mut frames = Vec::new();
        let mut framer = Framer::new(1 << 20);
        let frame = Bytes::from(format!("data: {data}\n\n"));
        framer.push(frame, &mut frames).expect("short");
        let mut reader = StreamReader::new(Names::default());
        reader.push(&frames[0], &mut Vec::new())
    };
    assert!(push("{").is_err());
    assert!(push("{}").is_err());
    assert!(push(r#"{"type":"message_stop"}"#).is_err());
    assert!(push(r#"{"type":"content_block_start","index":0,"content_block":{}}"#).is_err());
    assert!(push(r#"{"type":"content_block_delta","index":0,"delta":{}}"#).is_err());
    assert!(push(r#"{"type":"ping"}"#).is_ok());
    assert!(push("[DONE]").is_ok());
}

#[test]
fn an_event_that_nobody_knows_goes_through() {
    let stream = "event: hint\ndata: {\"type\":\"hint\",\"a\":1}\n\n";
    let all = chunks(stream.as_bytes());
    let own = Unknown::new(
        Dialect::Anthropic,
        "event:hint",
        Json::trusted(r#"{"type":"hint","a":1}"#),
    );
    assert_eq!(all, [Chunk::Unknown(own)]);
    assert_eq!(written(&all), stream.as_bytes());
}

#[test]
fn free_text_of_a_tool_is_written_as_its_one_member() {
    let all = [
        Chunk::Open {
            choice: 0,
            block: 0,
            opened: Opened::ToolCall {
                id: "a".to_owned(),
                name: "patch".to_owned(),
                custom: true,
                signature: None,
            },
        },
        Chunk::Grow {
            choice: 0,
            block: 0,
            delta: Delta::Arguments("a \"b\"".to_owned()),
        },
        Chunk::Grow {
            choice: 0,
            block: 0,
            delta: Delta::Arguments("\n".to_owned()),
        },
        Chunk::Close {
            choice: 0,
            block: 0,
        },
        Chunk::End,
    ];
    let request = Request::default();
    let mut writer = StreamWriter::new(&head(&request));
    let mut out = Vec::new();
    all.iter().for_each(|chunk| writer.push(chunk, &mut out));
    let read = folded(&chunks(&out.concat()));
    let Block::ToolCall(call) = &read.choices[0].content[0] else {
        panic!("a call");
    };
    assert_eq!(value(call.arguments.as_bytes()), j!({"input": "a \"b\"\n"}));
}
