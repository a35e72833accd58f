//! What the tests of this dialect share.

use bytes::Bytes;
use dialects::json::Document;
use dialects::openai::canon::{Head, StreamReader, StreamWriter, write_request};
use dialects::sse::{Frame, Framer};
use dialects::translate::{Names, Target};
use domain::canon::{Block, Chunk, Message, Request, Role, ToolCall};
use serde_json::Value;

pub(crate) fn document(text: impl Into<Bytes>) -> Document {
    Document::parse(text.into(), 128).expect("valid JSON")
}

pub(crate) fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(text)))
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/fixtures/openai/canon/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&path).unwrap_or_else(|_| panic!("no fixture {path}"))
}

pub(crate) fn target<'a>(model: &'a str, names: &'a Names) -> Target<'a> {
    Target {
        model,
        output_limit: None,
        reasons: true,
        traits: crate::known::traits(domain::canon::Dialect::OpenAi, model),
        names,
    }
}

pub(crate) fn head(request: &Request) -> Head<'_> {
    Head {
        request,
        created: 1_700_000_000,
        id: "chatcmpl-own",
        request_id: "req_own",
    }
}

pub(crate) fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut framer = Framer::new(1 << 24);
    let mut frames = Vec::new();
    framer
        .push(Bytes::copy_from_slice(bytes), &mut frames)
        .expect("short");
    assert_eq!(framer.finish(), None, "whole frames");
    frames
}

pub(crate) fn read_stream(bytes: &[u8]) -> Result<Vec<Chunk>, String> {
    let mut reader = StreamReader::new(Names::default());
    let mut chunks = Vec::new();
    for frame in frames(bytes) {
        reader
            .push(&frame, &mut chunks)
            .map_err(|malformed| malformed.to_string())?;
    }
    Ok(chunks)
}

pub(crate) fn write_stream(chunks: &[Chunk], request: &Request) -> Vec<u8> {
    let mut writer = StreamWriter::new(&head(request));
    let mut out = Vec::new();
    for chunk in chunks {
        writer.push(chunk, &mut out);
    }
    for frame in &out {
        assert!(frame.ends_with(b"\n\n"), "{frame:?}");
        assert_eq!(frames(frame).len(), 1, "{frame:?}");
    }
    out.concat()
}

/// The chunks of a stream as JSON, without `[DONE]` and comments.
pub(crate) fn events(bytes: &[u8]) -> Vec<Value> {
    let frames = frames(bytes).into_iter();
    let data = frames.filter(|frame| !frame.is_end_mark());
    data.filter_map(|frame| frame.data)
        .map(|data| json(&data))
        .collect()
}

pub(crate) fn written(request: &Request) -> Value {
    let names = Names::of(request);
    let written = write_request(request, &target(&request.model, &names));
    rules_but_parts(&written.value);
    json(&written.value)
}

/// The rules; a part that is unknown is known to the client alone.
pub(crate) fn rules_but_parts(body: &[u8]) {
    if !String::from_utf8_lossy(body).contains("future_part") {
        crate::rules::check(body);
    }
}

pub(crate) fn user(content: Vec<Block>) -> Request {
    Request {
        model: "m".to_owned(),
        messages: vec![Message::new(Role::User, content)],
        ..Request::default()
    }
}

pub(crate) fn call(id: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
        cache: None,
    })
}
