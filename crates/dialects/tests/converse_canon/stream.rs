//! A provider's stream says what its whole answer says.

use super::support::{answer, binary, chunks, fixture, fixtures, folded};
use super::wire;
use bytes::Bytes;
use dialects::converse::canon::StreamReader;
use dialects::eventstream::Framer;
use dialects::sse;
use dialects::translate::{Malformed, Names};
use domain::canon::{Answer, Block, Chunk, Delta, Fault, FaultKind, Opened, Stop};
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
fn exceptions_in_the_middle_are_errors_of_their_kind() {
    let error = |name: &str| {
        let (out, read) = reader_of(&stream(&format!("failing_{name}.events")));
        assert_eq!((read, ends(&out)), (Ok(()), 0));
        match out.last() {
            Some(Chunk::Error(Fault { kind, message, .. })) => {
                assert!(!message.is_empty());
                *kind
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error("throttled"), FaultKind::RateLimited);
    assert_eq!(error("model_error"), FaultKind::Server);
    assert_eq!(error("server"), FaultKind::Server);
    assert_eq!(error("unavailable"), FaultKind::Overloaded);
    assert_eq!(error("invalid"), FaultKind::ContextTooLong);
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

/// The outcome of a message that begins so and goes on with `count` events.
fn going_on(
    begun: &[serde_json::Value],
    count: usize,
    event: impl Fn(usize) -> (&'static str, serde_json::Value),
) -> (Vec<Chunk>, Result<(), Malformed>) {
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    let mut push = |name: &str, payload: &serde_json::Value| {
        let mut frames = Vec::new();
        let text = format!("event: {name}\ndata: {payload}\n\n");
        let framed = sse::Framer::new(usize::MAX).push(text.into(), &mut frames);
        framed.expect("an event");
        let mut read = frames.iter().map(|frame| reader.push(frame, &mut out));
        read.next().expect("an event")
    };
    let mut read = push("messageStart", &json!({"role": "assistant"}));
    for start in begun {
        let event = json!({"contentBlockIndex": 0, "start": start});
        read = read.and_then(|()| push("contentBlockStart", &event));
    }
    for number in 0..count {
        let (name, payload) = event(number);
        read = read.and_then(|()| push(name, &payload));
    }
    (out, read)
}

#[test]
fn a_block_that_is_kept_whole_may_not_grow_for_ever() {
    let long = "QUJD".repeat(1 << 17);
    let kinds = [
        (
            json!({"toolUse": {"toolUseId": "a", "name": "b", "type": "server_tool_use"}}),
            json!({"toolUse": {"input": long}}),
        ),
        (
            json!({"toolResult": {"toolUseId": "a"}}),
            json!({"toolResult": [{"text": long}]}),
        ),
        (
            json!({"toolResult": {"toolUseId": "a"}}),
            json!({"toolResult": [{"json": long}]}),
        ),
        (
            json!({"image": {"format": "png"}}),
            json!({"image": {"source": {"bytes": long}}}),
        ),
    ];
    for (start, delta) in kinds {
        let begun = [start];
        let event = |_| {
            let event = json!({"contentBlockIndex": 0, "delta": delta});
            ("contentBlockDelta", event)
        };
        let (out, read) = going_on(&begun, 17, event);
        assert!(read.is_err(), "{begun:?}");
        assert_eq!(out.len(), 1, "{begun:?}");
    }
}

#[test]
fn small_pieces_count_for_the_room_that_they_take() {
    let pieces = vec![json!({}); 40_000];
    let start = [json!({"toolResult": {"toolUseId": "a"}})];
    let event = |_| {
        let delta = json!({"contentBlockIndex": 0, "delta": {"toolResult": pieces}});
        ("contentBlockDelta", delta)
    };
    assert!(going_on(&start, 5, event).1.is_err());
}

#[test]
fn a_hidden_thought_is_told_once_and_may_not_grow_for_ever() {
    let delta = |data: &str| {
        let thought = json!({"reasoningContent": {"redactedContent": data}});
        let event = json!({"contentBlockIndex": 0, "delta": thought});
        ("contentBlockDelta", event)
    };
    let mut bytes = wire::event("messageStart", &json!({"role": "assistant"}));
    for _ in 0..1000 {
        let (name, event) = delta("ZW5j");
        bytes.extend(wire::event(name, &event));
    }
    let stop = json!({"stopReason": "end_turn"});
    bytes.extend(wire::event("messageStop", &stop));
    let (out, read) = reader_of(&bytes);
    assert_eq!(read, Ok(()));
    let signed = |chunk: &Chunk| match chunk {
        Chunk::Open {
            opened: Opened::Thinking(thinking),
            ..
        } => thinking.signature.as_ref().map_or(0, |it| it.value.len()),
        Chunk::Grow {
            delta: Delta::Signature(signature),
            ..
        } => signature.value.len(),
        _ => 0,
    };
    assert_eq!(out.iter().map(signed).sum::<usize>(), 4000);
    let long = "ZW5j".repeat(1 << 17);
    assert!(going_on(&[], 17, |_| delta(&long)).1.is_err());
}

#[test]
fn metadata_that_never_stops_is_malformed() {
    let long = "a".repeat(1 << 19);
    let event = |number: usize| ("metadata", json!({format!("new{number}"): long}));
    assert!(going_on(&[], 17, event).1.is_err());
    assert_eq!(going_on(&[], 15, event).1, Ok(()));
}

#[test]
fn more_calls_at_once_than_any_model_makes_are_malformed() {
    let event = |number: usize| {
        let call = json!({"toolUse": {"toolUseId": "a", "name": "b"}});
        let start = json!({"contentBlockIndex": number, "start": call});
        ("contentBlockStart", start)
    };
    assert_eq!(going_on(&[], 1024, event).1, Ok(()));
    assert!(going_on(&[], 1025, event).1.is_err());
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
