//! Streams of providers.

use dialects::responses::canon::StreamReader;
use dialects::translate::Names;
use domain::canon::{Answer, Chunk, Delta, FaultKind, Opened, Request, Stop};
use proptest::prelude::*;

use crate::answer::ANSWERS;
use crate::support::{answer, chunks, fixture, folded, frames, head, value, written};

const WHOLE: &[&str] = &["summary_parts", "interleaved", "sparse"];

fn streams() -> impl Iterator<Item = String> {
    let all = ANSWERS.iter().chain(WHOLE);
    all.map(|name| format!("stream_{name}.sse"))
}

/// The answer that stands in the stream's last event.
fn last(name: &str) -> Answer {
    let frames = frames(&fixture(name));
    let ends = frames
        .iter()
        .rev()
        .filter_map(|frame| frame.data.as_deref());
    let mut ends = ends.filter(|data| *data != b"[DONE]");
    let end = value(ends.next().expect("an event"));
    answer(end["response"].to_string().as_bytes())
}

#[test]
fn a_stream_amounts_to_the_whole_answer() {
    for name in streams() {
        let (folded, is_complete) = folded(&chunks(&fixture(&name)));
        assert!(is_complete, "{name}");
        assert_eq!(folded, last(&name), "{name}");
    }
}

/// Blocks one after the other, only calls side by side.
fn check_order(name: &str, chunks: &[Chunk]) {
    let mut open: Vec<(u32, bool)> = Vec::new();
    let mut next = 0;
    assert!(
        matches!(
            chunks.iter().find(|it| **it != Chunk::Ping),
            Some(Chunk::Start { .. })
        ),
        "{name}"
    );
    for chunk in chunks {
        match chunk {
            Chunk::Open { block, opened, .. } => {
                assert_eq!(*block, next, "{name}");
                next += 1;
                let is_call = matches!(opened, Opened::ToolCall { .. });
                assert!(
                    open.iter().all(|(_, call)| *call && is_call),
                    "{name}: {chunk:?}"
                );
                open.push((*block, is_call));
            }
            Chunk::Grow { block, .. } => {
                assert!(open.iter().any(|(it, _)| it == block), "{name}: {chunk:?}");
            }
            Chunk::Close { block, .. } => {
                let at = open.iter().position(|(it, _)| it == block);
                open.remove(at.expect("an open block"));
            }
            Chunk::Stop { .. } | Chunk::End => assert!(open.is_empty(), "{name}"),
            _ => {}
        }
    }
}

#[test]
fn blocks_come_one_after_the_other() {
    for name in streams() {
        check_order(&name, &chunks(&fixture(&name)));
    }
}

#[test]
fn text_is_given_as_it_comes() {
    let chunks = chunks(&fixture("stream_text.sse"));
    let is_text = |chunk: &&Chunk| {
        matches!(
            chunk,
            Chunk::Grow {
                delta: Delta::Text(_),
                ..
            }
        )
    };
    assert!(chunks.iter().filter(is_text).count() > 2);
}

#[test]
fn calls_grow_side_by_side() {
    let chunks = chunks(&fixture("stream_interleaved.sse"));
    let calls: Vec<u32> = chunks
        .iter()
        .filter_map(|chunk| match chunk {
            Chunk::Grow {
                block,
                delta: Delta::Arguments(_),
                ..
            } => Some(*block),
            _ => None,
        })
        .collect();
    assert!(!calls.is_sorted() || calls.len() > 2, "{calls:?}");
}

#[test]
fn a_stream_that_just_ends_has_no_end() {
    let (answer, is_complete) = folded(&chunks(&fixture("stream_cut.sse")));
    assert!(!is_complete);
    assert_eq!(answer.choices[0].stop, None);
}

#[test]
fn errors_in_the_middle_are_errors() {
    for (name, kind) in [
        ("stream_error.sse", FaultKind::Overloaded),
        ("stream_failed.sse", FaultKind::Server),
    ] {
        let chunks = chunks(&fixture(name));
        let Some(Chunk::Error(fault)) = chunks.last() else {
            panic!("{name}: {chunks:?}");
        };
        assert_eq!(fault.kind, kind);
        assert!(!fault.message.is_empty());
        assert!(!folded(&chunks).1);
    }
}

