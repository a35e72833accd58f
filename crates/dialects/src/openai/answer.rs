//! A plain answer: what the gateway needs to know of it.

use domain::usage::Usage;

use super::rooms;
use super::usage::read_usage;
use crate::Operation;
use crate::json::{Document, Kind, Node};
use crate::texts::{Place, Text, collect};

/// What the gateway needs to know of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerView {
    /// What it used, if the provider says so.
    pub usage: Option<Usage>,
    /// The model that answered, by the provider's own name.
    pub model: Option<String>,
    /// Whether it is an error, whatever its status was.
    pub is_error: bool,
    /// Whether it has an answer's list at all, full or empty.
    pub is_answer: bool,
    /// Whether it is complete: every choice says why it ended.
    pub finished: bool,
}

/// Reads an answer. One that is no object is neither finished nor an error.
#[must_use]
pub fn read_answer(op: Operation, doc: &Document) -> AnswerView {
    let mut view = AnswerView::default();
    for (key, value) in doc.root().members() {
        match (&*key.name(), op) {
            (b"usage", _) => view.usage = read_usage(value),
            (b"model", _) => view.model = value.str().map(Into::into),
            (b"error", _) => view.is_error = !value.is_null(),
            (b"data", Operation::Embedding) => {
                view.is_answer = value.kind() == Kind::Array;
                view.finished = all(value, |item| item.get("embedding").is_some());
            }
            (b"choices", Operation::Chat | Operation::Completion) => {
                view.is_answer = value.kind() == Kind::Array;
                view.finished = all(value, |choice| finish_reason(choice).is_some());
            }
            _ => {}
        }
    }
    view
}

/// Every text of an answer, in the order of the body: for guards, and to
/// estimate what a provider did not count.
#[must_use]
pub fn answer_texts(doc: &Document) -> Vec<Text> {
    collect(doc.root(), rooms::ANSWER, Place::Other)
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
fn all(items: Node<'_>, wanted: impl Fn(Node<'_>) -> bool) -> bool {
    items.kind() == Kind::Array && items.items().next().is_some() && items.items().all(wanted)
}
