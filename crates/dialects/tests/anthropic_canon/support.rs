//! What the tests of this dialect share.

use bytes::Bytes;
use dialects::anthropic::canon::{Head, StreamReader, StreamWriter, read_answer, read_request};
use dialects::json::Document;
use dialects::sse::Framer;
use dialects::translate::{Names, Target};
use domain::canon::{
    Answer, Block, Chunk, Dialect, Effort, Fold, Json, Loss, Message, Reasoning, Request, Role,
    Signature, Thinking, Tool, ToolCall, ToolKind, ToolResult,
};
use serde_json::{Value, json};

pub(crate) fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/anthropic/canon/");
    std::fs::read_to_string(format!("{folder}{name}")).expect(name)
}

/// The names of fixtures that begin so.
pub(crate) fn fixtures(start: &str) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/anthropic/canon");
    let files = std::fs::read_dir(folder).expect("a folder");
    let names = files.map(|file| {
        file.expect("a file")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let mut names: Vec<String> = names.filter(|name| name.starts_with(start)).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

pub(crate) fn doc(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), 128).expect("valid")
}

/// What was written; no key may stand twice.
pub(crate) fn value(text: &[u8]) -> Value {
    doc(std::str::from_utf8(text).expect("UTF-8"));
    serde_json::from_slice(text).expect("JSON")
}

pub(crate) fn request(value: &Value) -> Request {
    read_request(&doc(&value.to_string())).expect("a request")
}

/// Writes for a model that thinks and answers with any number of tokens.
pub(crate) fn write(request: &Request, model: &str) -> (Value, Vec<Loss>) {
    let names = Names::of(request);
    let target = Target {
        model,
        output_limit: None,
        reasons: true,
        traits: crate::known::traits(domain::canon::Dialect::Anthropic, model),
        names: &names,
    };
    let written = dialects::anthropic::canon::write_request(request, &target);
    (value(&written.value), written.losses)
}

pub(crate) fn fields(losses: &[Loss]) -> Vec<&str> {
    losses.iter().map(|loss| loss.field.as_str()).collect()
}

pub(crate) fn json(text: &str) -> Option<Json> {
    Some(Json::trusted(text))
}

/// A text and one text block say the same.
pub(crate) fn plain(mut value: Value) -> Value {
    let text = |value: &mut Value| {
        if let Value::String(text) = value {
            *value = json!([{"type": "text", "text": text}]);
        }
    };
    if let Some(system) = value.get_mut("system") {
        text(system);
    }
    for message in value["messages"].as_array_mut().expect("messages") {
        text(&mut message["content"]);
        for block in message["content"].as_array_mut().expect("blocks") {
            if block["type"] == "tool_result" && block.get("content").is_some() {
                text(&mut block["content"]);
            }
        }
    }
    value
}

pub(crate) fn chunks(stream: &[u8]) -> Vec<Chunk> {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    framer
        .push(Bytes::copy_from_slice(stream), &mut frames)
        .expect("short frames");
    assert_eq!(framer.finish(), None);
    let mut reader = StreamReader::new(Names::default());
    let mut out = Vec::new();
    for frame in &frames {
        reader.push(frame, &mut out).expect("well formed");
    }
    out
}

/// The answer that the chunks amount to; all of it must have come.
pub(crate) fn folded(chunks: &[Chunk]) -> Answer {
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    assert!(fold.is_complete());
    fold.finish()
}

pub(crate) fn written(chunks: &[Chunk]) -> Vec<u8> {
    let request = Request {
        model: "asked".to_owned(),
        ..Request::default()
    };
    let mut writer = StreamWriter::new(&head(&request));
    let mut out = Vec::new();
    for chunk in chunks {
        writer.push(chunk, &mut out);
    }
    for frame in &out {
        assert!(frame.starts_with(b"event: ") && frame.ends_with(b"\n\n"));
    }
    out.concat()
}

pub(crate) fn head(request: &Request) -> Head<'_> {
    Head {
        request,
        created: 1,
        id: "msg_own",
        request_id: "req_own",
    }
}

pub(crate) fn answer(text: &str) -> Answer {
    read_answer(&doc(text), &Names::default()).expect("an answer")
}

pub(crate) fn asks(text: &str) -> Request {
    Request {
        model: "asked".to_owned(),
        messages: vec![Message::new(Role::User, vec![Block::text(text)])],
        ..Request::default()
    }
}

pub(crate) fn tool(name: &str, schema: &str) -> Tool {
    Tool::new(
        name.to_owned(),
        ToolKind::Function {
            schema: json(schema),
        },
    )
}

pub(crate) fn thinks(effort: Option<Effort>, budget: Option<u64>) -> Option<Reasoning> {
    Some(Reasoning {
        effort,
        budget,
        ..Reasoning::default()
    })
}

pub(crate) fn thought(text: &str, family: Dialect) -> Block {
    let mark = if family == Dialect::Anthropic {
        "claude"
    } else {
        "foreign"
    };
    Block::Thinking(Thinking {
        text: text.to_owned(),
        signature: Some(Signature {
            family,
            value: format!("{mark}-{text}"),
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
