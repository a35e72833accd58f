//! A plain answer: what the gateway needs to know of it.

use domain::usage::Usage;

use super::texts::{Place, Room, Text, collect, decode};
use super::usage::read_usage;
use crate::Operation;
use crate::json::{Document, Kind, Node};

/// What the gateway needs to know of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerView {
    /// What it used, if the provider says so.
    pub usage: Option<Usage>,
    /// The model that answered, by the provider's own name.
    pub model: Option<String>,
    /// Every text, in the order of the body.
    pub texts: Vec<Text>,
    /// Whether it is an error, whatever its status was.
    pub is_error: bool,
    /// Whether it is complete: every choice says why it ended.
    pub finished: bool,
    /// Characters that the model wrote.
    pub completion_chars: usize,
}

/// Reads an answer. One that is no object is neither finished nor an error.
#[must_use]
pub fn read_answer(op: Operation, doc: &Document) -> AnswerView {
    let root = doc.root();
    let texts = collect(root, Room::Answer, Place::Other);
    let written = texts.iter().filter(|text| text.place == Place::Assistant);
    AnswerView {
        usage: root.get("usage").and_then(read_usage),
        model: root.get("model").and_then(Node::str).map(Into::into),
        is_error: is_error(root),
        finished: match op {
            Operation::Embedding => all(root.get("data"), |item| item.get("embedding").is_some()),
            Operation::Chat | Operation::Completion => all(root.get("choices"), |choice| {
                finish_reason(choice).is_some()
            }),
        },
        completion_chars: written.map(|text| decode(doc, text).chars().count()).sum(),
        texts,
    }
}

/// Whether a body or a chunk says that something failed.
pub(super) fn is_error(root: Node<'_>) -> bool {
    root.get("error").is_some_and(|error| !error.is_null())
}

/// Why a choice ended, if it did.
pub(super) fn finish_reason(choice: Node<'_>) -> Option<Node<'_>> {
    choice
        .get("finish_reason")
        .filter(|reason| !reason.is_null())
}

/// Whether there are items, and each of them is as wanted.
fn all(items: Option<Node<'_>>, wanted: impl Fn(Node<'_>) -> bool) -> bool {
    items.is_some_and(|items| {
        items.kind() == Kind::Array && items.items().next().is_some() && items.items().all(wanted)
    })
}
