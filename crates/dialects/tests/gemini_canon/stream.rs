//! Gemini's streams, from and into the canonical form.

use crate::support::*;
use bytes::Bytes;
use dialects::gemini::canon::{ArrayWriter, StreamReader, StreamWriter, read_answer, read_failure};
use dialects::sse::Framer;
use dialects::translate::Names;
use domain::canon::{
    Block, Chunk, Delta, Dialect, Fault, FaultKind, Json, Opened, Request, Signature, Stop, Tool,
    ToolKind, Unknown,
};
use domain::usage::Usage;

/// As a whole answer shows it: chunks do not know media.
fn whole(name: &str) -> domain::canon::Answer {
    let bytes = fixture(&format!("streams/{name}.json"));
    read_answer(&document(&bytes), &Names::default()).expect(name)
}

/// Ids are made from the arguments' text, whose spaces differ.
fn without_ids(mut answer: domain::canon::Answer) -> domain::canon::Answer {
    for choice in &mut answer.choices {
        for block in &mut choice.content {
            match block {
                Block::ToolCall(call) => {
                    call.id = String::new();
                    call.arguments = value(call.arguments.as_bytes()).to_string();
                }
                Block::Text { citations, .. } => citations.iter_mut().for_each(compact),
                Block::Unknown(unknown) => compact(unknown),
                _ => {}
            }
        }
    }
    answer.rest.iter_mut().for_each(compact);
    answer.rest.sort_by(|one, other| one.name.cmp(&other.name));
    answer
}

fn compact(unknown: &mut Unknown) {
    unknown.raw = Json::trusted(value(unknown.raw.as_str().as_bytes()).to_string());
}

#[test]
fn a_stream_amounts_to_the_whole_answer() {
    for (name, bytes) in fixtures("streams", "sse") {
        let chunks = read_stream(&bytes);
        assert!(is_complete(&chunks), "{name}");
        let folded = without_ids(fold(&chunks));
        assert_eq!(folded, without_ids(whole(&name)), "{name}");
    }
}

#[test]
fn a_written_stream_says_the_same() {
    let curious = curious();
    for (name, bytes) in fixtures("streams", "sse") {
        let chunks = read_stream(&bytes);
        let again = read_stream(&write_stream(&chunks, &curious));
        assert!(is_complete(&again), "{name}");
        assert_eq!(fold(&again), fold(&chunks), "{name}");
    }
}

#[test]
fn every_frame_is_one_that_googles_sdks_take() {
    let curious = curious();
    for (name, bytes) in fixtures("streams", "sse") {
        let written = write_stream(&read_stream(&bytes), &curious);
        let written = String::from_utf8(written).expect("text");
        let frames: Vec<_> = written.split_terminator("\r\n\r\n").collect();
        for (at, frame) in frames.iter().enumerate() {
            let json = frame.strip_prefix("data: ").expect("data");
            assert!(!json.contains(['\n', '\r']), "{name}");
            let frame = value(json.as_bytes());
            assert_eq!(frame["responseId"], "resp-1", "{name}");
            if frame.get("promptFeedback").is_some() {
                continue;
            }
            for candidate in frame["candidates"].as_array().expect("candidates") {
                let parts = candidate["content"]["parts"].as_array();
                assert!(!parts.expect("parts").is_empty(), "{name}");
                let is_last = at + 1 == frames.len();
                assert_eq!(candidate.get("finishReason").is_some(), is_last, "{name}");
            }
        }
    }
}

#[test]
fn a_stream_without_a_reason_to_end_was_cut() {
    for (name, bytes) in fixtures("streams", "sse") {
        let text = String::from_utf8(bytes).expect("text");
        let frames: Vec<_> = text.split_inclusive("\r\n\r\n").collect();
        let is_one = frames.len() == 1 || name == "reason_in_every_frame";
        for end in 1..frames.len() {
            let chunks = read_stream(frames[..end].concat().as_bytes());
            assert!(is_one || !is_complete(&chunks), "{name} {end}");
        }
    }
}

#[test]
fn nothing_ends_before_the_connection_does() {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    let bytes = Bytes::from(fixture("streams/text.sse"));
    framer.push(bytes, &mut frames).expect("short");
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    for frame in &frames {
        reader.push(frame, &mut out).expect("well-formed");
    }
    let is_end = |chunk: &Chunk| matches!(chunk, Chunk::Stop { .. } | Chunk::End);
    assert!(!out.iter().any(is_end));
    reader.finish(&mut out);
    assert_eq!(out.last(), Some(&Chunk::End));
    let len = out.len();
    reader.finish(&mut out);
    assert_eq!(out.len(), len, "the end comes once");
}

