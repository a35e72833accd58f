//! Which strings of a document are text that policy must see, in every dialect.
//!
//! Text is the default: the rooms beside each dialect list what is *not* text.
//! A string in a field that nobody here has heard of is text on the day it appears.
//! Where a tool's arguments and results stand as JSON, keys and numbers are text too.
//!
//! | of | table |
//! |---|---|
//! | `OpenAI`'s dialect | `openai/rooms.rs` |
//! | Responses | `responses/rooms.rs` |
//! | Messages | `anthropic/rooms.rs` |
//! | Gemini | `gemini/rooms.rs` |
//! | what all of them have | `texts/room.rs` |

mod event;
mod origin;
mod reader;
mod room;

use std::borrow::Cow;

use domain::canon::Dialect;
use domain::edit::Span;

use crate::json::{Document, Node};
use crate::{anthropic, gemini, openai, responses};

pub use event::{Event, Form, Leaving, Said};
pub use origin::Origin;
pub(crate) use reader::collect;
pub(crate) use room::{Room, Rule};

/// A text that policy may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it lies, inside its quotes; of a number, all of it.
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

/// The texts of a client's request, in the order of the document.
#[must_use]
pub fn of_request(dialect: Dialect, doc: &Document) -> Vec<Text> {
    let room = match dialect {
        Dialect::Responses => responses::rooms::REQUEST,
        Dialect::Anthropic => anthropic::rooms::REQUEST,
        Dialect::Gemini => gemini::rooms::REQUEST,
        // No client speaks the others: everything is read of what none says.
        Dialect::OpenAi => openai::rooms::REQUEST,
        Dialect::Converse | Dialect::Cohere | Dialect::Ollama => Room::ANY,
    };
    collect(doc.root(), room, Place::Other)
}

/// The texts of a whole answer as it leaves for a client, in the order of the
/// document.
#[must_use]
pub fn of_answer(dialect: Dialect, doc: &Document) -> Vec<Text> {
    let room = match dialect {
        Dialect::Responses => responses::rooms::ANSWER,
        Dialect::Anthropic => anthropic::rooms::ANSWER,
        Dialect::Gemini => gemini::rooms::ANSWER,
        Dialect::OpenAi => openai::rooms::SCREENED,
        Dialect::Converse | Dialect::Cohere | Dialect::Ollama => Room::ANY,
    };
    collect(doc.root(), room, Place::Other)
}

/// Whose words an object's role says that it holds.
pub(crate) fn speaker(object: Node<'_>) -> Option<Place> {
    let role = object.get("role")?;
    if role.kind() != crate::json::Kind::String {
        return None;
    }
    Some(match &*role.name() {
        b"system" | b"developer" => Place::System,
        b"user" => Place::User,
        b"assistant" | b"model" => Place::Assistant,
        b"tool" | b"function" => Place::Tool,
        _ => Place::Other,
    })
}

/// What an object's `type` says that it is.
pub(crate) fn kind_of(object: Node<'_>) -> Cow<'_, str> {
    object.get("type").and_then(Node::str).unwrap_or_default()
}
