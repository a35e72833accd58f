//! A provider's stream says what its whole answer says.

use super::support::{answer, binary, chunks, fixture, fixtures, folded};
use super::wire;
use bytes::Bytes;
use dialects::converse::canon::StreamReader;
use dialects::eventstream::Framer;
use dialects::translate::{Malformed, Names};
use domain::canon::{Answer, Block, Chunk, Delta, Opened, Stop};
use proptest::prelude::*;
use serde_json::json;

fn streams() -> Vec<String> {
    let folder = "converse/canon";
    fixtures(folder, "stream_")
}

fn stream(name: &str) -> Vec<u8> {
    binary(&fixture(name))
}

#[test]
fn a_stream_says_what_its_answer_says() {
    for name in streams() {
        let whole = name.replace("stream_", "answer_").replace("events", "json");
        let whole = answer(&fixture(&whole));
        let mut streamed = folded(&chunks(&stream(&name), &[]));
        if streamed.choices.is_empty() {
            streamed.choices.push(Default::default());
        }
        assert_eq!(streamed, whole, "{name}");
    }
}

fn reader_of(bytes: &[u8]) -> (Vec<Chunk>, Result<(), Malformed>) {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    framer
        .push(Bytes::copy_from_slice(bytes), &mut frames)
        .expect("messages");
    frames.extend(framer.last());
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    for frame in &frames {
        if let Err(malformed) = reader.push(frame, &mut out) {
            return (out, Err(malformed));
        }
    }
    reader.finish(&mut out);
    (out, Ok(()))
}

fn ends(chunks: &[Chunk]) -> usize {
    chunks.iter().filter(|chunk| **chunk == Chunk::End).count()
}

#[test]
fn usage_comes_behind_the_stop_and_before_the_end() {
    let all = chunks(&stream("stream_text.events"), &[]);
    let behind = &all[all.len() - 3..];
    assert!(matches!(behind[0], Chunk::Stop { .. }));
    assert!(matches!(behind[1], Chunk::Usage(_)));
    assert_eq!(behind[2], Chunk::End);
}

#[test]
fn exceptions_in_the_middle_are_errors_in_words_that_others_know() {
    let error = |name: &str| {
        let (out, read) = reader_of(&stream(&format!("failing_{name}.events")));
        assert_eq!((read, ends(&out)), (Ok(()), 0));
        match out.last() {
            Some(Chunk::Error { kind, message }) => {
                assert!(!message.is_empty());
                kind.clone()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error("throttled"), "rate_limit_error");
    assert_eq!(error("model_error"), "api_error");
    assert_eq!(error("server"), "api_error");
    assert_eq!(error("unavailable"), "overloaded_error");
    assert_eq!(error("invalid"), "context_length_exceeded");
}

#[test]
fn a_stream_without_its_stop_never_ends() {
    let whole = stream("stream_tools.events");
    let (out, _) = reader_of(&whole);
    assert_eq!(ends(&out), 1);
    for cut in 0..whole.len() {
        let (out, read) = reader_of(&whole[..cut]);
        let has_stopped = out.iter().any(|chunk| matches!(chunk, Chunk::Stop { .. }));
        // Between two messages a stream that stopped is whole but for its usage.
        assert_eq!(ends(&out) == 1, has_stopped && read.is_ok(), "{cut}");
    }
}

#[test]
fn content_outside_of_its_message_is_malformed() {
    let delta = wire::event(
        "contentBlockDelta",
        &json!({"contentBlockIndex": 0, "delta": {"text": "a"}}),
    );
    assert!(reader_of(&delta).1.is_err());
    let mut late = wire::event("messageStart", &json!({"role": "assistant"}));
    late.extend(wire::event(
        "messageStop",
        &json!({"stopReason": "end_turn"}),
    ));
    late.extend(&delta);
    assert!(reader_of(&late).1.is_err());
    let orphan = json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{"}}});
    let mut call = wire::event("messageStart", &json!({"role": "assistant"}));
    call.extend(wire::event("contentBlockDelta", &orphan));
    assert!(reader_of(&call).1.is_err());
    let text = wire::message(&[(":event-type", "messageStart")], b"nonsense");
    assert!(reader_of(&text).1.is_err());
}

#[test]
fn events_that_nobody_knows_are_kept_and_initial_ones_passed_over() {
    let mut bytes = wire::event("initial-response", &json!({}));
    bytes.extend(wire::event("messageStart", &json!({"role": "assistant"})));
    bytes.extend(wire::event("somethingNew", &json!({"a": 1})));
    let (out, read) = reader_of(&bytes);
    assert_eq!(read, Ok(()));
    let Chunk::Unknown(unknown) = &out[1] else {
        panic!("{out:?}");
    };
    assert_eq!(unknown.name, "event:somethingNew");
}

#[test]
fn blocks_that_nobody_closed_follow_one_another() {
    let mut bytes = wire::event("messageStart", &json!({"role": "assistant"}));
    for delta in [
        json!({"reasoningContent": {"text": "hm"}}),
        json!({"text": "a"}),
        json!({"text": "b"}),
        json!({"reasoningContent": {"redactedContent": "ZW5j"}}),
        json!({"reasoningContent": {"redactedContent": "cnlw"}}),
    ] {
        let event = json!({"contentBlockIndex": 0, "delta": delta});
        bytes.extend(wire::event("contentBlockDelta", &event));
    }
    bytes.extend(wire::event(
        "messageStop",
        &json!({"stopReason": "end_turn"}),
    ));
    let (out, _) = reader_of(&bytes);
    let answer: Answer = folded(&out);
    let content = &answer.choices[0].content;
    assert_eq!(content.len(), 3);
    assert_eq!(content[1], Block::text("ab"));
    let Block::Thinking(hidden) = &content[2] else {
        panic!("{content:?}");
    };
    assert_eq!(hidden.signature.as_ref().expect("signed").value, "ZW5jcnlw");
}

#[test]
fn the_forced_answer_streams_as_text() {
    let text = fixture("stream_tools.events").replace("get_weather", "portcullis_json_answer");
    let all = chunks(&binary(&text), &[]);
    let opened: Vec<&Opened> = all
        .iter()
        .filter_map(|chunk| match chunk {
            Chunk::Open { opened, .. } => Some(opened),
            _ => None,
        })
        .collect();
    assert!(matches!(opened[1], Opened::Text));
    let is_text = |chunk: &Chunk| matches!(chunk, Chunk::Grow { block: 1, delta: Delta::Text(text), .. } if !text.is_empty());
    assert_eq!(all.iter().filter(|chunk| is_text(chunk)).count(), 2);
    let stop = folded(&all).choices[0].stop.clone();
    assert_eq!(stop, Some(Stop::ToolCalls));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn chunks_do_not_depend_on_the_cuts(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(0..300_usize, 0..20),
    ) {
        let streams = streams();
        let bytes = stream(&streams[which.index(streams.len())]);
        prop_assert_eq!(chunks(&bytes, &cuts), chunks(&bytes, &[]));
    }
}
