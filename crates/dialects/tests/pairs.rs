//! For every pair of a provider's dialect and a client's: the client reads the
//! same from a translated stream, wherever it was cut, as from the translation
//! of the whole answer.

mod grammar;

use bytes::Bytes;
use dialects::framing::{Cutter, Unreadable};
use dialects::json::Document;
use dialects::sse::{Frame, Framer};
use dialects::translate::{Client, Codec, Frames, Head, Names, Upstream, codec, upstream};
use domain::canon::{Answer, Block, Chunk, Delta, Dialect, Fold, Opened, Request};
use proptest::prelude::*;

fn client(dialect: Dialect) -> &'static Codec {
    codec(dialect).expect("a client's dialect")
}

fn reader(dialect: Dialect) -> &'static Upstream {
    upstream(dialect).expect("a provider's dialect")
}

fn request() -> Request {
    Request {
        stream: true,
        stream_usage: true,
        ..Request::default()
    }
}

fn head(request: &Request) -> Head<'_> {
    Head {
        request,
        created: 1_790_000_000,
        id: "chatcmpl-0123",
        request_id: "req_0123",
    }
}

/// What a server of this dialect sends.
fn sent(theirs: Dialect, answer: &Answer, chunks: &[Chunk]) -> (Vec<u8>, Vec<u8>) {
    let request = request();
    let whole = (client(theirs).write_answer)(answer, &head(&request));
    (whole, streamed(theirs, chunks))
}

fn streamed(dialect: Dialect, chunks: &[Chunk]) -> Vec<u8> {
    let request = request();
    let mut writer = (client(dialect).write_stream)(&head(&request));
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| writer.push(chunk, &mut out));
    out.concat()
}

fn read(dialect: Dialect, whole: Vec<u8>) -> Answer {
    let document = Document::parse(whole.into(), usize::MAX).expect("JSON");
    (reader(dialect).read_answer)(&document, &Names::default()).expect("an answer")
}

/// A stream for a client of `ours`, from a server of `theirs`.
fn frames(theirs: Dialect, ours: Dialect, limit: usize) -> Frames {
    let request = request();
    let leaving = match ours {
        Dialect::OpenAi => Client::Pivot,
        _ => Client::Written((client(ours).write_stream)(&head(&request))),
    };
    Frames::translated(
        Cutter::events(limit),
        (reader(theirs).read_stream)(Names::of(&request)),
        (client(Dialect::OpenAi).write_stream)(&head(&request)),
        leaving,
    )
}

/// What leaves for a client of `ours`, from a server of `theirs`.
fn translated(theirs: Dialect, ours: Dialect, stream: &[u8], step: usize) -> Vec<u8> {
    let mut frames = frames(theirs, ours, 1 << 20);
    let mut out: Vec<Frame> = Vec::new();
    for piece in stream.chunks(step) {
        let piece = Bytes::copy_from_slice(piece);
        frames.push(piece, &mut out).expect("a stream");
    }
    frames.finish(&mut out).expect("its end");
    out.iter().flat_map(|frame| frame.bytes.to_vec()).collect()
}

/// What a client of this dialect reads from a stream.
fn heard(dialect: Dialect, stream: Vec<u8>) -> Answer {
    let mut framer = Framer::new(usize::MAX);
    let mut frames = Vec::new();
    framer.push(stream.into(), &mut frames).expect("frames");
    let mut reader = (reader(dialect).read_stream)(Names::default());
    let mut chunks = Vec::new();
    for frame in &frames {
        reader.push(frame, &mut chunks).expect("an event");
    }
    reader.finish(&mut chunks);
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    assert!(fold.is_complete(), "{dialect:?}: the stream has no end");
    fold.finish()
}

/// What a person would say that an answer says.
#[derive(Debug, PartialEq)]
struct Gist {
    texts: String,
    thoughts: String,
    refusals: String,
    calls: Vec<(String, String)>,
    stop: String,
    usage: String,
}