#[test]
fn an_error_in_the_middle_is_seen_however_it_is_framed() {
    let start = String::from_utf8(fixture("streams/text.sse")).expect("text");
    let start = start.split_inclusive("\r\n\r\n").next().expect("a frame");
    let error = String::from_utf8(fixture("errors/overloaded.json")).expect("text");
    let line = error.replace('\n', " ");
    let forms = [
        format!("{start}data: {line}\r\n\r\n"),
        format!("{start}{error}"),
        format!("{start}{line}"),
        format!("{start}[{error}]\n\n"),
    ];
    for form in forms {
        let chunks = read_stream(form.as_bytes());
        let wanted = Chunk::Error(Fault {
            kind: FaultKind::Overloaded,
            message: "The model is overloaded. Please try again later.".to_owned(),
            code: Some("UNAVAILABLE".to_owned()),
            field: None,
        });
        assert_eq!(chunks.last(), Some(&wanted), "{form}");
    }
}

#[test]
fn a_frame_that_is_no_object_is_malformed() {
    for data in [
        "data: {\n\n",
        "data: 1\n\n",
        "data: \"x\"\n\n",
        "data: {}}\n\n",
    ] {
        let mut framer = Framer::new(1 << 20);
        let mut frames = Vec::new();
        let bytes = Bytes::copy_from_slice(data.as_bytes());
        framer.push(bytes, &mut frames).expect("short");
        let mut reader = StreamReader::new(Names::default());
        let read = reader.push(&frames[0], &mut Vec::new());
        assert!(read.is_err(), "{data}");
    }
}

#[test]
fn a_comment_is_a_sign_of_life() {
    let chunks = read_stream(b": hello\n\ndata: [DONE]\n\n");
    assert_eq!(chunks, [Chunk::Ping]);
}

fn open_call(block: u32, id: &str, name: &str) -> Chunk {
    Chunk::Open {
        choice: 0,
        block,
        opened: Opened::ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            custom: false,
            signature: Some(Signature {
                family: Dialect::Anthropic,
                value: "foreign".to_owned(),
            }),
        },
    }
}

fn grow(block: u32, more: &str) -> Chunk {
    Chunk::Grow {
        choice: 0,
        block,
        delta: Delta::Arguments(more.to_owned()),
    }
}

#[test]
fn calls_that_grow_side_by_side_go_out_whole_and_in_order() {
    let chunks = [
        open_call(0, "a", "one"),
        grow(0, "{\"x\":\n"),
        open_call(1, "b", "two"),
        grow(1, ""),
        Chunk::Close {
            choice: 0,
            block: 1,
        },
        grow(0, "1}"),
        Chunk::Close {
            choice: 0,
            block: 0,
        },
        Chunk::Stop {
            choice: 0,
            stop: Stop::ToolCalls,
        },
        Chunk::Usage(Usage {
            input: 3,
            output: 4,
            ..Usage::default()
        }),
        Chunk::End,
    ];
    let request = Request::default();
    let mut writer = StreamWriter::new(&head(&request));
    let mut out = Vec::new();
    for chunk in &chunks {
        writer.push(chunk, &mut out);
    }
    let frames: Vec<_> = out.iter().map(|frame| value(&frame[6..])).collect();
    let call = |at: usize| &frames[at]["candidates"][0]["content"]["parts"][0];
    let wanted = serde_json::json!({"functionCall": {"id": "a", "name": "one", "args": {"x": 1}}});
    assert_eq!(call(0), &wanted);
    let wanted = serde_json::json!({"functionCall": {"id": "b", "name": "two", "args": {}}});
    assert_eq!(call(1), &wanted);
    assert_eq!(frames[2]["candidates"][0]["finishReason"], "STOP");
    assert_eq!(frames[2]["usageMetadata"]["totalTokenCount"], 7);
    assert_eq!(frames.len(), 3);
}

#[test]
fn what_was_cut_is_not_sold_as_whole() {
    let start = [
        open_call(0, "a", "one"),
        grow(0, "{\"x\":"),
        Chunk::Error(Fault {
            kind: FaultKind::Overloaded,
            message: "Overloaded".to_owned(),
            code: None,
            field: None,
        }),
        Chunk::End,
    ];
    let written = write_stream(&start, &Request::default());
    let written = String::from_utf8(written).expect("text");
    let (event, _) = written.split_once("\n\n").expect("an event");
    let error = value(event.strip_prefix("data: ").expect("data").as_bytes());
    assert_eq!(error["error"]["status"], "UNAVAILABLE");
    assert_eq!(error["error"]["code"], 503);
}

