//! Blocks of a client's messages.

use domain::canon::{Block, Thinking, ToolCall, ToolResult};

use super::fields::{
    Read, array, cache, flag, missing, needed, object, path, raw, string, unknown, wrong,
};
use super::{media, signature};
use crate::json::{Kind, Node};

/// The calls that were made so far: id and name.
pub(super) type Calls = Vec<(String, String)>;

/// A message's content: a text or blocks.
pub(super) fn content(node: Node<'_>, at: &str, calls: &mut Calls) -> Read<Vec<Block>> {
    match node.kind() {
        Kind::String => Ok(vec![Block::text(node.str().unwrap_or_default())]),
        Kind::Array => node
            .items()
            .enumerate()
            .map(|(index, item)| block(item, &format!("{at}[{index}]"), calls))
            .collect(),
        _ => Err(wrong(at, "a string or an array of blocks")),
    }
}

/// One block.
fn block(node: Node<'_>, at: &str, calls: &mut Calls) -> Read<Block> {
    if node.kind() != Kind::Object {
        return Err(wrong(at, "a block: an object with a `type`"));
    }
    let kind = needed(node, "type", at)?;
    Ok(match kind.as_str() {
        "text" => text(node, at)?,
        "image" | "document" => match media::read(node, &kind, at)? {
            Some(media) => Block::Media(media),
            None => unknown(&kind, node).into(),
        },
        "thinking" => {
            let mut thinking = Thinking {
                text: needed(node, "thinking", at)?,
                ..Thinking::default()
            };
            // Clients drop what is empty.
            let signature = string(node, "signature", at)?.unwrap_or_default();
            signature::inward(&mut thinking, &signature);
            Block::Thinking(thinking)
        }
        "redacted_thinking" => redacted(&needed(node, "data", at)?),
        "tool_use" => call(node, at, calls)?,
        "tool_result" => result(node, at, calls)?,
        _ => unknown(&kind, node).into(),
    })
}

/// A hidden thought.
pub(super) fn redacted(data: &str) -> Block {
    let mut thinking = Thinking {
        redacted: true,
        ..Thinking::default()
    };
    signature::inward(&mut thinking, data);
    Block::Thinking(thinking)
}

fn text(node: Node<'_>, at: &str) -> Read<Block> {
    let citations = array(node, "citations", at)?;
    let citations = citations.into_iter().flat_map(Node::items);
    Ok(Block::Text {
        text: needed(node, "text", at)?,
        citations: citations.map(citation).collect(),
        signature: None,
        cache: cache(node, at)?,
    })
}

/// A citation, as it is.
pub(super) fn citation(node: Node<'_>) -> domain::canon::Unknown {
    let kind = node.get("type").and_then(Node::str).unwrap_or_default();
    unknown(&kind, node)
}

fn call(node: Node<'_>, at: &str, calls: &mut Calls) -> Read<Block> {
    let input = object(node, "input", at)?;
    let input = input.ok_or_else(|| missing(&path(at, "input"), "it must be an object"))?;
    let call = ToolCall {
        id: needed(node, "id", at)?,
        name: needed(node, "name", at)?,
        arguments: raw(input),
        custom: false,
        signature: None,
        cache: cache(node, at)?,
    };
    calls.push((call.id.clone(), call.name.clone()));
    Ok(Block::ToolCall(call))
}

fn result(node: Node<'_>, at: &str, calls: &mut Calls) -> Read<Block> {
    let call = needed(node, "tool_use_id", at)?;
    let name = calls.iter().rev().find(|(id, _)| *id == call);
    let name = name.map(|(_, name)| name.clone());
    let said = node.get("content").filter(|value| !value.is_null());
    let content = match said {
        Some(value) => content(value, &path(at, "content"), calls)?,
        None => Vec::new(),
    };
    Ok(Block::ToolResult(ToolResult {
        call,
        name,
        content,
        is_error: flag(node, "is_error", at)?,
        custom: false,
        cache: cache(node, at)?,
    }))
}
