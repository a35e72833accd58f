//! What the tests of this dialect share.

use bytes::Bytes;
use dialects::converse::canon::{StreamReader, read_answer, write_request};
use dialects::eventstream::Framer;
use dialects::json::Document;
use dialects::translate::{Names, Target};
use domain::canon::{
    Answer, Block, Chunk, Dialect, Fold, Json, Loss, Message, Request, Role, Signature, Thinking,
    Tool, ToolCall, ToolKind, ToolResult,
};
use serde_json::Value;

use super::{rules, wire};

pub(crate) const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
pub(crate) const NOVA: &str = "amazon.nova-pro-v1:0";
pub(crate) const NOVA_2: &str = "global.amazon.nova-2-lite-v1:0";
pub(crate) const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
pub(crate) const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

fn folder(name: &str) -> String {
    format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn fixture(name: &str) -> String {
    let path = folder(&format!("converse/canon/{name}"));
    std::fs::read_to_string(&path).expect(&path)
}

/// The names of files in a folder of fixtures that begin so.
pub(crate) fn fixtures(of: &str, start: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder(of)).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name());
    let names = names.map(|name| name.into_string().expect("a name"));
    let mut names: Vec<String> = names.filter(|name| name.starts_with(start)).collect();
    names.sort();
    assert!(!names.is_empty(), "{of}/{start}");
    names
}

/// A request of another dialect's fixtures.
pub(crate) fn other(of: &str, name: &str) -> Document {
    let path = folder(&format!("{of}/{name}"));
    doc(&std::fs::read_to_string(&path).expect(&path))
}

pub(crate) fn doc(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), 128).expect("valid")
}

/// Writes for a model that thinks; the rules are looked at.
pub(crate) fn write(request: &Request, model: &str) -> (Value, Vec<Loss>) {
    let names = Names::of(request);
    let target = Target {
        model,
        output_limit: None,
        reasons: true,
        traits: crate::known::traits(domain::canon::Dialect::Converse, model),
        names: &names,
    };
    written(request, &target)
}

pub(crate) fn written(request: &Request, target: &Target<'_>) -> (Value, Vec<Loss>) {
    let written = write_request(request, target);
    // No key stands twice; a number that no double holds stays a number.
    let text = std::str::from_utf8(&written.value).expect("UTF-8");
    doc(text);
    let value: Value = serde_json::from_str(&text.replace("1e400", "1e40")).expect("JSON");
    if let Err(why) = rules::check(&value, target.model) {
        panic!("{why}\n{}: {value:#}", target.model);
    }
    (value, written.losses)
}

pub(crate) fn fields(losses: &[Loss]) -> Vec<&str> {
    losses.iter().map(|loss| loss.field.as_str()).collect()
}

pub(crate) fn json(text: &str) -> Option<Json> {
    Some(Json::trusted(text))
}

pub(crate) fn answer(text: &str) -> Answer {
    read_answer(&doc(text), &Names::default()).expect("an answer")
}

/// A stream in its binary form: a line an event, its name and its payload;
/// `!` before the name of an exception.
pub(crate) fn binary(stream: &str) -> Vec<u8> {
    let lines = stream.lines().filter(|line| !line.trim().is_empty());
    let messages = lines.map(|line| {
        let (name, payload) = line.split_once(' ').expect("a name and a payload");
        let payload: Value = serde_json::from_str(payload).expect("JSON");
        match name.strip_prefix('!') {
            Some(name) => wire::exception(name, payload["message"].as_str().expect("a message")),
            None => wire::event(name, &payload),
        }
    });
    messages.collect::<Vec<_>>().concat()
}

/// What a stream says, cut into pieces of these sizes.
pub(crate) fn chunks(stream: &[u8], cuts: &[usize]) -> Vec<Chunk> {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    let mut rest = Bytes::copy_from_slice(stream);
    for cut in cuts {
        let piece = rest.split_to((*cut).min(rest.len()));
        framer.push(piece, &mut frames).expect("messages");
    }
    framer.push(rest, &mut frames).expect("messages");
    assert_eq!(framer.finish(), None);
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    for frame in &frames {
        reader.push(frame, &mut out).expect("well formed");
    }
    reader.finish(&mut out);
    out
}

/// The answer that the chunks amount to; all of it must have come.
pub(crate) fn folded(chunks: &[Chunk]) -> Answer {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    assert!(fold.is_complete());
    fold.finish()
}

pub(crate) fn talk(messages: Vec<(Role, Vec<Block>)>) -> Request {
    let messages = messages.into_iter();
    Request {
        model: "asked".to_owned(),
        messages: messages
            .map(|(role, content)| Message::new(role, content))
            .collect(),
        ..Request::default()
    }
}

pub(crate) fn asks(text: &str) -> Request {
    talk(vec![(Role::User, vec![Block::text(text)])])
}

pub(crate) fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Function {
            schema: json(r#"{"type":"object","properties":{"a":{"type":"string"}}}"#),
        },
        strict: None,
        cache: None,
        rest: Vec::new(),
        declared: None,
    }
}

/// A thought with a signature in base64, as all of them are.
pub(crate) fn thought(text: &str, family: Dialect) -> Block {
    let mark = if family == Dialect::Anthropic {
        "claude"
    } else {
        "foreign="
    };
    Block::Thinking(Thinking {
        text: text.to_owned(),
        signature: Some(Signature {
            family,
            value: format!("{mark}00"),
        }),
        ..Thinking::default()
    })
}

pub(crate) fn call(id: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "look.up/it".to_owned(),
        arguments: String::new(),
        custom: false,
        signature: None,
        cache: None,
    })
}

pub(crate) fn result(id: &str, text: &str) -> Block {
    Block::ToolResult(ToolResult {
        call: id.to_owned(),
        name: None,
        content: vec![Block::text(text)],
        is_error: None,
        custom: false,
        cache: None,
    })
}
