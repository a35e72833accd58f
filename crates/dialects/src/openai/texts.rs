//! Which strings of a body are text that policy must see.
//!
//! Text is the default: the table of [`rooms`](super::rooms) lists what is *not*
//! text. A string in
//! a field that nobody here has heard of is text on the day it appears.

use std::borrow::Cow;

use domain::edit::Span;

use super::rooms::{Room, Rule, rule};
use crate::json::{Document, Items, Kind, Members, Node};

/// A string that policy may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it lies, inside its quotes.
    pub span: Span,
    /// Whether it holds escapes.
    pub escaped: bool,
    /// Whose words it is.
    pub place: Place,
}

/// Whose words a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A system or developer message.
    System,
    /// The user's words, a prompt, an input.
    User,
    /// The model's words.
    Assistant,
    /// What a tool answered.
    Tool,
    /// The description of a tool.
    Definition,
    /// Everything else.
    Other,
}

/// The text, decoded; borrowed if it holds no escape.
#[must_use]
pub fn decode<'a>(doc: &'a Document, text: &Text) -> Cow<'a, str> {
    let raw = text.span.of(doc.bytes());
    match text.escaped {
        true => crate::json::decode(raw),
        false => crate::json::plain(raw),
    }
}

/// A container whose members are still to be read.
enum Open<'a> {
    Array(Items<'a>, Room, Place),
    Object(Members<'a>, Room, Place),
}

/// Most texts come with as many values and keys: a message has five.
const PER_TEXT: usize = 4;
/// The most texts for which there is place from the start.
const FIRST: usize = 256;

/// Every text below `root`, in the order of the document.
pub(super) fn collect(root: Node<'_>, room: Room, place: Place) -> Vec<Text> {
    let mut reader = Reader {
        // An explicit stack: an answer's depth is its sender's choice.
        open: Vec::with_capacity(8),
        texts: Vec::with_capacity((root.size() / PER_TEXT).min(FIRST)),
    };
    reader.value(root, room, place);
    while let Some(open) = reader.open.last_mut() {
        match open {
            Open::Array(items, room, place) => {
                let (room, place) = (*room, *place);
                match items.next() {
                    None => drop(reader.open.pop()),
                    Some(item) if room != Room::Names => reader.value(item, room, place),
                    Some(item) if item.kind() == Kind::String => {}
                    Some(item) => reader.value(item, Room::Any, place),
                }
            }
            Open::Object(members, room, place) => {
                let (room, place) = (*room, *place);
                match members.next() {
                    None => drop(reader.open.pop()),
                    Some((key, value)) => reader.member(key, value, room, place),
                }
            }
        }
    }
    reader.texts
}

struct Reader<'a> {
    open: Vec<Open<'a>>,
    texts: Vec<Text>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, node: Node<'a>, room: Room, place: Place) {
        match node.kind() {
            Kind::String if room == Room::ImageUrl && is_data_url(node) => {}
            Kind::String => self.text(node, place),
            Kind::Array => self.open.push(Open::Array(node.items(), room, place)),
            Kind::Object if room == Room::Quiet => {}
            Kind::Object => {
                let place = match room {
                    Room::Message => speaker(node).unwrap_or(place),
                    _ => place,
                };
                self.open.push(Open::Object(node.members(), room, place));
            }
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }

    fn member(&mut self, key: Node<'a>, value: Node<'a>, room: Room, place: Place) {
        if room == Room::Properties {
            // The names of a tool's parameters are words of its author.
            self.text(key, place);
        }
        match rule(room, &key.name()) {
            Rule::In(room) => self.value(value, room, place),
            Rule::By(room, place) => self.value(value, room, place),
            Rule::Url if is_data_url(value) => {}
            Rule::Url => self.value(value, Room::Any, place),
            Rule::Skip => match value.kind() {
                Kind::String => {}
                Kind::Array => self.value(value, Room::Names, place),
                _ => self.value(value, Room::Any, place),
            },
        }
    }

    fn text(&mut self, node: Node<'a>, place: Place) {
        self.texts.push(Text {
            span: node.inner_span(),
            escaped: node.is_escaped(),
            place,
        });
    }
}

fn is_data_url(node: Node<'_>) -> bool {
    node.str().is_some_and(|url| {
        url.get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:"))
    })
}

/// Who speaks in a message.
fn speaker(message: Node<'_>) -> Option<Place> {
    let role = message.get("role")?;
    if role.kind() != Kind::String {
        return None;
    }
    Some(match &*role.name() {
        b"system" | b"developer" => Place::System,
        b"user" => Place::User,
        b"assistant" => Place::Assistant,
        b"tool" | b"function" => Place::Tool,
        _ => Place::Other,
    })
}
