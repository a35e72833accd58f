//! Framer and tap: the same result however the stream is cut.

#![expect(
    clippy::fn_params_excessive_bools,
    reason = "the flag of the tap itself"
)]

use bytes::Bytes;
use dialects::Operation;
use dialects::openai::{Facts, Field, FrameClass, Pass, Tap};
use dialects::sse::{Frame, Framer};
use proptest::prelude::*;

fn fixture(name: &str) -> Bytes {
    let path = format!("{}/fixtures/openai/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("fixture").into()
}

const STREAMS: &[&str] = &[
    "stream_plain.sse",
    "stream_parallel_tools.sse",
    "stream_n2_logprobs.sse",
    "stream_azure.sse",
    "stream_llama.sse",
    "stream_usage_on_last.sse",
    "stream_error.sse",
    "stream_completion_cr.sse",
];

fn frames(chunks: &[&[u8]]) -> (Vec<Frame>, Option<Bytes>) {
    let mut framer = Framer::new(1 << 20);
    let mut out = Vec::new();
    for chunk in chunks {
        framer
            .push(Bytes::copy_from_slice(chunk), &mut out)
            .expect("short");
    }
    let rest = framer.finish();
    (out, rest)
}

fn joined(frames: &[Frame], rest: Option<&Bytes>) -> Vec<u8> {
    let mut all: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.bytes.to_vec())
        .collect();
    all.extend(rest.into_iter().flatten());
    all
}

fn tapped(frames: &[Frame], n: u32, wants_usage: bool) -> (Tap, Vec<Facts>) {
    let mut tap = Tap::new(Operation::Chat, n, wants_usage);
    let facts = frames.iter().map(|frame| tap.read(frame)).collect();
    (tap, facts)
}

fn run(name: &str, wants_usage: bool) -> (Tap, Vec<Facts>, String) {
    let (frames, rest) = frames(&[&fixture(name)]);
    assert_eq!(rest, None, "{name}");
    let (tap, facts) = tapped(&frames, 1, wants_usage);
    let mut out = Vec::new();
    for (frame, facts) in frames.iter().zip(&facts) {
        match &facts.pass {
            Pass::Keep => out.extend_from_slice(&frame.bytes),
            Pass::Replace(bytes) => out.extend_from_slice(bytes),
            Pass::Drop => {}
        }
    }
    (tap, facts, String::from_utf8(out).expect("utf-8"))
}

fn field(facts: &[Facts], choice: u32, field: Field) -> String {
    let deltas = facts.iter().flat_map(|facts| &facts.deltas);
    deltas
        .filter(|d| d.choice == choice && d.field == field)
        .map(|d| d.text.as_str())
        .collect()
}

#[test]
fn no_cut_changes_a_frame_or_what_the_tap_sees() {
    for name in STREAMS {
        let body = fixture(name);
        let (whole, rest) = frames(&[&body]);
        assert_eq!(joined(&whole, rest.as_ref()), body);
        for cut in 0..=body.len() {
            let (parts, rest) = frames(&[&body[..cut], &body[cut..]]);
            assert_eq!((&parts, rest), (&whole, None), "{name} cut at {cut}");
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        let (parts, _) = frames(&bytes);
        assert_eq!(parts, whole, "{name} byte by byte");
        assert_eq!(tapped(&parts, 1, false).1, tapped(&whole, 1, false).1);
    }
}

#[test]
fn a_stream_that_breaks_off_is_never_complete() {
    for name in [
        "stream_plain.sse",
        "stream_llama.sse",
        "stream_usage_on_last.sse",
    ] {
        let body = fixture(name);
        for cut in 0..body.len() - 1 {
            let (parts, rest) = frames(&[&body[..cut]]);
            let (tap, _) = tapped(&parts, 1, false);
            assert!(!tap.is_complete(), "{name} cut at {cut}");
            assert_eq!(joined(&parts, rest.as_ref()), &body[..cut]);
        }
    }
}

#[test]
fn a_frame_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: one\n\ndata: two\n\n");
    let mut out = Vec::new();
    Framer::new(64)
        .push(chunk.clone(), &mut out)
        .expect("short");
    assert_eq!(out[1].bytes.as_ptr(), chunk[11..].as_ptr());
    assert_eq!(
        out[1].data.as_ref().map(|d| d.as_ptr()),
        Some(chunk[17..].as_ptr())
    );
}

