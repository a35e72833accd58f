//! Answers about kept conversations, as `OpenAI` gives them.

use bytes::Bytes;

use super::{Past, standing};
use crate::json::{Document, Node, object};

/// In which order items are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    Rising,
    /// The newest first: the usual one.
    #[default]
    Falling,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In which order.
    pub order: Order,
    /// Behind the item of this id.
    pub after: Option<String>,
    /// The most items.
    pub limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            order: Order::Falling,
            after: None,
            limit: 20,
        }
    }
}

/// What says that an answer is deleted.
#[must_use]
pub fn deleted(id: &str) -> Vec<u8> {
    object(|o| {
        o.string("id", id).string("object", "response");
        o.bool("deleted", true);
    })
}

/// A page of the items that the last of these turns answered: its own input,
/// and all that was said before.
#[must_use]
pub fn page(turns: &[Past], page: &Page) -> Vec<u8> {
    let mut texts = Vec::new();
    let parse = |text: &Bytes| Document::parse(text.clone(), usize::MAX).ok();
    for (at, turn) in turns.iter().enumerate() {
        texts.extend(parse(&turn.input).map(|text| (text, "")));
        if at + 1 < turns.len() {
            texts.extend(parse(&turn.answer).map(|text| (text, "output")));
        }
    }
    let mut items: Vec<Node<'_>> = Vec::new();
    for (text, member) in &texts {
        let root = text.root();
        let list = if member.is_empty() {
            Some(root)
        } else {
            root.get(member)
        };
        items.extend(list.into_iter().flat_map(Node::items));
    }
    if page.order == Order::Falling {
        items.reverse();
    }
    let id = |item: &Node<'_>| item.get("id").and_then(Node::str).map(|id| id.into_owned());
    let first = match &page.after {
        None => 0,
        Some(after) => items
            .iter()
            .position(|item| id(item).as_ref() == Some(after))
            .map_or(items.len(), |at| at + 1),
    };
    let rest = items.get(first..).unwrap_or_default();
    let shown = rest.get(..page.limit.min(rest.len())).unwrap_or_default();
    object(|o| {
        o.string("object", "list");
        o.array("data", |a| {
            for item in shown {
                a.raw(&String::from_utf8_lossy(item.raw()));
            }
        });
        for (name, item) in [("first_id", shown.first()), ("last_id", shown.last())] {
            match item.and_then(id) {
                Some(id) => o.string(name, &id),
                None => o.null(name),
            };
        }
        o.bool("has_more", shown.len() < rest.len());
    })
}

/// A kept answer as a stream: its items whole, without their growing. Events
/// up to number `after` are left out.
#[must_use]
pub fn replay(answer: &Bytes, after: Option<u64>) -> Bytes {
    let Ok(document) = Document::parse(answer.clone(), usize::MAX) else {
        return Bytes::new();
    };
    let root = document.root();
    let whole = String::from_utf8_lossy(root.raw());
    let mut events = Events {
        out: Vec::new(),
        number: 0,
        after,
    };
    let queued = ["response.created", "response.queued"];
    let (told, next): (&[_], &[_]) = match standing::of(root).is_background {
        true => (&queued, &["response.in_progress"]),
        false => (&[], &["response.created", "response.in_progress"]),
    };
    for (names, status) in [(told, "queued"), (next, "in_progress")] {
        let begun = begun(&document, status);
        for name in names {
            events.push(name, &[("response", &begun)]);
        }
    }
    let output = root.get("output");
    for (at, item) in output.into_iter().flat_map(Node::items).enumerate() {
        let (at, item) = (at.to_string(), String::from_utf8_lossy(item.raw()));
        for name in ["response.output_item.added", "response.output_item.done"] {
            events.push(name, &[("output_index", &at), ("item", &item)]);
        }
    }
    let name = standing::of(root).last_event();
    events.push(&name, &[("response", &whole)]);
    events.out.into()
}

/// The answer before anything of it had come.
fn begun(document: &Document, status: &str) -> String {
    let body = object(|o| {
        for (key, _, value) in document.root().entries() {
            match &*key {
                "status" => o.string("status", status),
                "output" => o.array("output", |_| {}),
                "usage" | "error" | "incomplete_details" => o.null(&key),
                _ => o.raw(&key, &String::from_utf8_lossy(value.raw())),
            };
        }
    });
    String::from_utf8(body).unwrap_or_default()
}

struct Events {
    out: Vec<u8>,
    number: u64,
    after: Option<u64>,
}

impl Events {
    fn push(&mut self, name: &str, members: &[(&str, &str)]) {
        let number = self.number;
        self.number += 1;
        if self.after.is_some_and(|after| number <= after) {
            return;
        }
        event(&mut self.out, name, number, members);
    }
}

/// Writes an event with these members, each with its JSON.
pub(super) fn event(out: &mut Vec<u8>, name: &str, number: u64, members: &[(&str, &str)]) {
    let data = object(|o| {
        o.string("type", name).number("sequence_number", number);
        for (key, json) in members {
            // A line of an event stream must hold it.
            o.raw(key, &json.replace(['\n', '\r'], " "));
        }
    });
    out.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\n\n");
}
