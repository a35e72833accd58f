//! A conversation that goes on, as the whole that it stands for.

use bytes::Bytes;
use domain::edit::Span;

use super::{edited, item};
use crate::json::{Document, Kind, Node};

/// A turn that was.
#[derive(Clone, Debug)]
pub struct Past {
    /// What was asked: a JSON array of items.
    pub input: Bytes,
    /// The answer: a JSON object.
    pub answer: Bytes,
}

/// A request with all that was said before.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The request: its input is the whole conversation.
    pub body: Bytes,
    /// How many items stay with whoever made them.
    pub left_out: usize,
}

/// The request that a continued one stands for, with all turns before it,
/// the oldest first. Instructions of earlier turns do not carry over.
#[must_use]
pub fn expand(document: &Document, past: &[Past]) -> Expanded {
    let mut list = List::new();
    for turn in past {
        list.all(&turn.input, |root| Some(root));
        list.all(&turn.answer, |root| root.get("output"));
    }
    let root = document.root();
    let new = root.get("input").filter(|input| !input.is_null());
    match new {
        Some(input) if input.kind() == Kind::Array => {
            for item in input.items() {
                list.push(item.raw());
            }
        }
        Some(input) if input.kind() == Kind::String => list.push(&said(input)),
        _ => {}
    }
    let left_out = list.left_out;
    let items = list.done();
    let body = match root.get("input") {
        Some(input) => edited(document.bytes(), &[(input.span(), &items)]),
        None => {
            let at = root.inner_span().start;
            let comma: &[u8] = match root.entries().next() {
                Some(_) => b",",
                None => b"",
            };
            let member = [br#""input":"#, items.as_slice(), comma].concat();
            edited(document.bytes(), &[(Span::new(at, at), &member)])
        }
    };
    Expanded { body, left_out }
}

/// A text as the user's message.
fn said(text: Node<'_>) -> Vec<u8> {
    let mut out =
        br#"{"type":"message","role":"user","content":[{"type":"input_text","text":"#.to_vec();
    out.extend_from_slice(text.raw());
    out.extend_from_slice(b"}]}");
    out
}

/// What is kept of a request's input: a JSON array of items, each with an id.
#[must_use]
pub fn input(document: &Document, answer: &str) -> Bytes {
    let mut out = vec![b'['];
    let input = document.root().get("input");
    match input {
        Some(input) if input.kind() == Kind::Array => {
            for (number, it) in input.items().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                item::write(&mut out, it, answer, number);
            }
        }
        Some(input) if input.kind() == Kind::String => {
            let message = said(input);
            if let Ok(message) = Document::parse(message.into(), usize::MAX) {
                item::write(&mut out, message.root(), answer, 0);
            }
        }
        _ => {}
    }
    out.push(b']');
    out.into()
}

/// Items, one after the other.
struct List {
    out: Vec<u8>,
    left_out: usize,
}

impl List {
    fn new() -> Self {
        Self {
            out: vec![b'['],
            left_out: 0,
        }
    }

    fn push(&mut self, item: &[u8]) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        self.out.extend_from_slice(item);
    }

    /// Adds the items of a kept text that another provider can be told.
    fn all(&mut self, text: &Bytes, list: impl FnOnce(Node<'_>) -> Option<Node<'_>>) {
        let Ok(document) = Document::parse(text.clone(), usize::MAX) else {
            return;
        };
        let Some(items) = list(document.root()) else {
            return;
        };
        for it in items.items() {
            match item::travels(it) {
                true => self.push(&item::told(it)),
                false => self.left_out += 1,
            }
        }
    }

    fn done(mut self) -> Vec<u8> {
        self.out.push(b']');
        self.out
    }
}
