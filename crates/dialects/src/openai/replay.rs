//! Plain and streamed answers, each from the other: for answers that are kept
//! and asked for again in the other form.

use bytes::Bytes;

use super::answer::is_error;
use super::fold::Value;
use crate::Operation;
use crate::json::{Document, Kind};
use crate::sse::Framer;

/// Whether the stream shall end with a usage chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncludeUsage {
    /// The client asked for it.
    Yes,
    /// It did not.
    No,
}

/// Answers are nested at most this deeply; deeper ones are not replayed.
const MAX_DEPTH: usize = 128;

/// Members that every chunk repeats.
const REPEATED: &[&str] = &[
    "id",
    "created",
    "model",
    "system_fingerprint",
    "service_tier",
];

/// Folds a complete stream into one plain answer. `None` if the stream was
/// cut, holds an error, or is of an operation that does not stream.
#[must_use]
pub fn to_plain(op: Operation, stream_body: &Bytes) -> Option<Bytes> {
    let object = match op {
        Operation::Chat => "chat.completion",
        Operation::Completion => "text_completion",
        Operation::Embedding => return None,
    };
    let mut frames = Vec::new();
    let mut framer = Framer::new(usize::MAX);
    framer.push(stream_body.clone(), &mut frames).ok()?;
    let mut top = Value::Map(Vec::new());
    let mut choices = Value::List(Vec::new());
    let mut usage = Value::null();
    let mut is_done = false;
    for data in frames.into_iter().filter_map(|frame| frame.data) {
        match data.trim_ascii() {
            b"[DONE]" => is_done = true,
            b"" => {}
            _ => {
                let doc = Document::parse(data, MAX_DEPTH).ok()?;
                if doc.root().kind() != Kind::Object || is_error(doc.root()) {
                    return None;
                }
                let mut chunk = Value::read(&doc, doc.root());
                if let Some(Value::List(new)) = chunk.take("choices") {
                    choices.continue_with(Value::List(
                        new.into_iter().enumerate().map(whole).collect(),
                    ));
                }
                if let Some(new) = chunk.take("usage") {
                    // The last usage counts; it is said again, not continued.
                    if !new.is_null() {
                        usage = new;
                    }
                }
                first_said(&mut top, chunk);
            }
        }
    }
    let Value::List(mut list) = choices else {
        return None;
    };
    let is_finished = |choice: &Value| choice.get("finish_reason").is_some_and(|r| !r.is_null());
    if !is_done || list.is_empty() || !list.iter().all(is_finished) {
        return None;
    }
    list.sort_by_key(Value::index);
    if op == Operation::Chat {
        list.iter_mut().for_each(finish_message);
    }
    top.put("object", Value::text(object));
    top.put("choices", Value::List(list));
    if !usage.is_null() {
        top.put("usage", usage);
    }
    let mut out = Vec::with_capacity(stream_body.len() / 4);
    top.write(&mut out);
    Some(out.into())
}

/// Takes the members that were not said yet, or were said empty (Azure's first
/// chunk has an empty id and model).
fn first_said(top: &mut Value, chunk: Value) {
    let Value::Map(members) = chunk else { return };
    for (key, value) in members {
        let Ok(key) = std::str::from_utf8(&key) else {
            continue;
        };
        let is_said = top.get(key).is_some_and(|old| match old {
            Value::Text(text) => !text.is_empty(),
            Value::Plain(raw) => raw != b"null" && raw != b"0",
            Value::List(_) | Value::Map(_) => true,
        });
        if !is_said {
            top.put(key, value);
        }
    }
}

/// A chunk's choice as a piece of a whole one: its delta is a message's.
fn whole((at, mut choice): (usize, Value)) -> Value {
    if choice.index().is_none() {
        choice.put("index", Value::number(at));
    }
    if let Some(mut delta) = choice.take("delta") {
        if let Some(Value::List(mut calls)) = delta.take("tool_calls") {
            for (at, call) in calls.iter_mut().enumerate() {
                if call.index().is_none() {
                    call.put("index", Value::number(at));
                }
            }
            delta.put("tool_calls", Value::List(calls));
        }
        choice.put("message", delta);
    }
    choice
}

/// What a plain message has and a sum of deltas has not, and the reverse.
fn finish_message(choice: &mut Value) {
    let mut message = choice.take("message").unwrap_or(Value::Map(Vec::new()));
    if message.get("role").is_none() {
        message.put("role", Value::text("assistant"));
    }
    if message.get("content").is_none() {
        message.put("content", Value::null());
    }
    if let Some(Value::List(mut calls)) = message.take("tool_calls") {
        calls.sort_by_key(Value::index);
        for call in &mut calls {
            call.take("index");
        }
        message.put("tool_calls", Value::List(calls));
    }
    choice.put("message", message);
}

