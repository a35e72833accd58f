//! Items of a conversation, by their kind.

use std::borrow::Cow;

use crate::json::{Kind, Node};
use crate::responses::canon;

/// What an item is; messages may leave it out.
pub(super) fn kind(item: Node<'_>) -> Cow<'_, str> {
    match item.get("type").and_then(Node::str) {
        Some(kind) => kind,
        None if item.get("role").is_some() => "message".into(),
        None => "item_reference".into(),
    }
}

/// What ids of items of this kind begin with.
fn prefix(kind: &str) -> &'static str {
    match kind {
        "message" => "msg",
        "function_call" => "fc",
        "function_call_output" => "fco",
        "custom_tool_call" => "ctc",
        "custom_tool_call_output" => "ctco",
        "reasoning" => "rs",
        _ => ANY,
    }
}

/// What ids of all other items begin with.
const ANY: &str = "item";

/// An item as it is told on. Providers look at what an id begins with, so one
/// that says nothing of the item's kind is for clients only.
pub(super) fn told(item: Node<'_>) -> Cow<'_, [u8]> {
    let id = item.get("id").and_then(Node::str);
    let is_made_up = id.is_some_and(|id| {
        let rest = id.strip_prefix(ANY).unwrap_or_default();
        rest.starts_with("_in_")
    });
    if !is_made_up {
        return Cow::Borrowed(item.raw());
    }
    let mut out = vec![b'{'];
    for (name, _, value) in item.entries().filter(|(name, _, _)| name != "id") {
        if out.len() > 1 {
            out.push(b',');
        }
        crate::json::write_string(&mut out, &name);
        out.push(b':');
        out.extend_from_slice(value.raw());
    }
    out.push(b'}');
    Cow::Owned(out)
}

/// Adds an item to a list as it is kept: with a type, an id, and its content
/// in parts.
pub(super) fn write(out: &mut Vec<u8>, item: Node<'_>, answer: &str, number: usize) {
    let kind = kind(item);
    let has = |key: &str| item.get(key).is_some_and(|value| !value.is_null());
    out.push(b'{');
    let mut is_first = true;
    let mut key = |out: &mut Vec<u8>, name: &str| {
        if !std::mem::replace(&mut is_first, false) {
            out.push(b',');
        }
        crate::json::write_string(out, name);
        out.push(b':');
    };
    if !has("type") {
        key(out, "type");
        crate::json::write_string(out, &kind);
    }
    if !has("id") {
        key(out, "id");
        // The answer's own items are numbered too.
        let prefix = format!("{}_in", prefix(&kind));
        crate::json::write_string(out, &canon::item_id(&prefix, answer, number));
    }
    for (name, _, value) in item.entries() {
        if matches!(&*name, "type" | "id") && value.is_null() {
            continue;
        }
        key(out, &name);
        match value.kind() {
            Kind::String if name == "content" && kind == "message" => text(out, item, value),
            _ => out.extend_from_slice(value.raw()),
        }
    }
    out.push(b'}');
}

/// A message's text as its only part.
fn text(out: &mut Vec<u8>, message: Node<'_>, text: Node<'_>) {
    let role = message.get("role").and_then(Node::str);
    let is_said = role.as_deref() == Some("assistant");
    out.extend_from_slice(match is_said {
        true => br#"[{"type":"output_text","annotations":[],"text":"#,
        false => br#"[{"type":"input_text","text":"#,
    });
    out.extend_from_slice(text.raw());
    out.extend_from_slice(b"}]");
}

/// What an item of an answer is to another provider, or another account.
pub(super) fn travels(item: Node<'_>) -> bool {
    match &*kind(item) {
        // Sealed for the account that thought it; what we sealed ourselves
        // goes with the model's family.
        "reasoning" => {
            let sealed = item.get("encrypted_content").and_then(Node::str);
            sealed.is_some_and(|sealed| canon::is_sealed(&sealed))
        }
        // Run by the provider itself: the results are there.
        "web_search_call"
        | "file_search_call"
        | "code_interpreter_call"
        | "image_generation_call"
        | "mcp_call"
        | "mcp_list_tools"
        | "item_reference" => false,
        _ => true,
    }
}