#[test]
fn fields_are_read_as_the_standard_says() {
    let body =
        b"\xef\xbb\xbfdata:no space\ndata:  two\r\n: comment\nevent:x\nid: 1\ndata\n\n\n: only\n\n";
    let (parts, rest) = frames(&[body]);
    assert_eq!((parts.len(), rest), (3, None));
    assert_eq!(parts[0].data.as_deref(), Some(&b"no space\n two\n"[..]));
    assert_eq!(parts[0].event.as_deref(), Some(&b"x"[..]));
    assert_eq!((&parts[1].data, &parts[2].data), (&None, &None));
}

#[test]
fn an_endless_frame_is_refused() {
    let mut framer = Framer::new(16);
    let mut out = Vec::new();
    framer
        .push(Bytes::from_static(b"data: 12345\n\n"), &mut out)
        .expect("short");
    framer
        .push(Bytes::from_static(b"data: 1234567890"), &mut out)
        .expect("at the limit");
    assert!(framer.push(Bytes::from_static(b"1"), &mut out).is_err());
    assert_eq!(out.len(), 1);
}

#[test]
fn usage_that_the_client_did_not_ask_for_leaves_no_trace() {
    let (tap, facts, out) = run("stream_plain.sse", false);
    let usage = tap.usage().expect("usage");
    assert_eq!((usage.input, usage.cached_input, usage.output), (8, 4, 5));
    assert!(tap.is_complete());
    assert_eq!(tap.model(), Some("gpt-4o"));
    use FrameClass::{Content, Done, Finish, Preamble, Usage};
    let classes: Vec<_> = facts.iter().map(|facts| facts.class).collect();
    assert_eq!(classes, [Preamble, Content, Content, Finish, Usage, Done]);
    assert_eq!(field(&facts, 0, Field::Content), "Hällo \"usage\" 😀");
    let body = String::from_utf8(fixture("stream_plain.sse").to_vec()).expect("utf-8");
    let wanted = body.replace(",\"usage\":null", "");
    let (before, after) = wanted.split_once("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[],").expect("chunk");
    let after = after.split_once("\n\n").expect("end").1;
    assert_eq!(out, format!("{before}{after}"));
}

#[test]
fn usage_that_the_client_asked_for_stays_as_it_came() {
    for name in STREAMS {
        let (_, _, out) = run(name, true);
        assert_eq!(out.as_bytes(), fixture(name), "{name}");
    }
}

#[test]
fn usage_on_a_content_chunk_is_cut_out_and_the_chunk_stays() {
    let (tap, facts, out) = run("stream_usage_on_last.sse", false);
    assert_eq!(tap.usage().map(|usage| usage.total()), Some(5));
    assert!(!out.contains("usage"), "{out}");
    assert!(tap.is_complete());
    assert_eq!(field(&facts, 0, Field::Content), "Oui.");
    let (parts, _) = frames(&[out.as_bytes()]);
    assert_eq!(
        field(&tapped(&parts, 1, false).1, 0, Field::Content),
        "Oui."
    );
}

