//! Streams, read.

use super::*;
use dialects::cohere::canon::{StreamReader, read_answer};
use dialects::sse::Framer;
use dialects::translate::Names;
use domain::canon::{Block, Chunk, Fold, Stop};
use proptest::prelude::*;

/// The chunks of a stream that is cut at these places.
fn chunks(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Chunk>, String> {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut start = 0;
    for cut in cuts {
        let piece = Bytes::copy_from_slice(&bytes[start..cut]);
        framer.push(piece, &mut frames).expect("short");
        start = cut;
    }
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    for frame in frames {
        let read = reader.push(&frame, &mut out);
        read.map_err(|malformed| malformed.to_string())?;
    }
    Ok(out)
}

fn fold(chunks: &[Chunk]) -> Fold {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    fold
}

fn event(kind: &str, delta: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"index\":0,\"delta\":{delta}}}\n\n")
}

#[test]
fn a_stream_amounts_to_the_whole_answer() {
    for (name, bytes) in fixtures("streams") {
        let folded = fold(&chunks(&bytes, &[]).expect("well-formed"));
        assert!(folded.is_complete(), "{name}");
        let whole = document(fixture("answers", &name));
        let whole = read_answer(&whole, &Names::default()).expect("an answer");
        assert_eq!(folded.finish(), whole, "{name}");
    }
}

#[test]
fn a_stream_that_lacks_its_last_event_has_no_end() {
    for (name, bytes) in fixtures("streams") {
        let text = String::from_utf8(bytes).expect("text");
        let end = text.find("event: message-end").expect("an end");
        let read = chunks(&text.as_bytes()[..end], &[]).expect("well-formed");
        assert!(!fold(&read).is_complete(), "{name}");
        assert!(
            !read.iter().any(|it| matches!(it, Chunk::Stop { .. })),
            "{name}"
        );
    }
}

#[test]
fn an_answer_that_breaks_off_is_an_error() {
    let failed = [
        event(
            "message-end",
            r#"{"finish_reason":"ERROR","error":"it broke"}"#,
        ),
        event(
            "message-end",
            r#"{"finish_reason":"COMPLETE","error":"it broke"}"#,
        ),
        "event: error\ndata: {\"message\":\"it broke\"}\n\n".to_owned(),
        "data: {\"id\":\"a\",\"message\":\"it broke\"}\n\n".to_owned(),
    ];
    let begun = event("content-delta", r#"{"message":{"content":{"text":"x"}}}"#);
    for failed in failed {
        let read = chunks(format!("{begun}{failed}").as_bytes(), &[]).expect("well-formed");
        let last = read.last();
        let is_told = matches!(last, Some(Chunk::Error(fault)) if fault.message == "it broke");
        assert!(is_told, "{failed}: {last:?}");
    }
}

#[test]
fn an_end_without_a_reason_is_none() {
    let read = chunks(event("message-end", "{}").as_bytes(), &[]).expect("well-formed");
    assert!(!fold(&read).is_complete());
}

#[test]
fn calls_may_grow_side_by_side() {
    let start = |index: u8| {
        format!(
            "data: {{\"type\":\"tool-call-start\",\"index\":{index},\"delta\":{{\"message\":{{\"tool_calls\":{{\"id\":\"c{index}\",\"function\":{{\"name\":\"f\",\"arguments\":\"\"}}}}}}}}}}\n\n"
        )
    };
    let grow = |index: u8, more: &str| {
        format!(
            "data: {{\"type\":\"tool-call-delta\",\"index\":{index},\"delta\":{{\"message\":{{\"tool_calls\":{{\"function\":{{\"arguments\":\"{more}\"}}}}}}}}}}\n\n"
        )
    };
    let end = event("message-end", r#"{"finish_reason":"TOOL_CALL"}"#);
    let all = [
        start(0),
        start(1),
        grow(1, "[1"),
        grow(0, "[0"),
        grow(1, "]"),
        grow(0, "]"),
        end,
    ];
    let answer = fold(&chunks(all.concat().as_bytes(), &[]).expect("well-formed")).finish();
    let said = format!("{:?}", answer.choices[0].content);
    assert!(
        said.contains("\"[0]\"") && said.contains("\"[1]\""),
        "{said}"
    );
}

#[test]
fn an_answer_that_a_tool_takes_is_a_text() {
    let start = r#"{"message":{"tool_calls":{"id":"a","function":{"name":"portcullis_json_answer","arguments":"{"}}}}"#;
    let grow = r#"{"message":{"tool_calls":{"function":{"arguments":"}"}}}}"#;
    let all = [
        event("tool-call-start", start),
        event("tool-call-delta", grow),
        event("tool-call-end", "{}"),
        event("message-end", r#"{"finish_reason":"TOOL_CALL"}"#),
    ];
    let answer = fold(&chunks(all.concat().as_bytes(), &[]).expect("well-formed")).finish();
    assert_eq!(answer.choices[0].content, [Block::text("{}")]);
    assert_eq!(answer.choices[0].stop, Some(Stop::End));
}

#[test]
fn what_is_none_of_the_dialect_is_malformed() {
    let nameless = r#"{"message":{"tool_calls":{"id":"a"}}}"#;
    let grows = r#"{"message":{"tool_calls":{"function":{"arguments":"x"}}}}"#;
    for text in [
        "data: {\n\n".to_owned(),
        "data: 1\n\n".to_owned(),
        event("tool-call-start", nameless),
        event("tool-call-delta", grows),
    ] {
        assert!(chunks(text.as_bytes(), &[]).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_cut_changes_nothing(cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        for (name, bytes) in fixtures("streams") {
            prop_assert_eq!(chunks(&bytes, &cuts), chunks(&bytes, &[]), "{}", name);
        }
    }

    #[test]
    fn nothing_makes_a_reader_panic(order in prop::collection::vec((0..60_usize, any::<bool>()), 0..30)) {
        let all: Vec<String> = fixtures("streams").into_iter().flat_map(|(_, bytes)| {
            let text = String::from_utf8(bytes).expect("text");
            text.split_inclusive("\n\n").map(str::to_owned).collect::<Vec<_>>()
        }).collect();
        let text: String = order.iter().map(|(at, _)| all[at % all.len()].as_str()).collect();
        if let Ok(chunks) = chunks(text.as_bytes(), &[]) {
            // Blocks open in their order, and nothing grows that is closed.
            let mut open = std::collections::BTreeSet::new();
            let mut next = 0;
            for chunk in &chunks {
                match chunk {
                    Chunk::Open { block, .. } => {
                        prop_assert_eq!(*block, next);
                        next += 1;
                        open.insert(*block);
                    }
                    Chunk::Grow { block, .. } => prop_assert!(open.contains(block)),
                    Chunk::Close { block, .. } => prop_assert!(open.remove(block)),
                    Chunk::End => prop_assert!(open.is_empty()),
                    _ => {}
                }
            }
        }
    }
}
