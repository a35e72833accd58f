//! A stream of any content type is cut the same however it comes, in binary
//! messages, wrapped events and lines alike. The first byte says where the cuts
//! are, the second what it is; of binary messages the sums are put right, or
//! nothing else would ever be looked at.

#![no_main]

use bytes::Bytes;
use dialects::framing::{Cutter, Unreadable};
use dialects::sse::Frame;
use domain::canon::Dialect;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 1 << 16;
const BINARY: &[u8] = b"application/vnd.amazon.eventstream";

fn told(
    (kind, dialect): (&[u8], Dialect),
    body: &[u8],
    step: usize,
) -> (Vec<Frame>, Result<Option<Frame>, Unreadable>) {
    let mut cutter = Cutter::of(kind, dialect, LIMIT).expect("a stream");
    let mut frames = Vec::new();
    let mut cuts = body.chunks(step).map(Bytes::copy_from_slice);
    let end = cuts
        .try_for_each(|cut| cutter.push(cut, &mut frames))
        .and_then(|()| cutter.last());
    (frames, end)
}

/// Messages whose headers and payloads these bytes are; each begins with the
/// lengths of both.
fn messages(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [headers, payload, behind @ ..] = rest {
        let headers = usize::from(*headers).min(behind.len());
        let (headers, behind) = behind.split_at(headers);
        let payload = usize::from(*payload).min(behind.len());
        let (payload, behind) = behind.split_at(payload);
        let lengths = [16 + headers.len() + payload.len(), headers.len()];
        let mut message: Vec<u8> = Vec::new();
        for length in lengths {
            message.extend(u32::try_from(length).expect("short").to_be_bytes());
        }
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message.extend([headers, payload].concat());
        message.extend(crc32fast::hash(&message).to_be_bytes());
        out.extend(message);
        rest = behind;
    }
    out
}

fuzz_target!(|input: &[u8]| {
    let [step, what, body @ ..] = input else {
        return;
    };
    let (kind, dialect): (&[u8], _) = match what & 3 {
        0 => (BINARY, Dialect::Converse),
        1 => (BINARY, Dialect::Anthropic),
        2 => (b"application/x-ndjson", Dialect::Ollama),
        _ => (b"text/event-stream", Dialect::OpenAi),
    };
    let body = match what & 7 {
        0 | 1 => messages(body),
        _ => body.to_vec(),
    };
    let step = usize::from(*step).max(1);
    let whole = told((kind, dialect), &body, body.len().max(1));
    assert_eq!(told((kind, dialect), &body, step), whole);
    // All but an unwrapped stream comes out as it went in.
    if let (frames, Ok(last)) = &whole
        && (kind != BINARY || dialect == Dialect::Converse)
    {
        let all = frames.iter().chain(last).map(|frame| frame.bytes.to_vec());
        let all: Vec<u8> = all.collect::<Vec<_>>().concat();
        assert!(all.starts_with(&body), "{}", body.escape_ascii());
    }
});
