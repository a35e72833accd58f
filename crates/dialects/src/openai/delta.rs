//! The pieces of text that a chunk brings, choice by choice.

use domain::edit::Span;

use super::rooms;
use crate::json::{Document, Kind, Node};
use crate::texts::{Place, collect, decode};

/// The field that a piece of text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The answer.
    Content,
    /// The model's refusal.
    Refusal,
    /// Its reasoning, where it is shown.
    Reasoning,
    /// The arguments of the tool call with this index.
    Arguments(u32),
    /// The text of a completion.
    Text,
    /// Text in a field that has no name of its own here.
    Other,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Which choice.
    pub choice: u32,
    /// Which of its fields.
    pub field: Field,
    /// The piece, decoded.
    pub text: String,
}

/// Its place among its kin, as it says itself.
pub(super) fn index(node: Node<'_>) -> Option<u32> {
    node.get("index")
        .and_then(Node::u64)
        .and_then(|at| u32::try_from(at).ok())
}

/// Whether a choice brings something that is no text: a call, a sound.
pub(super) fn brings(choice: Node<'_>) -> bool {
    let Some(delta) = choice.get("delta") else {
        return false;
    };
    ["tool_calls", "function_call", "audio"].iter().any(|key| {
        delta.get(key).is_some_and(|value| match value.kind() {
            Kind::Array => value.items().next().is_some(),
            kind => kind == Kind::Object,
        })
    })
}

/// The pieces of text of one choice: the fields that have a name, then, since
/// text is the default, every other string. Gives where the last one is.
pub(super) fn read_choice(
    doc: &Document,
    choice: Node<'_>,
    index_of: u32,
    out: &mut Vec<Delta>,
) -> Option<Span> {
    let mut last = None;
    let mut named: Vec<(Span, Field)> = Vec::new();
    let mut name = |node: Option<Node<'_>>, field| {
        if let Some(node) = node.filter(|node| node.kind() == Kind::String) {
            named.push((node.inner_span(), field));
        }
    };
    name(choice.get("text"), Field::Text);
    if let Some(delta) = choice.get("delta") {
        name(delta.get("content"), Field::Content);
        name(delta.get("refusal"), Field::Refusal);
        name(delta.get("reasoning_content"), Field::Reasoning);
        name(delta.get("reasoning"), Field::Reasoning);
        name(delta.get("reasoning_text"), Field::Reasoning);
        let old = delta
            .get("function_call")
            .and_then(|call| call.get("arguments"));
        name(old, Field::Arguments(0));
        for (at, call) in delta
            .get("tool_calls")
            .iter()
            .flat_map(|c| c.items())
            .enumerate()
        {
            let at = index(call).unwrap_or(u32::try_from(at).unwrap_or(u32::MAX));
            let arguments = call.get("function").and_then(|f| f.get("arguments"));
            name(arguments, Field::Arguments(at));
        }
    }
    for text in collect(choice, rooms::CHOICE, Place::Assistant) {
        let field = named.iter().find(|(span, _)| *span == text.span);
        last = Some(text.span);
        out.push(Delta {
            choice: index_of,
            field: field.map_or(Field::Other, |(_, field)| *field),
            text: decode(doc, &text).into_owned(),
        });
    }
    last
}
