//! A block of a stream while it grows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::canon::Unknown;

use super::fields::{parse, raw, text, unknown, word};
use crate::json::{Node, Object};

/// The room that a kept piece takes beside its own bytes.
const PIECE: usize = 64;

/// The room that a kept member takes.
pub(super) fn member(key: &str, value: &str) -> usize {
    key.len() + value.len() + PIECE
}

/// An open block.
#[derive(Debug)]
pub(super) struct Open {
    /// The number that the provider gave it.
    pub(super) index: u64,
    /// Our own.
    pub(super) block: u32,
    pub(super) kind: Slot,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Slot {
    Text,
    Thinking,
    /// A hidden thought, until it is whole.
    Redacted(String),
    /// A call, or one that is the answer itself.
    Call {
        is_answer: bool,
        has_grown: bool,
    },
    /// A block that the canonical form does not know, until it is whole.
    Held(Held),
}

/// A block that the canonical form does not know.
#[derive(Debug)]
pub(super) struct Held {
    /// `toolUse`, `toolResult`, `image`.
    name: String,
    /// The members that it began with.
    start: Vec<(String, String)>,
    /// A call's input, as text.
    input: String,
    /// A result's content.
    content: Vec<String>,
    /// A text at the end of `content`, which may grow.
    words: String,
    /// An image's bytes.
    bytes: Vec<u8>,
    /// What was kept of it, in bytes.
    size: usize,
}

impl Held {
    /// Begins as `start` says.
    pub(super) fn of(name: &str, start: Node<'_>) -> Self {
        let members = start.entries();
        let start: Vec<(String, String)> = members
            .map(|(key, _, value)| (key.into_owned(), raw(value)))
            .collect();
        let sizes = start.iter().map(|(key, value)| member(key, value));
        Self {
            name: name.to_owned(),
            size: sizes.sum(),
            start,
            input: String::new(),
            content: Vec::new(),
            words: String::new(),
            bytes: Vec::new(),
        }
    }

    /// How many bytes it keeps.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Grows by what stands in a delta under its own name.
    pub(super) fn grow(&mut self, delta: Node<'_>) {
        self.size += delta.raw().len();
        match self.name.as_str() {
            "toolUse" => self.input.push_str(&word(delta, "input")),
            "toolResult" => {
                for item in delta.items() {
                    self.size += PIECE;
                    match item.get("text").and_then(Node::str) {
                        Some(more) => self.words.push_str(&more),
                        None => {
                            self.settle();
                            self.content.push(raw(item));
                        }
                    }
                }
            }
            _ => {
                let bytes = delta.get("source").map(|source| word(source, "bytes"));
                let bytes = bytes.and_then(|bytes| STANDARD.decode(bytes).ok());
                self.bytes.extend(bytes.into_iter().flatten());
            }
        }
    }

    /// The words that came are complete.
    fn settle(&mut self) {
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() {
            self.content.push(text(crate::json::object(|o| {
                o.string("text", &words);
            })));
        }
    }

    /// The whole block, as a whole answer has it.
    pub(super) fn whole(mut self) -> Unknown {
        self.settle();
        let block = text(crate::json::object(|o| {
            o.object(&self.name, |o| self.put(o));
        }));
        unknown(&self.name, block)
    }

    fn put(&self, o: &mut Object<'_>) {
        for (key, value) in &self.start {
            o.raw(key, value);
        }
        match self.name.as_str() {
            "toolUse" => {
                let is_json = parse(&self.input).is_some();
                o.raw("input", if is_json { &self.input } else { "{}" });
            }
            "toolResult" => {
                o.array("content", |a| {
                    for item in &self.content {
                        a.raw(item);
                    }
                });
            }
            _ => {
                o.object("source", |o| {
                    o.string("bytes", &STANDARD.encode(&self.bytes));
                });
            }
        }
    }
}