/// Tells a plain answer as a stream: role, content and finish of each choice,
/// usage if asked for, `[DONE]`. `None` if it is no answer that streams.
#[must_use]
pub fn to_stream(op: Operation, plain: &Bytes, include_usage: IncludeUsage) -> Option<Bytes> {
    let object = match op {
        Operation::Chat => "chat.completion.chunk",
        Operation::Completion => "text_completion",
        Operation::Embedding => return None,
    };
    let doc = Document::parse(plain.clone(), MAX_DEPTH).ok()?;
    if is_error(doc.root()) {
        return None;
    }
    let mut top = Value::read(&doc, doc.root());
    let Some(Value::List(choices)) = top.take("choices") else {
        return None;
    };
    let usage = top.take("usage");
    top.put("object", Value::text(object));
    let mut teller = Teller {
        first: Some(top.clone()),
        rest: repeated(&top),
        out: Vec::with_capacity(plain.len() * 2),
    };
    for (at, mut choice) in choices.into_iter().enumerate() {
        if choice.index().is_none() {
            choice.put("index", Value::number(at));
        }
        match op {
            Operation::Chat => teller.message(choice),
            _ => teller.text(choice),
        }
    }
    if include_usage == IncludeUsage::Yes
        && let Some(usage) = usage
    {
        teller.tell(Vec::new(), Some(usage));
    }
    teller.out.extend_from_slice(b"data: [DONE]\n\n");
    Some(teller.out.into())
}

fn repeated(top: &Value) -> Value {
    let mut out = Value::Map(Vec::new());
    for key in REPEATED.iter().chain(&["object"]) {
        if let Some(value) = top.get(key) {
            out.put(key, value.clone());
        }
    }
    out
}

struct Teller {
    /// What the first chunk says: every member of the plain answer.
    first: Option<Value>,
    rest: Value,
    out: Vec<u8>,
}

impl Teller {
    fn tell(&mut self, choices: Vec<Value>, usage: Option<Value>) {
        let mut chunk = self.first.take().unwrap_or_else(|| self.rest.clone());
        chunk.put("choices", Value::List(choices));
        if let Some(usage) = usage {
            chunk.put("usage", usage);
        }
        self.out.extend_from_slice(b"data: ");
        let start = self.out.len();
        chunk.write(&mut self.out);
        // White space was dropped on reading; a string holds no bare newline.
        debug_assert!(!self.out[start..].contains(&b'\n'));
        self.out.extend_from_slice(b"\n\n");
    }

    fn piece(&mut self, index: usize, key: &str, value: Value) {
        let mut choice = Value::Map(Vec::new());
        choice.put("index", Value::number(index));
        choice.put(key, value);
        choice.put("finish_reason", Value::null());
        self.tell(vec![choice], None);
    }

    fn message(&mut self, mut choice: Value) {
        let index = choice.index().unwrap_or(0);
        let mut message = choice.take("message").unwrap_or(Value::Map(Vec::new()));
        let mut role = Value::Map(Vec::new());
        role.put(
            "role",
            message.take("role").unwrap_or(Value::text("assistant")),
        );
        let content = match message.get("content") {
            Some(Value::Text(_)) => Value::text(""),
            _ => Value::null(),
        };
        role.put("content", content);
        self.piece(index, "delta", role);
        if let Some(Value::List(mut calls)) = message.take("tool_calls") {
            for (at, call) in calls.iter_mut().enumerate() {
                call.put("index", Value::number(at));
            }
            message.put("tool_calls", Value::List(calls));
        }
        let mut piece = Value::Map(Vec::new());
        piece.put("index", Value::number(index));
        piece.put("delta", message);
        if let Some(logprobs) = choice.take("logprobs") {
            piece.put("logprobs", logprobs);
        }
        piece.put("finish_reason", Value::null());
        self.tell(vec![piece], None);
        choice.put("delta", Value::Map(Vec::new()));
        self.tell(vec![choice], None);
    }

    fn text(&mut self, mut choice: Value) {
        let reason = choice.take("finish_reason").unwrap_or(Value::null());
        let mut last = Value::Map(Vec::new());
        last.put("index", Value::number(choice.index().unwrap_or(0)));
        last.put("text", Value::text(""));
        last.put("logprobs", Value::null());
        last.put("finish_reason", reason);
        choice.put("finish_reason", Value::null());
        self.tell(vec![choice], None);
        self.tell(vec![last], None);
    }
}
