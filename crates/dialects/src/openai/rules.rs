//! System rules, spliced into a request.

use domain::edit::Edit;
use domain::policy::SystemRule;
use domain::refusal::Refusal;

use super::request::{point, wrong};
use crate::Operation;
use crate::json::{Document, Kind, Node, write_escaped, write_string};

/// The edits that put system rules into a request: messages of their own in a
/// chat, the start of each text in a completion. Token arrays and embeddings
/// have no place for a rule.
///
/// # Errors
/// The messages are not an array.
pub fn system_rules(
    op: Operation,
    doc: &Document,
    rules: &[SystemRule],
) -> Result<Vec<Edit>, Refusal> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    match op {
        Operation::Chat => chat_rules(doc, rules),
        Operation::Completion => Ok(doc
            .root()
            .get("prompt")
            .map(|prompt| completion(prompt, rules))
            .unwrap_or_default()),
        Operation::Embedding => Ok(Vec::new()),
    }
}

/// The same of a chat.
///
/// # Errors
/// The messages are not an array.
pub(crate) fn chat_rules(doc: &Document, rules: &[SystemRule]) -> Result<Vec<Edit>, Refusal> {
    let messages = doc
        .root()
        .get("messages")
        .filter(|messages| messages.kind() == Kind::Array)
        .ok_or_else(|| wrong("messages", "an array of messages"))?;
    let (first, last): (Vec<_>, Vec<_>) = rules
        .iter()
        .partition(|rule| matches!(rule, SystemRule::Prepend(_)));
    let own = messages
        .items()
        .take_while(|message| is_system(*message))
        .last();
    let start = messages.inner_span().start;
    let is_empty = messages.items().next().is_none();
    let mut edits = Vec::new();
    let mut at_start = first.iter().map(|rule| message(rule)).collect::<Vec<_>>();
    if let Some(own) = own {
        let mut with = Vec::new();
        for rule in last {
            with.push(b',');
            with.extend_from_slice(&message(rule));
        }
        if !with.is_empty() {
            edits.push(Edit {
                span: point(own.span().end),
                with: with.into(),
            });
        }
    } else {
        at_start.extend(last.into_iter().map(message));
    }
    if !at_start.is_empty() {
        let mut with = at_start.join(&b',');
        if !is_empty {
            with.push(b',');
        }
        edits.insert(
            0,
            Edit {
                span: point(start),
                with: with.into(),
            },
        );
    }
    Ok(edits)
}

fn is_system(message: Node<'_>) -> bool {
    let role = message.get("role").and_then(Node::str);
    matches!(role.as_deref(), Some("system" | "developer"))
}

fn words(rule: &SystemRule) -> &str {
    match rule {
        SystemRule::Prepend(text) | SystemRule::Append(text) => text,
    }
}

fn message(rule: &SystemRule) -> Vec<u8> {
    let mut out = br#"{"role":"system","content":"#.to_vec();
    write_string(&mut out, words(rule));
    out.push(b'}');
    out
}

fn completion(prompt: Node<'_>, rules: &[SystemRule]) -> Vec<Edit> {
    let mut with = Vec::new();
    let (first, last): (Vec<_>, Vec<_>) = rules
        .iter()
        .partition(|rule| matches!(rule, SystemRule::Prepend(_)));
    for rule in first.into_iter().chain(last) {
        write_escaped(&mut with, words(rule));
        with.extend_from_slice(br"\n\n");
    }
    let with = bytes::Bytes::from(with);
    let before = |text: Node<'_>| Edit {
        span: point(text.inner_span().start),
        with: with.clone(),
    };
    match prompt.kind() {
        Kind::String => vec![before(prompt)],
        _ => prompt
            .items()
            .filter(|item| item.kind() == Kind::String)
            .map(before)
            .collect(),
    }
}
