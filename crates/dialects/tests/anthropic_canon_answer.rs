//! Answers, whole and streamed, and errors.

#[path = "anthropic_canon/support.rs"]
mod support;

use bytes::Bytes;
use dialects::anthropic::canon::{
    StreamReader, StreamWriter, read_answer, read_fault, write_answer, write_fault,
    write_fault_event,
};
use dialects::sse::Framer;
use dialects::translate::Names;
use domain::canon::{
    Answer, Block, Choice, Chunk, Delta, Dialect, Fault, FaultKind, Json, Opened, Request,
    Signature, Stop, Thinking, Tool, ToolCall, ToolKind, Unknown,
};
use domain::usage::Usage;
use serde_json::json as j;
use support::{answer, chunks, doc, fixture, fixtures, folded, head, value, written};

#[test]
fn an_answer_comes_back_as_it_was() {
    for name in fixtures("answer_") {
        let text = fixture(&name);
        let request = Request::default();
        let written = write_answer(&answer(&text), &head(&request));
        assert_eq!(value(&written), value(text.as_bytes()), "{name}");
    }
}

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
        assert_eq!(folded(&support::chunks(&again)), folded(&chunks), "{name}");
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
fn usage_is_read_into_disjoint_parts() {
    let usage = answer(&fixture("answer_tools.json")).usage.expect("usage");
    let parts = Usage {
        input: 2095,
        cached_input: 1024,
        cache_write: 512,
        output: 49,
        reasoning: 40,
        ..Usage::default()
    };
    assert_eq!(usage, parts);
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
fn every_reason_to_stop_is_known() {
    let stop = |name: &str| {
        answer(&fixture(name)).choices[0]
            .stop
            .clone()
            .expect("a stop")
    };
    assert_eq!(stop("answer_plain.json"), Stop::End);
    assert_eq!(stop("answer_tools.json"), Stop::ToolCalls);
    assert_eq!(stop("answer_max_tokens.json"), Stop::Length);
    assert_eq!(stop("answer_window.json"), Stop::Length);
    assert_eq!(stop("answer_refusal.json"), Stop::Refused);
    assert_eq!(stop("answer_paused.json"), Stop::Paused);
    let sequence = Stop::Sequence(Some("three".to_owned()));
    assert_eq!(stop("answer_stop_sequence.json"), sequence);
    let text = fixture("answer_plain.json").replace("end_turn", "tired");
    let tired = answer(&text);
    assert_eq!(tired.choices[0].stop, Some(Stop::Other("tired".to_owned())));
    let request = Request::default();
    assert_eq!(
        value(&write_answer(&tired, &head(&request)))["stop_reason"],
        "tired"
    );
}

#[test]
fn what_is_no_answer_is_not_read() {
    let error = doc(r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#);
    assert_eq!(read_answer(&error, &Names::default()), None);
    assert_eq!(read_answer(&doc("[]"), &Names::default()), None);
    let completion = doc(r#"{"object":"chat.completion","choices":[]}"#);
    assert_eq!(read_answer(&completion, &Names::default()), None);
}

fn says(content: Vec<Block>, stop: Option<Stop>) -> Answer {
    Answer {
        choices: vec![Choice {
            content,
            stop,
            logprobs: None,
        }],
        ..Answer::default()
    }
}

fn call(id: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "t".to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
        cache: None,
    })
}

#[test]
fn agents_learn_that_tools_are_called_whatever_the_provider_says() {
    let request = Request {
        model: "asked".to_owned(),
        ..Request::default()
    };
    let written = |answer: &Answer| value(&write_answer(answer, &head(&request)));
    let called = written(&says(vec![call("a", "")], Some(Stop::End)));
    assert_eq!(called["stop_reason"], "tool_use");
    assert_eq!(called["content"][0]["input"], j!({}));
    assert_eq!(
        (&called["id"], &called["model"]),
        (&j!("msg_own"), &j!("asked"))
    );
    assert_eq!(called["usage"]["input_tokens"], 0);
    let refused = written(&says(vec![Block::Refusal("No.".to_owned())], None));
    assert_eq!(refused["stop_reason"], "refusal");
    assert_eq!(refused["content"], j!([{"type": "text", "text": "No."}]));
    let nothing = written(&Answer::default());
    assert_eq!(
        (&nothing["stop_reason"], &nothing["content"]),
        (&j!("end_turn"), &j!([]))
    );
}

#[test]
fn names_come_back_as_the_client_has_them() {
    let tool = Tool {
        name: "mcp/server.look up".to_owned(),
        description: None,
        kind: ToolKind::Function { schema: None },
        strict: None,
        cache: None,
        rest: Vec::new(),
    };
    let request = Request {
        tools: vec![tool.clone()],
        ..Request::default()
    };
    let names = Names::of(&request);
    let outward = names.outward(&tool.name);
    let text = fixture("answer_tools.json").replace("get_weather", outward);
    let read = read_answer(&doc(&text), &names).expect("an answer");
    let Block::ToolCall(call) = &read.choices[0].content[2] else {
        panic!("a call");
    };
    assert_eq!(call.name, tool.name);
}

#[test]
fn an_answer_that_came_by_tool_is_text() {
    let block = r#"{"type":"tool_use","id":"x","name":"portcullis_json_answer","input":{"a":1}}"#;
    let text = format!(r#"{{"type":"message","content":[{block}],"stop_reason":"tool_use"}}"#);
    let read = answer(&text);
    assert_eq!(read, says(vec![Block::text(r#"{"a":1}"#)], Some(Stop::End)));
    let stream = [
        r#"{"type":"message_start","message":{"id":"","model":""}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"x","name":"portcullis_json_answer","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let stream: String = stream
        .iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect();
    assert_eq!(folded(&chunks(stream.as_bytes())), read);
}

#[test]
fn another_familys_thoughts_come_back_as_theirs() {
    for (family, id) in [(Dialect::Responses, Some("rs_1")), (Dialect::Gemini, None)] {
        let thinking = Thinking {
            text: "hm".to_owned(),
            summary: family == Dialect::Responses,
            signature: Some(Signature {
                family,
                value: "sealed+/=".to_owned(),
            }),
            id: id.map(str::to_owned),
            redacted: false,
        };
        let request = Request::default();
        let said = says(vec![Block::Thinking(thinking.clone())], Some(Stop::End));
        let written = value(&write_answer(&said, &head(&request)));
        let content = &written["content"];
        let turn = j!({"model": "m", "messages": [{"role": "assistant", "content": content}]});
        let read = support::request(&turn);
        assert_eq!(read.messages[0].content, [Block::Thinking(thinking)]);
    }
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
    let error = Chunk::Error {
        kind: "overloaded_error".to_owned(),
        message: "Overloaded".to_owned(),
    };
    assert_eq!(all.last(), Some(&error));
    let out = String::from_utf8(written(&all)).expect("text");
    let last = out.trim_end().rsplit("\n\n").next().expect("a frame");
    assert!(last.starts_with("event: error\ndata: "), "{last}");
    assert!(last.contains("overloaded_error"));
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
fn errors_are_told_apart() {
    use FaultKind::{
        Authentication, Billing, ContextTooLong, Filtered, Invalid, NotFound, Overloaded,
        Permission, RateLimited, Server, Timeout, TooLarge,
    };
    let kinds = [
        ("invalid", Invalid),
        ("credit", Billing),
        ("too_long", ContextTooLong),
        ("filtered", Filtered),
        ("authentication", Authentication),
        ("billing", Billing),
        ("permission", Permission),
        ("not_found", NotFound),
        ("too_large", TooLarge),
        ("rate_limit", RateLimited),
        ("spend_limit", Billing),
        ("server", Server),
        ("timeout", Timeout),
        ("overloaded", Overloaded),
    ];
    let names = fixtures("error_");
    assert_eq!(names.len(), kinds.len());
    for name in names {
        let status = name[6..9].parse().expect("a status");
        let text = fixture(&name);
        let fault = read_fault(status, text.as_bytes());
        let (_, kind) = kinds
            .iter()
            .find(|(word, _)| name[10..].strip_suffix(".json") == Some(word))
            .expect(&name);
        assert_eq!(fault.kind, *kind, "{name}");
        let original = value(text.as_bytes());
        let request_id = original["request_id"].as_str().expect("an id");
        let written = value(&write_fault(&fault, request_id));
        assert_eq!(written["error"]["message"], original["error"]["message"]);
        if !matches!(&name[10..], "credit.json" | "spend_limit.json") {
            assert_eq!(written, original, "{name}");
        }
    }
    let invalid = read_fault(400, fixture("error_400_invalid.json").as_bytes());
    assert_eq!(invalid.field.as_deref(), Some("messages.1.role"));
    assert_eq!(invalid.code.as_deref(), Some("invalid_request_error"));
}

#[test]
fn nonsense_is_an_error_too() {
    let cases: [(u16, &str, FaultKind, &str); 6] = [
        (
            502,
            "<html><h1>Bad Gateway</h1></html>",
            FaultKind::Server,
            "status 502",
        ),
        (529, "", FaultKind::Overloaded, "status 529"),
        (429, "{", FaultKind::RateLimited, "status 429"),
        (403, r#"{"message":"no"}"#, FaultKind::Permission, "no"),
        (400, r#"{"error":"broken"}"#, FaultKind::Invalid, "broken"),
        (404, "[]", FaultKind::NotFound, "status 404"),
    ];
    for (status, body, kind, message) in cases {
        let fault = read_fault(status, body.as_bytes());
        assert_eq!(fault.kind, kind, "{body}");
        assert!(fault.message.contains(message), "{}", fault.message);
    }
}

#[test]
fn an_error_event_is_what_the_sdks_wait_for() {
    let fault = Fault {
        kind: FaultKind::ContextTooLong,
        message: "too many tokens".to_owned(),
        code: Some("context_length_exceeded".to_owned()),
        field: None,
    };
    let event = write_fault_event(&fault, "req_1");
    let event = std::str::from_utf8(&event).expect("text");
    let data = event
        .strip_prefix("event: error\ndata: ")
        .expect("an error");
    let error =
        j!({"type": "invalid_request_error", "message": "prompt is too long: too many tokens"});
    let body = j!({"type": "error", "error": error, "request_id": "req_1"});
    assert_eq!(value(data.trim().as_bytes()), body);
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