fn gist(answer: &Answer) -> Gist {
    let choice = answer.choices.first().expect("a choice");
    let mut gist = Gist {
        texts: String::new(),
        thoughts: String::new(),
        refusals: String::new(),
        calls: Vec::new(),
        stop: format!("{:?}", choice.stop),
        usage: format!("{:?}", answer.usage),
    };
    for block in &choice.content {
        match block {
            Block::Text { text, .. } => gist.texts += text,
            Block::Refusal(text) => gist.refusals += text,
            Block::Thinking(thinking) => gist.thoughts += &thinking.text,
            Block::ToolCall(call) => gist.calls.push((call.name.clone(), plain(&call.arguments))),
            _ => {}
        }
    }
    if !gist.calls.is_empty() {
        // Blanks between calls are noise that some servers make in streams.
        gist.texts.retain(|letter| !letter.is_whitespace());
    }
    gist
}

/// Arguments, however they are spaced. What is no object stands in one where a
/// dialect has no other place for it, and as it is in a stream.
fn plain(arguments: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(arguments);
    let Ok(value) = value else {
        return arguments.to_owned();
    };
    let wrapped = ["arguments", "input"].map(|name| value.get(name)?.as_str());
    match wrapped.into_iter().flatten().next() {
        Some(raw) => plain(raw),
        None => value.to_string(),
    }
}

fn compared(answer: &Answer, chunks: &[Chunk], step: usize) -> Result<(), TestCaseError> {
    for theirs in Dialect::CLIENTS {
        let (whole, stream) = sent(theirs, answer, chunks);
        for ours in Dialect::CLIENTS {
            let request = request();
            let once = read(theirs, whole.clone());
            let out = (client(ours).write_answer)(&once, &head(&request));
            let told = gist(&read(ours, out));
            let left = translated(theirs, ours, &stream, step);
            let heard = gist(&heard(ours, left.clone()));
            let shown = String::from_utf8_lossy(&left);
            prop_assert_eq!(&heard, &told, "{:?} to {:?}: {}", theirs, ours, shown);
        }
    }
    Ok(())
}

/// What leaves of a stream that goes wrong, and why it ends.
fn failing(theirs: Dialect, ours: Dialect, stream: &[u8], step: usize) -> (Vec<u8>, Unreadable) {
    let mut frames = frames(theirs, ours, 1 << 11);
    let mut out: Vec<Frame> = Vec::new();
    let mut pieces = stream.chunks(step);
    let why = pieces.find_map(|piece| {
        let piece = Bytes::copy_from_slice(piece);
        frames.push(piece, &mut out).err()
    });
    let left = out.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
    (left, why.expect("a failure"))
}

#[test]
fn what_came_before_a_failure_leaves_however_it_was_cut() {
    let begun = [
        Chunk::Start {
            id: "1".to_owned(),
            model: "m".to_owned(),
            created: Some(1),
        },
        Chunk::Open {
            choice: 0,
            block: 0,
            opened: Opened::Text,
        },
        Chunk::Grow {
            choice: 0,
            block: 0,
            delta: Delta::Text("said before".to_owned()),
        },
    ];
    for theirs in Dialect::CLIENTS {
        let mut stream = streamed(theirs, &begun);
        stream.extend(b"data: ");
        stream.extend([b'a'; 1 << 12]);
        for ours in Dialect::CLIENTS {
            let whole = failing(theirs, ours, &stream, usize::MAX);
            assert_eq!(whole.1, Unreadable::Endless);
            let shown = String::from_utf8_lossy(&whole.0);
            assert!(
                shown.contains("said before"),
                "{theirs:?} to {ours:?}: {shown}"
            );
            for step in [1, 7, 1000] {
                assert_eq!(failing(theirs, ours, &stream, step), whole, "{step}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_translated_stream_says_what_the_translated_answer_says(
        (answer, chunks) in grammar::stream_of(1..2),
        step in 1_usize..200,
    ) {
        compared(&answer, &chunks, step)?;
    }
}