#[test]
fn a_usage_member_goes_with_its_comma_wherever_it_stands() {
    for (chunk, wanted) in [
        (r#"{"usage":null,"choices":[]}"#, r#"{"choices":[]}"#),
        (r#"{"a":1, "usage" : null , "b":2}"#, r#"{"a":1, "b":2}"#),
        (r#"{"a":1 , "usage":null }"#, r#"{"a":1 }"#),
        (r#"{"\u0075sage":null}"#, r#"{}"#),
    ] {
        let (parts, _) = frames(&[format!("data: {chunk}\n\n").as_bytes()]);
        let pass = tapped(&parts, 1, false).1.remove(0).pass;
        assert_eq!(
            pass,
            Pass::Replace(format!("data: {wanted}\n\n").into()),
            "{chunk}"
        );
    }
}

#[test]
fn parallel_calls_are_told_apart() {
    let (tap, facts, _) = run("stream_parallel_tools.sse", false);
    assert_eq!(field(&facts, 0, Field::Arguments(0)), "{\"city\":\"Köln\"}");
    assert_eq!(field(&facts, 0, Field::Arguments(1)), "{}");
    assert_eq!(field(&facts, 0, Field::Other), "weatherclock");
    assert_eq!(facts[0].class, FrameClass::Content);
    assert!(tap.is_complete() && tap.usage().is_none() && tap.estimated_completion() > 0);
}

#[test]
fn every_choice_must_end() {
    let (parts, _) = frames(&[&fixture("stream_n2_logprobs.sse")]);
    let (tap, facts) = tapped(&parts, 2, false);
    assert!(tap.is_complete());
    assert_eq!(field(&facts, 0, Field::Content), "Aa");
    assert_eq!(field(&facts, 1, Field::Content), "B");
    let (early, _) = tapped(&parts[..4], 2, false);
    assert!(!early.finish_seen());
}

#[test]
fn fewer_choices_than_asked_for_are_complete_once_the_end_mark_came() {
    let (parts, _) = frames(&[&fixture("stream_n2_logprobs.sse")]);
    let (tap, _) = tapped(&parts, 3, false);
    assert!(tap.is_complete() && !tap.finish_seen());
    let (nothing, _) = frames(&[b"data: [DONE]\n\n"]);
    assert!(!tapped(&nothing, 1, false).0.is_complete());
}

#[test]
fn an_end_mark_without_its_blank_line_is_still_one() {
    for text in ["data: [DONE]", "data:[DONE]\n", "data: [DONE]\r\n"] {
        let mut framer = Framer::new(1000);
        let mut out = Vec::new();
        framer.push(Bytes::from(text), &mut out).expect("short");
        assert!(out.is_empty());
        let last = framer.last().expect("a rest");
        assert!(last.is_end_mark(), "{text:?}");
        assert!(last.bytes.ends_with(b"\n\n") && last.bytes.starts_with(text.as_bytes()));
        assert_eq!(framer.last(), None);
    }
}

#[test]
fn reasoning_and_first_chunks_are_known() {
    let (tap, facts, _) = run("stream_llama.sse", false);
    assert_eq!(field(&facts, 0, Field::Reasoning), "Hmm.");
    assert_eq!(facts[0].class, FrameClass::Preamble);
    assert_eq!(facts[4].pass, Pass::Drop);
    assert_eq!(tap.usage().map(|usage| usage.total()), Some(12));
    let (tap, facts, out) = run("stream_azure.sse", false);
    assert_eq!(facts[0].class, FrameClass::Preamble);
    assert_eq!(tap.model(), Some("gpt-4o-az"));
    assert_eq!(out.as_bytes(), fixture("stream_azure.sse"));
}

#[test]
fn an_error_or_nonsense_in_a_stream_is_seen() {
    let (tap, facts, _) = run("stream_error.sse", false);
    assert_eq!(facts[1].class, FrameClass::Error);
    assert!(!tap.is_complete());
    let (parts, _) =
        frames(&[b"data: {\"choices\":[}\n\ndata: 1\n\nevent: error\ndata: overloaded\n\n"]);
    let classes: Vec<_> = tapped(&parts, 1, false)
        .1
        .into_iter()
        .map(|facts| facts.class)
        .collect();
    assert_eq!(
        classes,
        [
            FrameClass::Malformed,
            FrameClass::Malformed,
            FrameClass::Error
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_comes_out_whatever_the_cuts(
        body in proptest::collection::vec(prop::sample::select(b"\r\n\n:d a".to_vec()), 0..40),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        at.extend([0, body.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
        let (parts, rest) = frames(&chunks);
        prop_assert_eq!(joined(&parts, rest.as_ref()), &body[..]);
        prop_assert_eq!((parts, rest), frames(&[&body]));
    }
}

#[test]
fn a_stream_of_more_choices_than_anybody_gives_is_malformed_and_quickly() {
    let choice = |index: u32| format!(r#"{{"index":{index},"delta":{{"content":"x"}}}}"#);
    let all: Vec<String> = (0..100_000).rev().map(choice).collect();
    let event = format!("data: {{\"choices\":[{}]}}\n\n", all.join(","));
    let mut framer = Framer::new(16 << 20);
    let mut frames = Vec::new();
    framer.push(event.into(), &mut frames).expect("short");
    let (_, facts) = tapped(&frames, 1, false);
    assert_eq!(facts[0].class, FrameClass::Malformed);
}
