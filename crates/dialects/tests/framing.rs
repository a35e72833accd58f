//! A stream is cut by what its content type says.

#[path = "support/eventstream.rs"]
mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dialects::framing::{Cutter, Unreadable};
use dialects::lines::Framer;
use dialects::sse::{Frame, FrameTooLong};
use domain::canon::Dialect;
use proptest::prelude::*;
use serde_json::json;

fn cutter(kind: &str, dialect: Dialect) -> Option<Cutter> {
    Cutter::of(kind.as_bytes(), dialect, 1 << 10)
}

fn cut(mut cutter: Cutter, bytes: &[u8]) -> Vec<Frame> {
    let mut out = Vec::new();
    let bytes = Bytes::copy_from_slice(bytes);
    cutter.push(bytes, &mut out).expect("readable");
    out.extend(cutter.last().expect("readable"));
    out
}

fn data(frames: &[Frame]) -> Vec<&[u8]> {
    let said = frames.iter().filter_map(|frame| frame.data.as_deref());
    said.collect()
}

#[test]
fn each_content_type_has_its_cutter() {
    let events = cutter("Text/Event-Stream; charset=utf-8", Dialect::OpenAi).expect("a stream");
    assert_eq!(data(&cut(events, b"data: {}\n\n")), [b"{}"]);
    let messages = cutter("application/vnd.amazon.eventstream", Dialect::Converse);
    let bytes = wire::event("messageStart", &json!({"role": "assistant"}));
    let frames = cut(messages.expect("a stream"), &bytes);
    assert_eq!(data(&frames), [br#"{"role":"assistant"}"#]);
    let lines = cutter("application/x-ndjson", Dialect::Ollama).expect("a stream");
    assert_eq!(data(&cut(lines, b"{}\n[]")), [b"{}", b"[]"]);
}

#[test]
fn what_is_no_stream_of_the_dialect_has_none() {
    for kind in ["application/json", "text/event-streams", "", "text/html"] {
        assert!(cutter(kind, Dialect::Ollama).is_none(), "{kind}");
    }
    assert!(cutter("application/x-ndjson", Dialect::OpenAi).is_none());
}

#[test]
fn an_endless_event_is_refused_whatever_cuts_it() {
    for kind in ["text/event-stream", "application/x-ndjson"] {
        let mut cutter = cutter(kind, Dialect::Ollama).expect("a stream");
        let mut last = Ok(());
        for _ in 0..11 {
            last = cutter.push(Bytes::from(vec![b'x'; 100]), &mut Vec::new());
        }
        assert_eq!(last, Err(Unreadable::Endless), "{kind}");
    }
    let kind = "application/vnd.amazon.eventstream";
    let long = wire::message(&[], &[b' '; 2000]);
    let mut cutter = cutter(kind, Dialect::Converse).expect("a stream");
    let pushed = cutter.push(long.into(), &mut Vec::new());
    assert_eq!(pushed, Err(Unreadable::Endless));
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
    let mut framer = Framer::new(4);
    let mut out = Vec::new();
    for piece in ["ab", "c\n", "abc\n"] {
        assert_eq!(framer.push(Bytes::from(piece), &mut out), Ok(()));
    }
    assert_eq!(data(&out), [b"abc", b"abc"]);
    let too_long = Err(FrameTooLong { limit: 4 });
    assert_eq!(framer.push(Bytes::from("abcd\n"), &mut out), too_long);
    assert_eq!(
        Framer::new(4).push(Bytes::from("abcde"), &mut out),
        too_long
    );
}

#[test]
fn blank_lines_and_line_ends_of_windows_say_nothing() {
    let mut framer = Framer::new(100);
    let mut out = Vec::new();
    let bytes = Bytes::from(" {\"a\":1} \r\n\r\n\n{}");
    framer.push(bytes, &mut out).expect("short");
    out.extend(framer.last());
    assert_eq!(data(&out), [&b"{\"a\":1}"[..], b"{}"]);
    assert_eq!(out.len(), 4);
    assert_eq!(framer.last(), None);
}

const BINARY: &str = "application/vnd.amazon.eventstream";

/// An event of Anthropic's as `InvokeModelWithResponseStream` sends it.
fn chunk(event: &str) -> Vec<u8> {
    wire::event(
        "chunk",
        &json!({"bytes": STANDARD.encode(event), "p": "abc"}),
    )
}

#[test]
fn what_aws_wraps_is_what_its_maker_sends() {
    let events = [
        r#"{"type":"message_start","message":{"id":"msg_1"}}"#,
        "{\"type\":\"ping\",\n\"x\":\"ä\"}",
        r#"{"choices":[]}"#,
    ];
    let bytes = [wire::event("initial-response", &json!({}))];
    let bytes = bytes.into_iter().chain(events.map(chunk));
    let bytes = bytes.collect::<Vec<_>>().concat();
    let frames = cut(
        cutter(BINARY, Dialect::Anthropic).expect("a stream"),
        &bytes,
    );
    let events = events.map(str::as_bytes);
    assert_eq!(data(&frames), events);
    let text: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.bytes.to_vec())
        .collect();
    assert_eq!(
        String::from_utf8(text).expect("text"),
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\"}}\n\n\
         event: ping\ndata: {\"type\":\"ping\",\ndata: \"x\":\"ä\"}\n\n\
         data: {\"choices\":[]}\n\n"
    );
}

#[test]
fn an_exception_among_what_aws_wraps_is_its_makers_error() {
    let bytes = wire::exception("throttlingException", "slow down");
    let frames = cut(
        cutter(BINARY, Dialect::Anthropic).expect("a stream"),
        &bytes,
    );
    assert_eq!(
        data(&frames),
        [br#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#]
    );
    assert_eq!(frames[0].event.as_deref(), Some(&b"error"[..]));
}

#[test]
fn what_cannot_be_unwrapped_is_malformed() {
    let whole = chunk("{}");
    let cut = whole[..whole.len() - 1].to_vec();
    for (bytes, why) in [
        (
            wire::event("chunk", &json!({})),
            "a chunk of the stream holds no bytes",
        ),
        (
            wire::event("chunk", &json!({"bytes": "?"})),
            "a chunk of the stream is no base64",
        ),
        (cut, "the stream was cut in the middle of a message"),
    ] {
        let mut cutter = cutter(BINARY, Dialect::Anthropic).expect("a stream");
        let mut out = Vec::new();
        let read = cutter
            .push(bytes.into(), &mut out)
            .and_then(|()| cutter.last());
        assert_eq!(read, Err(Unreadable::Malformed(why)));
        assert_eq!(out, []);
    }
}

proptest! {
    #[test]
    fn lines_do_not_depend_on_the_cuts(
        lines in prop::collection::vec("[ -~é]{0,40}", 0..6),
        ends in any::<bool>(),
        step in 1..50_usize,
    ) {
        let mut bytes = lines.join("\n").into_bytes();
        if ends {
            bytes.push(b'\n');
        }
        let framed = |step: usize| {
            let mut framer = Framer::new(1 << 10);
            let mut out = Vec::new();
            for piece in bytes.chunks(step) {
                framer.push(Bytes::copy_from_slice(piece), &mut out).expect("short");
            }
            out.extend(framer.last());
            out
        };
        let whole = framed(bytes.len().max(1));
        prop_assert_eq!(framed(step), whole.clone());
        let all: Vec<u8> = whole.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        prop_assert_eq!(all, bytes);
    }
}