#[test]
fn an_error_in_the_middle_has_the_kind_of_its_code() {
    for (error, kind) in [
        (r#"{"code":503,"message":"x"}"#, FaultKind::Overloaded),
        (r#"{"code":"429","message":"x"}"#, FaultKind::RateLimited),
        (
            r#"{"code":"service_unavailable","message":"x"}"#,
            FaultKind::Overloaded,
        ),
        (
            r#"{"type":"invalid_request_error","message":"x"}"#,
            FaultKind::Invalid,
        ),
        (r#"{"code":"new","message":"x"}"#, FaultKind::Server),
    ] {
        let event = format!("data: {{\"type\":\"error\",\"error\":{error}}}\n\n");
        let all = chunks(event.as_bytes());
        let is_told = matches!(all.last(), Some(Chunk::Error(fault)) if fault.kind == kind);
        assert!(is_told, "{error}: {all:?}");
    }
}

#[test]
fn an_event_that_nobody_knows_is_kept() {
    let bytes = b"data: {\"type\":\"response.new_thing\",\"x\":1}\n\ndata: {\"type\":\"response.web_search_call.searching\"}\n\n";
    let chunks = chunks(bytes);
    assert!(matches!(&chunks[1], Chunk::Unknown(it) if it.name == "response.new_thing"));
    assert_eq!(chunks[2], Chunk::Ping);
}

#[test]
fn what_is_no_json_is_malformed() {
    for bytes in [
        &b"data: {\"type\":\n\n"[..],
        b"data: 7\n\n",
        b"data: <html>\n\n",
    ] {
        let mut reader = StreamReader::new(Names::default());
        let frame = &frames(bytes)[0];
        assert!(reader.push(frame, &mut Vec::new()).is_err());
    }
}

#[test]
fn a_stream_of_only_its_end_is_an_answer() {
    let whole = value(&fixture("answer_tools.json"));
    let event = serde_json::json!({"type": "response.completed", "response": whole});
    let chunks = chunks(format!("data: {event}\n\n").as_bytes());
    let (folded, is_complete) = folded(&chunks);
    assert!(is_complete);
    assert_eq!(folded, answer(whole.to_string().as_bytes()));
    assert!(chunks.contains(&Chunk::Stop {
        choice: 0,
        stop: Stop::ToolCalls
    }));
}

proptest! {
    #[test]
    fn events_that_are_lost_or_doubled_break_nothing(
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 1..40),
        name in prop::sample::select(streams().collect::<Vec<_>>()),
    ) {
        let frames = frames(&fixture(&name));
        let mut reader = StreamReader::new(Names::default());
        let mut out = Vec::new();
        for pick in picks {
            reader.push(pick.get(&frames), &mut out).expect("an event");
        }
        folded(&out);
    }

    #[test]
    fn numbers_that_mean_nothing_break_nothing(
        numbers in proptest::collection::vec(prop::sample::select(vec![0, 1, 2, 1 << 40, u64::MAX]), 1..20),
        name in prop::sample::select(streams().collect::<Vec<_>>()),
    ) {
        let mut numbers = numbers.iter().cycle();
        let mut bytes = Vec::new();
        for frame in frames(&fixture(&name)) {
            let Some(data) = frame.data.filter(|data| data.starts_with(b"{")) else {
                continue;
            };
            let mut event = value(&data);
            for key in ["output_index", "content_index", "summary_index"] {
                if event.get(key).is_some() {
                    event[key] = numbers.next().copied().into();
                }
            }
            if let Some(usage) = event.pointer_mut("/response/usage/output_tokens") {
                *usage = u64::MAX.into();
            }
            bytes.extend_from_slice(format!("data: {event}\n\n").as_bytes());
        }
        let chunks = chunks(&bytes);
        let (answer, _) = folded(&chunks);
        let request = Request::default();
        written(&chunks, &request);
        let whole = dialects::responses::canon::write_answer(&answer, &head(&request));
        prop_assert!(value(&whole)["output"].is_array());
    }
}
