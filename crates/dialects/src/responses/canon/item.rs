//! Items that stand in requests and in answers: reasoning and calls.

use domain::canon::{Delta, Dialect, Thinking, Unknown};

use super::fields::{loose, member, unknown};
use super::{ids, seal};
use crate::json::Node;

/// Between a namespace and its tool's name. No name holds it, and targets get
/// it mapped as every letter that they do not take.
const NAMESPACE: char = '\u{1f}';

/// What stands between the parts of a summary.
pub(super) const BREAK: &str = "\n\n";

/// A tool's whole name: with its namespace, where it stands in one.
pub(super) fn full_name(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(space) if !space.is_empty() => format!("{space}{NAMESPACE}{name}"),
        _ => name.to_owned(),
    }
}

/// A whole name's namespace and what the tool is called there.
pub(super) fn split_name(full: &str) -> (Option<&str>, &str) {
    match full.split_once(NAMESPACE) {
        Some((space, name)) => (Some(space), name),
        None => (None, full),
    }
}

/// Whether an item of this type calls a tool of the client's; of a custom one?
pub(super) fn call_kind(kind: &str) -> Option<bool> {
    match kind {
        "function_call" => Some(false),
        "custom_tool_call" => Some(true),
        _ => None,
    }
}

/// Where a thought is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As a summary.
    Summary,
    /// As it is.
    Content,
}

impl Shown {
    /// Of this thought.
    pub(super) fn of(thinking: &Thinking) -> Self {
        match thinking.summary {
            true => Self::Summary,
            false => Self::Content,
        }
    }
}

/// Reads a reasoning item. Its summary is taken, or else the thoughts
/// themselves.
pub(super) fn thinking(item: Node<'_>) -> Thinking {
    let summary = joined(item, "summary");
    let is_summary = !summary.is_empty();
    let sealed = loose(item, "encrypted_content").filter(|sealed| !sealed.is_empty());
    let (signature, redacted) = match sealed.as_deref().map(seal::opened) {
        Some((signature, redacted)) => (Some(signature), redacted),
        None => (None, false),
    };
    Thinking {
        text: match is_summary {
            true => summary,
            false => joined(item, "content"),
        },
        summary: is_summary,
        signature,
        id: loose(item, "id").filter(|id| !id.is_empty() && !ids::is_ours(id)),
        redacted,
    }
}

/// The texts of a list of parts.
fn joined(item: Node<'_>, key: &str) -> String {
    let parts = member(item, key).into_iter().flat_map(Node::items);
    let texts: Vec<String> = parts.filter_map(|part| loose(part, "text")).collect();
    texts.join(BREAK)
}

/// The citations of a text.
pub(super) fn citations(part: Node<'_>) -> Vec<Unknown> {
    let all = member(part, "annotations").into_iter();
    let all = all.flat_map(Node::items);
    all.map(citation).collect()
}

/// One citation.
pub(super) fn citation(annotation: Node<'_>) -> Unknown {
    unknown(super::fields::type_of(annotation), annotation)
}

/// The step that adds it.
pub(super) fn cited(annotation: Node<'_>) -> Delta {
    Delta::Citation(citation(annotation))
}

/// Whether a block of ours is a part of a message, and no item of its own.
pub(super) fn is_part(unknown: &Unknown) -> bool {
    let name = unknown.name.as_str();
    let is_named = name.starts_with("input_") || name.starts_with("output_");
    is_named || matches!(name, "text" | "refusal" | "computer_screenshot" | "")
}

/// Whether it is of this dialect.
pub(super) fn is_own(unknown: &Unknown) -> bool {
    unknown.dialect == Dialect::Responses
}
