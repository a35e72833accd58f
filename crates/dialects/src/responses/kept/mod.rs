//! Conversations that the gateway keeps: what a request says of them, what is
//! kept of it, and the whole that a continued one stands for.

mod expand;
mod item;
mod named;
mod pages;
mod standing;

use bytes::Bytes;
use domain::edit::Span;
use domain::refusal::{Reason, Refusal};

use crate::json::{Document, Kind, Node};
use crate::sse::Framer;

pub use expand::{Expanded, Past, expand, input};
pub use named::{Named, Spelling, item_ids, named, spelling};
pub use pages::{Order, Page, deleted, page, replay};
pub use standing::{Event, Said, Standing, events, failure, restated, standing, told};

/// The longest id of an answer.
const LONGEST_ID: usize = 512;

/// What a request says of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whether it is to be kept.
    pub is_kept: bool,
    /// Whether the client does not wait for it.
    pub is_background: bool,
    /// The answer that it goes on from.
    pub previous: Option<String>,
}

/// Reads what a request says of its conversation.
///
/// # Errors
/// It wants what only its provider could keep, or a member has a wrong type.
pub fn wish(document: &Document) -> Result<Wish, Refusal> {
    let root = document.root();
    let member = |key| root.get(key).filter(|value| !value.is_null());
    if member("conversation").is_some() {
        let sentence = "This gateway has no `conversation` objects. Go on from an answer with \
                        `previous_response_id` instead.";
        return Err(Refusal::new(Reason::BadField, sentence).at("conversation"));
    }
    let flag = |key, usual| match member(key) {
        None => Ok(usual),
        Some(value) => value.bool().ok_or_else(|| wrong(key, "true or false")),
    };
    let is_background = flag("background", false)?;
    let is_kept = flag("store", true)?;
    if is_background && !is_kept {
        let sentence = "A response in the background must be kept until it is fetched: leave \
                        `store` out, or `background`.";
        return Err(Refusal::new(Reason::BadField, sentence).at("store"));
    }
    let previous = match member("previous_response_id") {
        None => None,
        Some(value) => match value.str() {
            Some(id) if id.len() <= LONGEST_ID => Some(id.into_owned()),
            _ => return Err(wrong("previous_response_id", "the id of a response")),
        },
    };
    Ok(Wish {
        is_kept,
        is_background,
        previous,
    })
}

fn wrong(field: &str, expected: &str) -> Refusal {
    let message = format!("The field `{field}` has a wrong value: expected {expected}.");
    Refusal::new(Reason::BadField, message).at(field)
}

/// The same text with other bytes at these places, which lie in order.
fn edited(text: &[u8], edits: &[(Span, &[u8])]) -> Bytes {
    let more: usize = edits.iter().map(|(_, with)| with.len()).sum();
    let mut out = Vec::with_capacity(text.len() + more);
    let mut at = 0;
    for (span, with) in edits {
        out.extend_from_slice(text.get(at..span.start as usize).unwrap_or_default());
        out.extend_from_slice(with);
        at = span.end as usize;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out.into()
}

/// A request or an answer that says it is not kept.
#[must_use]
pub fn unkept(document: &Document) -> Bytes {
    let root = document.root();
    let root = root.get("response").unwrap_or(root);
    let text = document.bytes();
    match root.get("store") {
        Some(store) => edited(text, &[(store.span(), b"false")]),
        None => {
            let at = root.inner_span().start;
            let is_empty = root.entries().next().is_none();
            let member: &[u8] = match is_empty {
                true => br#""store":false"#,
                false => br#""store":false,"#,
            };
            edited(text, &[(Span::new(at, at), member)])
        }
    }
}

/// An answer at its end, as it goes out: whole, or the last event of a stream.
#[derive(Debug)]
pub struct Ending {
    /// What goes out.
    bytes: Bytes,
    /// Where the JSON that holds the answer begins in it.
    at: usize,
    document: Document,
}

impl Ending {
    /// Finds the answer in what goes out last; `None` if it is not there, or
    /// did not come about.
    #[must_use]
    pub fn of(bytes: &Bytes) -> Option<Self> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            let document = Document::parse(bytes.clone(), usize::MAX).ok()?;
            let bytes = bytes.clone();
            return Some(Self {
                bytes,
                at: 0,
                document,
            })
            .filter(Self::has_come_about);
        }
        let mut frames = Vec::new();
        Framer::new(usize::MAX)
            .push(bytes.clone(), &mut frames)
            .ok()?;
        let mut begins = 0;
        for frame in frames {
            let first = begins;
            begins += frame.bytes.len();
            let Some((data, at)) = frame.data.zip(frame.data_at) else {
                continue;
            };
            let Ok(document) = Document::parse(data, usize::MAX) else {
                continue;
            };
            let kind = document.root().get("type").and_then(Node::str);
            let is_end = matches!(
                kind.as_deref(),
                Some("response.completed" | "response.incomplete")
            );
            if is_end {
                return Some(Self {
                    bytes: bytes.clone(),
                    at: first + at,
                    document,
                })
                .filter(Self::has_come_about);
            }
        }
        None
    }

    fn answer(&self) -> Node<'_> {
        let root = self.document.root();
        root.get("response").unwrap_or(root)
    }

    fn has_come_about(&self) -> bool {
        let answer = self.answer();
        let status = answer.get("status").and_then(Node::str);
        answer
            .get("output")
            .is_some_and(|it| it.kind() == Kind::Array)
            && matches!(status.as_deref(), Some("completed" | "incomplete"))
            && self.id().is_some()
    }

    /// The answer's id.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let id = self.answer().get("id")?.str()?;
        let is_short = !id.is_empty() && id.len() <= LONGEST_ID;
        is_short.then(|| id.into_owned())
    }

    /// Whether the answer says that who gave it keeps it.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.answer().get("store").and_then(Node::bool) == Some(true)
    }

    /// The answer: a JSON object.
    #[must_use]
    pub fn json(&self) -> Bytes {
        Bytes::copy_from_slice(self.answer().raw())
    }

    /// What goes out if the answer could not be kept.
    #[must_use]
    pub fn unkept(&self) -> Bytes {
        let said = unkept(&self.document);
        let end = self.at + self.document.bytes().len();
        let before = self.bytes.get(..self.at).unwrap_or_default();
        let after = self.bytes.get(end..).unwrap_or_default();
        [before, said.as_ref(), after].concat().into()
    }
}

#[cfg(test)]
mod tests;
