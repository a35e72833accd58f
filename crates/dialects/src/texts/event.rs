//! The texts of a stream as it leaves for a client, event by event, in the
//! client's own dialect.
//!
//! A text that comes in pieces goes on in the next event: its pieces have one
//! lane. What an event says completely is read as a whole. An event of a kind that
//! nobody here has heard of is read as well: text is the default.

use std::borrow::Cow;

use bytes::Bytes;
use domain::canon::Dialect;

use super::Room;
use super::reader::{Trail, walk};
use super::{Place, decode, kind_of};
use crate::json::{Document, Kind, Node};
use crate::sse::Framer;
use crate::{anthropic, gemini, openai, responses};

/// What a client's stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Server-sent events.
    Events,
    /// One JSON array.
    Array,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which text it goes on with; none if it is complete.
    pub lane: Option<String>,
    /// The piece, decoded.
    pub text: String,
}

/// An event.
#[derive(Debug)]
pub struct Event {
    /// What it says, if that is JSON.
    pub document: Option<Document>,
    /// Its texts, in their order.
    pub said: Vec<Said>,
    /// The beginning of the lanes that end with it.
    pub ends: Option<String>,
}

/// Members that say which text of several an event goes on with.
const WHICH: [&str; 6] = [
    "index",
    "output_index",
    "content_index",
    "summary_index",
    "item_id",
    "thought",
];

/// Reads what leaves.
#[derive(Debug)]
pub struct Leaving {
    dialect: Dialect,
    form: Form,
    framer: Framer,
}

impl Leaving {
    /// Of a stream for a client of this dialect.
    #[must_use]
    pub fn new(dialect: Dialect, form: Form) -> Self {
        Self {
            dialect,
            form,
            framer: Framer::new(usize::MAX),
        }
    }

    /// The events in the next bytes, which are whole events.
    pub fn push(&mut self, bytes: &Bytes) -> Vec<Event> {
        match self.form {
            Form::Array => self.items(bytes),
            Form::Events => {
                let mut frames = Vec::new();
                // It takes frames of any length.
                let _ = self.framer.push(bytes.clone(), &mut frames);
                // Some servers leave out the blank line behind their last.
                frames.extend(self.framer.last());
                let said = frames.into_iter().filter(|frame| !frame.is_end_mark());
                said.filter_map(|frame| Some(self.event(frame.data?)))
                    .collect()
            }
        }
    }

    fn items(&self, bytes: &Bytes) -> Vec<Event> {
        let is_around =
            |byte: &u8| matches!(byte, b'[' | b']' | b',') || byte.is_ascii_whitespace();
        let start = bytes.iter().position(|byte| !is_around(byte));
        let Some(start) = start else {
            return Vec::new();
        };
        let end = bytes.iter().rposition(|byte| !is_around(byte));
        let inner = bytes.slice(start..end.map_or(bytes.len(), |end| end + 1));
        let list = [b"[", &inner[..], b"]"].concat();
        let Ok(list) = Document::parse(list.into(), usize::MAX) else {
            return vec![self.event(inner)];
        };
        let items = list.root().items();
        items
            .map(|item| self.event(Bytes::copy_from_slice(item.raw())))
            .collect()
    }

    fn event(&self, data: Bytes) -> Event {
        let Ok(document) = Document::parse(data.clone(), usize::MAX) else {
            let text = String::from_utf8_lossy(&data).into_owned();
            return Event {
                document: None,
                said: vec![Said { lane: None, text }],
                ends: None,
            };
        };
        let root = document.root();
        let kind = kind_of(root);
        let mut said = Vec::new();
        let way = Way::default();
        walk(root, (self.room(), Place::Other), way, |text, way| {
            said.push(Said {
                lane: self.goes_on(&kind, way).then(|| self.lane(&kind, way)),
                text: decode(&document, &text).into_owned(),
            });
        });
        Event {
            ends: self.ends(&kind, root),
            said,
            document: Some(document),
        }
    }

    fn room(&self) -> Room {
        match self.dialect {
            Dialect::Responses => responses::rooms::EVENT,
            Dialect::Anthropic => anthropic::rooms::EVENT,
            Dialect::Gemini => gemini::rooms::ANSWER,
            Dialect::OpenAi => openai::rooms::SCREENED,
            Dialect::Converse | Dialect::Cohere | Dialect::Ollama => Room::ANY,
        }
    }

    /// Whether a text may go on in the next event.
    fn goes_on(&self, kind: &str, way: &Way) -> bool {
        let passes = |key: &str| way.keys.iter().any(|known| known == key);
        match self.dialect {
            Dialect::Responses => kind.ends_with(".delta") && !passes("logprobs"),
            Dialect::Anthropic => {
                // What lies deeper is there as a whole: results of a search, a citation.
                matches!(kind, "content_block_start" | "content_block_delta") && way.keys.len() == 2
            }
            Dialect::Gemini => {
                let is_whole = ["functionCall", "toolCall", "toolResponse", "partMetadata"];
                passes("parts") && (passes("partialArgs") || !is_whole.iter().any(|it| passes(it)))
            }
            Dialect::OpenAi => passes("choices") && !passes("logprobs"),
            Dialect::Converse | Dialect::Cohere | Dialect::Ollama => true,
        }
    }

    /// The name of a text. That of a block begins as its end says it.
    fn lane(&self, kind: &str, way: &Way) -> String {
        let keys: Cow<'_, str> = match (self.dialect, way.keys.last()) {
            // A block begins with what its deltas go on with.
            (Dialect::Anthropic, Some(last)) => last.into(),
            // Of one item, thoughts and their summary grow side by side.
            (Dialect::Responses, _) => format!("{kind}/{}", way.keys.join("/")).into(),
            _ => way.keys.join("/").into(),
        };
        format!("{}{keys}", way.which)
    }

    /// The lanes that end with an event.
    fn ends(&self, kind: &str, root: Node<'_>) -> Option<String> {
        let is_end = match self.dialect {
            Dialect::Anthropic => kind == "content_block_stop",
            Dialect::Responses => kind.ends_with(".done"),
            _ => false,
        };
        let which = is_end.then(|| Way::default().within(root).which);
        which.filter(|which| !which.is_empty())
    }
}

/// How one came to a text of an event.
#[derive(Clone, Debug, Default)]
struct Way {
    keys: Vec<String>,
    /// Which of several, at each step that says so.
    which: String,
}

impl Trail for Way {
    fn within(&self, object: Node<'_>) -> Self {
        let mut way = self.clone();
        for name in WHICH {
            let value = object.get(name);
            let value = value.filter(|it| !matches!(it.kind(), Kind::Array | Kind::Object));
            if let Some(value) = value {
                way.which.push_str(&String::from_utf8_lossy(value.raw()));
                way.which.push(';');
            }
        }
        way
    }

    fn to(&self, key: &[u8]) -> Self {
        let mut way = self.clone();
        way.keys.push(String::from_utf8_lossy(key).into_owned());
        way
    }
}
