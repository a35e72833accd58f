//! A provider's answer.

use domain::canon::{Answer, Block, Choice, Fault, Json, Stop, ToolCall, Unknown};
use domain::usage::Usage;

use super::super::fields::{loose, member, type_of, unknown};
use super::super::{fault, item, usage};
use crate::json::{Document, Kind, Node};
use crate::translate::Names;

/// Members of a response that say what was asked, or that stand elsewhere in
/// the canonical form.
const KNOWN: [&str; 37] = [
    "access_programs",
    "background",
    "billing",
    "completed_at",
    "conversation",
    "created_at",
    "error",
    "frequency_penalty",
    "id",
    "image",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "object",
    "output",
    "output_text",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "status",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
];

/// Reads a response that failed: what it says went wrong, and what it has used. None
/// where it is no response, or one that did not fail.
#[must_use]
pub fn read_failure(document: &Document) -> Option<(Fault, Option<Usage>)> {
    let root = document.root();
    if root.kind() != Kind::Object || !has_failed(root) {
        return None;
    }
    let used = member(root, "usage").and_then(usage::read);
    Some((fault::in_stream(root), used))
}

fn has_failed(root: Node<'_>) -> bool {
    let status = loose(root, "status").unwrap_or_default();
    matches!(&*status, "failed" | "cancelled") || member(root, "error").is_some()
}

/// Reads an answer; none where it is no answer, or one that failed.
#[must_use]
pub fn read_answer(document: &Document, names: &Names) -> Option<Answer> {
    let root = document.root();
    let output = member(root, "output").filter(|output| output.kind() == Kind::Array)?;
    if has_failed(root) {
        return None;
    }
    let mut content = Vec::new();
    let mut logprobs = Vec::new();
    for item in output.items() {
        item_blocks(item, names, &mut content);
        logprobs.extend(tokens_of(item));
    }
    Some(Answer {
        id: loose(root, "id").unwrap_or_default(),
        model: loose(root, "model").unwrap_or_default(),
        created: created(root),
        usage: member(root, "usage").and_then(usage::read),
        rest: others(root).collect(),
        choices: vec![Choice {
            stop: stop_of(root, Seen::of(&content)),
            content,
            logprobs: joined(&logprobs),
        }],
    })
}

/// Members that the canonical form does not know.
pub(in super::super) fn others(root: Node<'_>) -> impl Iterator<Item = Unknown> {
    let others = root.entries().filter(|(key, _, value)| {
        let is_known =
            KNOWN.contains(&&**key) || ["usage", "user", "service_tier"].contains(&&**key);
        !is_known && !value.is_null()
    });
    others.map(|(key, _, value)| unknown(key, value))
}

/// `created_at`, which some write with a fraction.
pub(in super::super) fn created(root: Node<'_>) -> Option<i64> {
    let raw = String::from_utf8_lossy(member(root, "created_at")?.raw());
    let whole = raw.split('.').next()?;
    whole.parse().ok()
}

/// The blocks of an item.
pub(in super::super) fn item_blocks(node: Node<'_>, names: &Names, out: &mut Vec<Block>) {
    let kind = type_of(node);
    if let Some(custom) = item::call_kind(&kind) {
        let name = loose(node, "name").unwrap_or_default();
        let space = loose(node, "namespace");
        let name = item::full_name(space.as_deref(), names.inward(&name));
        let key = if custom { "input" } else { "arguments" };
        let id = loose(node, "call_id").or_else(|| loose(node, "id"));
        out.push(Block::ToolCall(ToolCall {
            id: id.unwrap_or_default(),
            name,
            arguments: loose(node, key).unwrap_or_default(),
            custom,
            signature: None,
            cache: None,
        }));
        return;
    }
    match &*kind {
        "message" => {
            let parts = member(node, "content").into_iter().flat_map(Node::items);
            out.extend(parts.map(part));
        }
        "reasoning" => out.push(Block::Thinking(item::thinking(node))),
        _ => out.push(Block::Unknown(unknown(kind, node))),
    }
}

fn part(part: Node<'_>) -> Block {
    let kind = type_of(part);
    match &*kind {
        "output_text" | "text" => Block::Text {
            text: loose(part, "text").unwrap_or_default(),
            citations: item::citations(part),
            signature: None,
            cache: None,
        },
        "refusal" => Block::Refusal(loose(part, "refusal").unwrap_or_default()),
        _ => Block::Unknown(unknown(kind, part)),
    }
}

/// What an answer holds that says why it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Seen {
    pub(in super::super) calls: u32,
    pub(in super::super) refusals: u32,
}

impl Seen {
    /// Of these blocks.
    pub(in super::super) fn of(content: &[Block]) -> Self {
        let mut seen = Self::default();
        for block in content {
            match block {
                Block::ToolCall(_) => seen.calls += 1,
                Block::Refusal(_) => seen.refusals += 1,
                _ => {}
            }
        }
        seen
    }
}

/// Why it ends; none where it goes on.
pub(in super::super) fn stop_of(root: Node<'_>, seen: Seen) -> Option<Stop> {
    match &*loose(root, "status").unwrap_or_else(|| "completed".to_owned()) {
        "completed" if seen.calls > 0 => Some(Stop::ToolCalls),
        "completed" if seen.refusals > 0 => Some(Stop::Refused),
        "completed" => Some(Stop::End),
        "incomplete" => {
            let details = member(root, "incomplete_details");
            let reason = details.and_then(|details| loose(details, "reason"));
            Some(match reason.as_deref() {
                Some("content_filter") => Stop::Filtered,
                Some("max_output_tokens") | None => Stop::Length,
                Some(other) => Stop::Other(other.to_owned()),
            })
        }
        _ => None,
    }
}

/// The tokens with log probabilities of a message, each as it is.
pub(in super::super) fn tokens_of(item: Node<'_>) -> Vec<String> {
    let parts = member(item, "content").into_iter().flat_map(Node::items);
    let lists = parts.filter_map(|part| member(part, "logprobs"));
    let tokens = lists.flat_map(Node::items);
    tokens
        .map(|token| String::from_utf8_lossy(token.raw()).into_owned())
        .collect()
}

/// Log probabilities in the shape of chat completions.
pub(in super::super) fn joined(tokens: &[String]) -> Option<Json> {
    let has_some = !tokens.is_empty();
    has_some.then(|| Json::trusted(format!(r#"{{"content":[{}]}}"#, tokens.join(","))))
}