#[test]
fn names_are_the_clients() {
    let long = "mcp__server__".repeat(9);
    let request = Request {
        tools: vec![Tool::new(long.clone(), ToolKind::Function { schema: None })],
        ..Request::default()
    };
    let names = Names::of(&request);
    let name = names.outward(&long).to_owned();
    assert_ne!(name, long);
    let text = format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"name":"{name}"}}}}]}}}}]}}"#
    );
    let answer = read_answer(&document(text.as_bytes()), &names).expect("an answer");
    let Block::ToolCall(call) = &answer.choices[0].content[0] else {
        panic!("a call");
    };
    assert_eq!(call.name, long);
}

#[test]
fn frames_become_one_array() {
    let mut writer = ArrayWriter::new();
    let mut out = Vec::new();
    let chunks = read_stream(&fixture("streams/calls.sse"));
    let request = curious();
    let mut stream = StreamWriter::new(&head(&request));
    for chunk in &chunks {
        let mut frames = Vec::new();
        stream.push(chunk, &mut frames);
        for frame in &frames {
            out.extend_from_slice(&writer.push(frame));
        }
    }
    out.extend_from_slice(&writer.finish());
    let array = value(&out);
    assert_eq!(array.as_array().expect("an array").len(), 5);
    assert_eq!(value(&ArrayWriter::new().finish()), serde_json::json!([]));
}

#[test]
fn citations_of_others_become_googles() {
    let raw = r#"{"type":"url_citation","url":"https://example.com","title":"E","start_index":0,"end_index":4}"#;
    let citation = Unknown::new(Dialect::OpenAi, "url_citation", Json::trusted(raw));
    let chunks = [
        Chunk::Open {
            choice: 0,
            block: 0,
            opened: Opened::Text,
        },
        Chunk::Grow {
            choice: 0,
            block: 0,
            delta: Delta::Text("Rain".to_owned()),
        },
        Chunk::Grow {
            choice: 0,
            block: 0,
            delta: Delta::Citation(citation),
        },
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
    let read = fold(&read_stream(&write_stream(&chunks, &Request::default())));
    let Block::Text { citations, .. } = &read.choices[0].content[0] else {
        panic!("a text");
    };
    let citation = value(citations[0].raw.as_str().as_bytes());
    assert_eq!(citation["uri"], "https://example.com");
}

#[test]
fn a_failure_without_content_is_no_answer() {
    let with = |parts: &str, reason: &str| {
        let content = format!(r#"{{"role":"model","parts":[{parts}]}}"#);
        format!(r#"{{"candidates":[{{"index":0,"content":{content},"finishReason":"{reason}"}}]}}"#)
    };
    let last = |json: &str| read_stream(format!("data: {json}\n\n").as_bytes()).pop();
    let is_read = |json: &str| read_answer(&document(json.as_bytes()), &Names::default()).is_some();
    for reason in ["MALFORMED_FUNCTION_CALL", "OTHER", "SOMETHING_NEW"] {
        let empty = with("", reason);
        let told = last(&empty);
        let is_told = matches!(&told, Some(Chunk::Error(fault)) if fault.kind == FaultKind::Server && fault.message.contains(reason));
        assert!(is_told, "{told:?}");
        assert!(!is_read(&empty), "{reason}");
        let told = empty.replace(
            "\"finishReason\"",
            "\"finishMessage\":\"Why.\",\"finishReason\"",
        );
        let (failure, used) = read_failure(&document(told.as_bytes())).expect("one");
        assert_eq!(used, None);
        assert_eq!(failure.code.as_deref(), Some(reason));
        assert!(failure.message.ends_with(" Why."), "{failure:?}");
        let counted = told.replacen('{', r#"{"usageMetadata":{"promptTokenCount":3,"thoughtsTokenCount":40,"totalTokenCount":43},"#, 1);
        let (_, used) = read_failure(&document(counted.as_bytes())).expect("one");
        let used = used.map(|used| (used.input, used.reasoning));
        assert_eq!(used, Some((3, 40)), "thought, and said nothing");
        let begun = with(r#"{"text":"a"}"#, reason);
        if reason == "MALFORMED_FUNCTION_CALL" {
            let (failure, _) = read_failure(&document(begun.as_bytes())).expect("one");
            assert!(matches!(last(&begun), Some(Chunk::Error(fault)) if fault == failure));
            assert!(!is_read(&begun), "a call is missing");
            continue;
        }
        assert_eq!(read_failure(&document(begun.as_bytes())), None);
        assert_eq!(last(&begun), Some(Chunk::End));
        assert!(is_read(&begun), "{reason}");
    }
    for reason in ["STOP", "SAFETY", "MAX_TOKENS"] {
        assert!(is_read(&with("", reason)), "{reason}");
    }
}
