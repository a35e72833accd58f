//! Whatever comes in, nothing panics, every span lies within its text, and no
//! cut changes what a stream says.

use bytes::Bytes;
use dialects::Operation::{self, Chat, Completion, Embedding};
use dialects::json::{Document, Kind, Node, canonical};
use dialects::openai::{
    IncludeUsage, Tap, answer_texts, ask_usage, decode, estimate_prompt, read_answer, set_model,
    to_plain, to_stream, view,
};
use dialects::sse::{Frame, Framer};
use dialects::texts::{self, Form, Leaving, Origin};
use domain::canon::Dialect;
use domain::edit::Edits;
use proptest::prelude::*;

const OPERATIONS: &[Operation] = &[Chat, Completion, Embedding];

/// Walks a document; every span must be within its parent's.
fn walk(node: Node<'_>, within: (u32, u32)) {
    let span = node.span();
    assert!(within.0 <= span.start && span.start < span.end && span.end <= within.1);
    let inner = (span.start, span.end);
    match node.kind() {
        Kind::Array => node.items().for_each(|item| walk(item, inner)),
        Kind::Object => {
            for (key, at, value) in node.entries() {
                assert!(inner.0 < at.start && at.end < inner.1);
                assert_eq!(node.get(&key).map(Node::span), Some(value.span()));
                walk(value, inner);
            }
        }
        Kind::String => assert!(node.str().is_some()),
        Kind::Number | Kind::Bool | Kind::Null => assert!(!node.raw().is_empty()),
    }
}

/// Everything that is done with a body.
fn handle(body: &[u8]) {
    let Ok(doc) = Document::parse(Bytes::copy_from_slice(body), 64) else {
        return;
    };
    walk(doc.root(), (0, u32::try_from(body.len()).expect("short")));
    let once = canonical(&doc, &[]);
    let again = Document::parse(once.clone().into(), 64).expect("canonical is valid");
    assert_eq!(canonical(&again, &[]), once);
    seen(&doc);
    for op in OPERATIONS {
        let _ = read_answer(*op, &doc);
        for text in &answer_texts(&doc) {
            let _ = decode(&doc, text);
        }
        if let Some(stream) = to_stream(*op, doc.bytes(), IncludeUsage::Yes) {
            let _ = to_plain(*op, &stream);
        }
        let Ok(view) = view(*op, &doc) else { continue };
        let _ = estimate_prompt(&doc, &view);
        let mut edits = Edits::new();
        edits.add(set_model(&view, "other")).expect("within");
        if let Some(edit) = ask_usage(*op, &doc, &view) {
            edits.add(edit).expect("disjoint");
        }
        let sent = edits.apply(doc.bytes()).concat();
        let sent = Document::parse(sent.into(), 64).expect("still valid");
        let model = sent.root().get("model").and_then(Node::str);
        assert_eq!(model.as_deref(), Some("other"));
    }
}

/// What guards see of it: each text lies where it says, and so does what is in it.
fn seen(doc: &Document) {
    for dialect in [
        Dialect::OpenAi,
        Dialect::Responses,
        Dialect::Anthropic,
        Dialect::Gemini,
    ] {
        let all = [
            texts::of_request(dialect, doc),
            texts::of_answer(dialect, doc),
        ]
        .concat();
        for text in &all {
            let origin = Origin::of(doc, text);
            assert_eq!(origin.text(), decode(doc, text));
            assert_eq!(origin.span(0..origin.text().len()), text.span);
            for inner in origin.within() {
                let span = inner.span(0..inner.text().len());
                assert!(text.span.start <= span.start && span.end <= text.span.end);
            }
        }
        let _ = Leaving::new(dialect, Form::Array).push(doc.bytes());
        let _ = Leaving::new(dialect, Form::Events).push(doc.bytes());
    }
}

/// What a stream says, cut at these places.
fn told(body: &[u8], mut cuts: Vec<usize>) -> (Vec<Frame>, Option<Bytes>, String) {
    cuts.extend([0, body.len()]);
    cuts.sort_unstable();
    let mut framer = Framer::new(1 << 20);
    let mut tap = Tap::new(Chat, 1, false);
    let mut frames = Vec::new();
    for pair in cuts.windows(2) {
        let chunk = Bytes::copy_from_slice(&body[pair[0]..pair[1]]);
        framer.push(chunk, &mut frames).expect("short");
    }
    let facts: Vec<_> = frames.iter().map(|frame| tap.read(frame)).collect();
    for (frame, facts) in frames.iter().zip(&facts) {
        assert_eq!(&Tap::new(Chat, 1, false).read(frame), facts);
    }
    let sum = format!("{facts:?} {tap:?}");
    (frames, framer.finish(), sum)
}

/// Pieces that a request, an answer or a stream is made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"model\"",
        "\"m\"",
        "\"messages\"",
        "\"stream\"",
        "true",
        "null",
        "\"stream_options\"",
        "\"include_usage\"",
        "\"role\"",
        "\"content\"",
        "\"\\ud800\"",
        "\"usage\"",
        "\"choices\"",
        "\"delta\"",
        "\"finish_reason\"",
        "\"stop\"",
        "1e400",
        "-1",
        "\"tool_calls\"",
        "\"index\"",
        "0",
        "\"prompt\"",
        "\"input\"",
        " ",
        "\n",
        "\r",
        "data:",
        "data: ",
        "event: error",
        "[DONE]",
        "\"\u{feff}\"",
        "\"\\u0000\"",
        "\"error\"",
        "{\"choices\":[{\"delta\":{\"content\":\"x\"},\"usage\":1}],\"usage\":null}",
        "{\"model\":\"m\",\"messages\":[],\"stream\":true,\"stream_options\":",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_scanner_panic(body in prop::collection::vec(any::<u8>(), 0..64)) {
        handle(&body);
    }

    #[test]
    fn no_pieces_of_a_body_make_a_reader_panic(body in pieces()) {
        handle(body.as_bytes());
    }

    #[test]
    fn no_cut_changes_what_a_stream_of_any_bytes_says(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            pieces().prop_map(String::into_bytes),
        ],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let cuts = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        let (frames, rest, sum) = told(&body, cuts);
        let mut out: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        out.extend(rest.iter().flatten());
        prop_assert_eq!(&out, &body);
        prop_assert_eq!(told(&body, Vec::new()), (frames, rest, sum));
        let _ = to_plain(Chat, &body.into());
    }
}
