//! Items that a request names by their ids, instead of saying them.

use std::collections::HashMap;

use bytes::Bytes;
use domain::edit::Span;

use super::{Past, edited, item};
use crate::json::{Document, Kind, Node};
use crate::responses::canon;

/// An item that is named, of an answer that the gateway gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The item's id.
    pub id: String,
    /// The id of the answer that it is of.
    pub answer: String,
    /// Whether its provider made its id, and may know it.
    pub is_providers: bool,
    /// Where the name stands.
    at: Span,
}

/// What a request names of kept answers, in its order. `answer_of` says of which a
/// provider's own item is; one that is of none is not among them: only the provider
/// knows it.
#[must_use]
pub fn named(document: &Document, answer_of: impl Fn(&str) -> Option<String>) -> Vec<Named> {
    let input = document.root().get("input");
    let items = input.filter(|input| input.kind() == Kind::Array);
    let items = items.into_iter().flat_map(Node::items);
    let names = items.filter(|it| item::kind(*it) == "item_reference");
    let name = |it: Node<'_>| {
        let id = it.get("id")?.str()?;
        let ours = canon::answer_of(&id);
        Some(Named {
            is_providers: ours.is_none(),
            answer: ours.or_else(|| answer_of(&id))?,
            id: id.into_owned(),
            at: it.span(),
        })
    };
    names.filter_map(name).collect()
}

/// The items themselves, each beside the place of its name.
#[derive(Debug)]
pub struct Spelling {
    edits: Vec<(Span, Bytes)>,
}

impl Spelling {
    /// How long a text of `length` gets by it: an item may be named any number
    /// of times.
    #[must_use]
    pub fn grown(&self, length: usize) -> usize {
        let more = self.edits.iter().map(|(_, item)| item.len());
        more.fold(length, usize::saturating_add)
    }

    /// The request with the items in place of their names.
    #[must_use]
    pub fn written(&self, document: &Document) -> Bytes {
        let edits = self.edits.iter().map(|(span, item)| (*span, &item[..]));
        edited(document.bytes(), &edits.collect::<Vec<_>>())
    }
}

/// What stands for the names, out of these turns by the ids of their answers.
///
/// # Errors
/// The id of an item that is in none of them.
pub fn spelling<'a>(
    named: impl IntoIterator<Item = &'a Named>,
    turns: &HashMap<String, Past>,
) -> Result<Spelling, &'a str> {
    let mut items: HashMap<String, Bytes> = HashMap::new();
    for past in turns.values() {
        collect(&past.input, |root| Some(root), &mut items);
        collect(&past.answer, |root| root.get("output"), &mut items);
    }
    let mut edits = Vec::new();
    for name in named {
        let item = items.get(&name.id).ok_or(name.id.as_str())?;
        edits.push((name.at, item.clone()));
    }
    Ok(Spelling { edits })
}

/// The ids of the items of an answer.
#[must_use]
pub fn item_ids(answer: &Bytes) -> Vec<String> {
    let mut items = HashMap::new();
    collect(answer, |root| root.get("output"), &mut items);
    items.into_keys().collect()
}

/// Adds the items of a kept text by their ids.
fn collect(
    text: &Bytes,
    list: impl FnOnce(Node<'_>) -> Option<Node<'_>>,
    into: &mut HashMap<String, Bytes>,
) {
    let Ok(document) = Document::parse(text.clone(), usize::MAX) else {
        return;
    };
    for it in list(document.root()).into_iter().flat_map(Node::items) {
        if let Some(id) = it.get("id").and_then(Node::str) {
            into.insert(id.into_owned(), Bytes::copy_from_slice(&item::told(it)));
        }
    }
}
