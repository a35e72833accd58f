//! AWS' event streams are cut into their messages.

#[path = "support/eventstream.rs"]
mod wire;

use bytes::Bytes;
use dialects::eventstream::{Broken, CUT, Framer};
use dialects::sse::Frame;
use proptest::prelude::*;
use serde_json::json;

fn framed(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Frame>, Broken> {
    let mut framer = Framer::new(1 << 16);
    let mut out = Vec::new();
    let mut rest = Bytes::copy_from_slice(bytes);
    for cut in cuts {
        let piece = rest.split_to((*cut).min(rest.len()));
        framer.push(piece, &mut out)?;
    }
    framer.push(rest, &mut out)?;
    assert_eq!(framer.finish(), None);
    Ok(out)
}

fn event_of(frame: &Frame) -> &str {
    std::str::from_utf8(frame.event.as_deref().expect("an event")).expect("text")
}

/// The empty message, whose sums AWS' own test vectors name.
const EMPTY: &[u8] = &[
    0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
];

#[test]
fn the_encoder_of_these_tests_writes_what_aws_says() {
    assert_eq!(wire::of(&[], &[]), EMPTY);
    let frames = framed(EMPTY, &[]).expect("frames");
    assert_eq!(frames.len(), 1);
    assert_eq!(event_of(&frames[0]), "");
    assert_eq!(frames[0].data.as_deref(), Some(&b""[..]));
}

#[test]
fn an_event_is_named_and_keeps_its_bytes() {
    let bytes = wire::event("messageStart", &json!({"role": "assistant"}));
    let frames = framed(&bytes, &[]).expect("frames");
    assert_eq!(event_of(&frames[0]), "messageStart");
    let data = frames[0].data.as_deref();
    assert_eq!(data, Some(&br#"{"role":"assistant"}"#[..]));
    assert_eq!(frames[0].bytes, bytes);
}

#[test]
fn exceptions_and_errors_are_told_apart_from_events() {
    let mut bytes = wire::exception("throttlingException", "slow down");
    let headers = [
        (":message-type", "error"),
        (":error-code", "InternalError"),
        (":error-message", "it \"broke\""),
    ];
    bytes.extend(wire::message(&headers, b""));
    let frames = framed(&bytes, &[]).expect("frames");
    assert_eq!(event_of(&frames[0]), "exception:throttlingException");
    assert_eq!(event_of(&frames[1]), "exception:InternalError");
    let said = frames[1].data.as_deref();
    assert_eq!(said, Some(&br#"{"message":"it \"broke\""}"#[..]));
}

#[test]
fn headers_of_every_type_are_passed_over() {
    let mut headers: Vec<u8> = Vec::new();
    let sizes = [0, 0, 1, 2, 4, 8, usize::MAX, usize::MAX, 8, 16];
    for (kind, size) in (0_u8..).zip(sizes) {
        headers.extend([1, b'x', kind]);
        match size {
            usize::MAX => headers.extend([0, 2, b'a', b'b']),
            size => headers.extend(std::iter::repeat_n(7_u8, size)),
        }
    }
    headers.extend([11]);
    headers.extend(b":event-type");
    headers.extend([7, 0, 4]);
    headers.extend(b"ping");
    let frames = framed(&wire::of(&headers, b"{}"), &[]).expect("frames");
    assert_eq!(event_of(&frames[0]), "ping");
    let unknown = wire::of(&[1, b'x', 10], b"");
    assert_eq!(framed(&unknown, &[]), Err(Broken::Headers));
    let short = wire::of(&[1, b'x', 7, 0, 9, b'a'], b"");
    assert_eq!(framed(&short, &[]), Err(Broken::Headers));
}

#[test]
fn one_wrong_bit_is_noticed_wherever_it_is() {
    let good = wire::event("messageStart", &json!({"role": "assistant"}));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 4;
        let mut framer = Framer::new(1 << 16);
        let mut out = Vec::new();
        let pushed = framer.push(Bytes::from(bad), &mut out);
        assert_eq!(pushed, Err(Broken::Checksum), "{at}");
        assert_eq!(out, []);
    }
}

#[test]
fn a_message_that_is_too_long_is_refused_by_its_first_bytes() {
    let long = wire::of(&[], &[b' '; 100]);
    let mut framer = Framer::new(100);
    for byte in &long[..11] {
        let pushed = framer.push(Bytes::copy_from_slice(&[*byte]), &mut Vec::new());
        assert_eq!(pushed, Ok(()));
    }
    let pushed = framer.push(Bytes::copy_from_slice(&long[11..12]), &mut Vec::new());
    assert_eq!(pushed, Err(Broken::TooLong { limit: 100 }));
    let mut framer = Framer::new(116);
    assert_eq!(framer.push(Bytes::from(long), &mut Vec::new()), Ok(()));
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    for (total, headers) in [(0_u32, 0_u32), (15, 0), (20, 5), (u32::MAX, u32::MAX)] {
        let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        let pushed = Framer::new(1 << 16).push(Bytes::from(bytes), &mut Vec::new());
        assert_eq!(pushed, Err(Broken::Lengths), "{total} {headers}");
    }
}

#[test]
fn what_was_cut_is_told_at_the_end() {
    let bytes = wire::event("messageStart", &json!({}));
    let mut framer = Framer::new(1 << 16);
    let mut out = Vec::new();
    let cut = Bytes::copy_from_slice(&bytes[..bytes.len() - 1]);
    framer.push(cut.clone(), &mut out).expect("well formed");
    assert_eq!(out, []);
    let last = framer.last().expect("a rest");
    assert_eq!(event_of(&last), CUT);
    assert_eq!((last.bytes, last.data), (cut, None));
    assert_eq!(framer.last(), None);
}

proptest! {
    #[test]
    fn frames_do_not_depend_on_the_cuts(
        payloads in prop::collection::vec("[ -~é]{0,80}", 1..6),
        cuts in prop::collection::vec(0..60_usize, 0..20),
    ) {
        let events = payloads.iter().map(|words| wire::event("e", &json!({"text": words})));
        let bytes = events.collect::<Vec<_>>().concat();
        let whole = framed(&bytes, &[]).expect("frames");
        prop_assert_eq!(whole.len(), payloads.len());
        prop_assert_eq!(framed(&bytes, &cuts).expect("frames"), whole.clone());
        let single = vec![1; bytes.len()];
        prop_assert_eq!(framed(&bytes, &single).expect("frames"), whole.clone());
        let all: Vec<u8> = whole.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        prop_assert_eq!(all, bytes);
    }

    #[test]
    fn no_bytes_bring_it_down(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        headers in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let _ = Framer::new(1 << 10).push(Bytes::from(noise), &mut Vec::new());
        let framed = wire::of(&headers, b"{}");
        let _ = Framer::new(1 << 10).push(Bytes::from(framed), &mut Vec::new());
    }
}
