//! What the tests share.

use bytes::Bytes;
use dialects::json::Document;
use dialects::responses::canon::{self as responses, Head, StreamReader, StreamWriter};
use dialects::sse::{Frame, Framer};
use dialects::translate::{Names, Target};
use domain::canon::{Answer, Chunk, Fold, Loss, Request};
use serde_json::Value;

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/fixtures/responses/canon/{name}");
    std::fs::read(&path).expect(&path)
}

pub(crate) fn document(bytes: &[u8]) -> Document {
    Document::parse(Bytes::copy_from_slice(bytes), 128).expect("JSON")
}

pub(crate) fn value(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn read(value: &Value) -> Request {
    let bytes = value.to_string();
    responses::read_request(&document(bytes.as_bytes())).expect("a request")
}

pub(crate) fn write(request: &Request) -> (Value, Vec<Loss>) {
    let names = Names::of(request);
    let target = Target {
        model: &request.model,
        output_limit: None,
        reasons: true,
        traits: crate::known::traits(domain::canon::Dialect::Responses, &request.model),
        names: &names,
    };
    let written = responses::write_request(request, &target);
    (value(&written.value), written.losses)
}

pub(crate) fn head(request: &Request) -> Head<'_> {
    Head {
        request,
        created: 1_790_000_001,
        id: "req_01",
        request_id: "req_own",
    }
}

pub(crate) fn answer(bytes: &[u8]) -> Answer {
    responses::read_answer(&document(bytes), &Names::default()).expect("an answer")
}

pub(crate) fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut out = Vec::new();
    let mut framer = Framer::new(1 << 20);
    let bytes = Bytes::copy_from_slice(bytes);
    framer.push(bytes, &mut out).expect("frames");
    assert_eq!(framer.finish(), None);
    out
}

pub(crate) fn chunks(bytes: &[u8]) -> Vec<Chunk> {
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    for frame in frames(bytes) {
        reader.push(&frame, &mut out).expect("an event");
    }
    out
}

pub(crate) fn folded(chunks: &[Chunk]) -> (Answer, bool) {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    let is_complete = fold.is_complete();
    (fold.finish(), is_complete)
}

/// The frames, each by itself.
pub(crate) fn written(chunks: &[Chunk], request: &Request) -> Vec<Bytes> {
    let mut writer = StreamWriter::new(&head(request));
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| writer.push(chunk, &mut out));
    out
}

/// The events of a stream that we wrote, comments left out.
pub(crate) fn events(frames: &[Bytes]) -> Vec<Value> {
    let all = self::frames(&frames.concat());
    let data = all.iter().filter_map(|frame| {
        let data = value(frame.data.as_deref()?);
        let named = frame.event.as_deref().expect("an event line");
        assert_eq!(data["type"].as_str().expect("type").as_bytes(), named);
        Some(data)
    });
    data.collect()
}
