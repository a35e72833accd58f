//! What the tests of Gemini's canonical form share.

use std::path::PathBuf;

use bytes::Bytes;
use dialects::gemini::canon::{Head, StreamReader, StreamWriter, read_request};
use dialects::json::Document;
use dialects::sse::Framer;
use dialects::translate::{Names, Target};
use domain::canon::{Answer, Chunk, Fold, Reasoning, Request, Written};
use serde_json::Value;

/// A model that takes everything.
pub(crate) const NEWEST: &str = "gemini-3.1-pro";

pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/gemini/canon")
        .join(name)
}

/// The fixtures of a folder: name, bytes.
pub(crate) fn fixtures(of: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder(of)).expect("a folder");
    let mut out = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|is| is == ending) {
            let name = path.file_stem().expect("a name").to_string_lossy();
            out.push((name.into_owned(), std::fs::read(&path).expect("a file")));
        }
    }
    out.sort();
    assert!(!out.is_empty());
    out
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder(name)).expect("a fixture")
}

pub(crate) fn document(bytes: &[u8]) -> Document {
    Document::parse(Bytes::copy_from_slice(bytes), 64).expect("valid JSON")
}

pub(crate) fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("valid JSON")
}

pub(crate) fn request(json: &str) -> Request {
    read_request(&document(json.as_bytes())).expect("a request")
}

pub(crate) fn written(request: &Request, model: &str) -> Written<Vec<u8>> {
    let names = Names::of(request);
    let traits = crate::known::traits(domain::canon::Dialect::Gemini, model);
    let target = Target {
        model,
        output_limit: None,
        reasons: traits.thinks.or(Some(true)) == Some(true),
        traits,
        names: &names,
    };
    dialects::gemini::canon::write_request(request, &target)
}

/// A request of a client that wants to see thoughts.
pub(crate) fn curious() -> Request {
    Request {
        model: "gemini-3.1-pro".to_owned(),
        reasoning: Some(Reasoning {
            summary: Some("auto".to_owned()),
            ..Reasoning::default()
        }),
        ..Request::default()
    }
}

pub(crate) fn head(request: &Request) -> Head<'_> {
    Head {
        request,
        created: 1_790_000_000,
        id: "fallback",
        request_id: "req_own",
    }
}

/// What a stream of these bytes says, and how it ends.
pub(crate) fn read_stream(bytes: &[u8]) -> Vec<Chunk> {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    let bytes = Bytes::copy_from_slice(bytes);
    framer.push(bytes, &mut frames).expect("short");
    frames.extend(framer.last());
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    for frame in &frames {
        reader.push(frame, &mut out).expect("well-formed");
    }
    reader.finish(&mut out);
    out
}

pub(crate) fn fold(chunks: &[Chunk]) -> Answer {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    fold.finish()
}

pub(crate) fn is_complete(chunks: &[Chunk]) -> bool {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    fold.is_complete()
}

/// The frames that are written for these chunks, as one text.
pub(crate) fn write_stream(chunks: &[Chunk], request: &Request) -> Vec<u8> {
    let mut writer = StreamWriter::new(&head(request));
    let mut out = Vec::new();
    for chunk in chunks {
        writer.push(chunk, &mut out);
    }
    out.concat()
}
