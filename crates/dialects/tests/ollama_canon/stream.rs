//! Streams, read.

use super::*;
use dialects::framing::Cutter;
use dialects::ollama::canon::{StreamReader, read_answer};
use dialects::translate::Names;
use domain::canon::{Chunk, Dialect, FaultKind, Fold};
use proptest::prelude::*;

/// The chunks of a stream that is cut at these places.
fn chunks(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Chunk>, String> {
    let kind = b"application/x-ndjson";
    let mut cutter = Cutter::of(kind, Dialect::Ollama, 1 << 20).expect("a stream");
    let mut frames = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut start = 0;
    for cut in cuts {
        let piece = Bytes::copy_from_slice(&bytes[start..cut]);
        cutter.push(piece, &mut frames).expect("short");
        start = cut;
    }
    frames.extend(cutter.last().expect("short"));
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

#[test]
fn a_stream_amounts_to_the_whole_answer() {
    for (name, bytes) in fixtures("streams") {
        let folded = fold(&chunks(&bytes, &[]).expect("well-formed"));
        assert!(folded.is_complete(), "{name}");
        let whole = document(fixture("answers", &name));
        let mut whole = read_answer(&whole, &Names::default()).expect("an answer");
        let mut folded = folded.finish();
        // White space between the tokens may differ.
        for answer in [&mut whole, &mut folded] {
            let logprobs = answer.choices[0].logprobs.take();
            let read = logprobs.map(|it| json(it.as_str().as_bytes()).to_string());
            answer.choices[0].logprobs = read.map(domain::canon::Json::trusted);
        }
        assert_eq!(folded, whole, "{name}");
    }
}

#[test]
fn a_stream_that_lacks_its_last_line_has_no_end() {
    for (name, bytes) in fixtures("streams") {
        let text = String::from_utf8(bytes).expect("text");
        let end = text.trim_end().rfind('\n').expect("lines");
        let read = chunks(&text.as_bytes()[..=end], &[]).expect("well-formed");
        assert!(!fold(&read).is_complete(), "{name}");
    }
}

#[test]
fn a_line_that_is_cut_is_malformed() {
    let whole = fixture("streams", "text");
    assert!(chunks(&whole[..whole.len() - 9], &[]).is_err());
    assert!(chunks(b"[1]\n", &[]).is_err());
    assert!(chunks(b"<html>\n", &[]).is_err());
}

#[test]
fn an_error_in_the_middle_ends_everything() {
    let line = r#"{"model":"m","message":{"content":"x"},"done":false}"#;
    let more = r#"{"model":"m","message":{"content":"x"},"done":true}"#;
    for (error, kind) in [
        (
            r#"{"error":"the runner has terminated"}"#,
            FaultKind::Server,
        ),
        (
            r#"{"error":"server busy, please try again"}"#,
            FaultKind::Overloaded,
        ),
        (
            r#"{"error":{"message":"it exceeds the context length"}}"#,
            FaultKind::ContextTooLong,
        ),
        (r#"{"error":""}"#, FaultKind::Server),
    ] {
        let text = format!("{line}\n{error}\n{more}\n");
        let read = chunks(text.as_bytes(), &[]).expect("well-formed");
        let last = read.last();
        let is_told = matches!(last, Some(Chunk::Error(told)) if told.kind == kind);
        assert!(is_told, "{error}: {last:?}");
    }
}

#[test]
fn a_text_may_follow_calls() {
    let text = concat!(
        r#"{"message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false}"#,
        "\n",
        r#"{"message":{"content":"Done."},"done":true,"done_reason":"stop"}"#,
    );
    let answer = fold(&chunks(text.as_bytes(), &[]).expect("well-formed")).finish();
    assert_eq!(answer.choices[0].content.len(), 2, "{answer:?}");
}

proptest! {
    #[test]
    fn a_cut_changes_nothing(cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        for (name, bytes) in fixtures("streams") {
            prop_assert_eq!(chunks(&bytes, &cuts), chunks(&bytes, &[]), "{}", name);
        }
    }
}
