//! The blocks of a whole answer.

use domain::canon::{Block, Dialect, Signature, Thinking, ToolCall, Unknown};

use super::ANSWER_TOOL;
use super::citations;
use super::ending::Ending;
use super::fields::{object, raw, unknown, word};
use crate::json::Node;
use crate::translate::Names;

/// A block; none if it says nothing.
pub(super) fn read(node: Node<'_>, names: &Names, ending: &mut Ending) -> Option<Block> {
    if let Some(text) = node.get("text").and_then(Node::str) {
        return (!text.is_empty()).then(|| Block::text(text));
    }
    if let Some(call) = object(node, "toolUse").filter(|call| !is_servers(*call)) {
        return Some(called(call, names, ending));
    }
    if let Some(thought) = object(node, "reasoningContent") {
        return thinking(thought).map(Block::Thinking);
    }
    if let Some(cited) = object(node, "citationsContent") {
        let content = cited.get("content").into_iter().flat_map(Node::items);
        let citations = cited.get("citations").into_iter().flat_map(Node::items);
        let text: String = content.map(|piece| word(piece, "text")).collect();
        let citations: Vec<Unknown> = citations.map(citations::read).collect();
        let is_empty = text.is_empty() && citations.is_empty();
        return (!is_empty).then_some(Block::Text {
            text,
            citations,
            signature: None,
            cache: None,
        });
    }
    let (name, _, _) = node.entries().next()?;
    Some(unknown(&name, raw(node)).into())
}

/// Whether Bedrock runs the tool itself.
pub(super) fn is_servers(call: Node<'_>) -> bool {
    word(call, "type") == "server_tool_use"
}

fn called(node: Node<'_>, names: &Names, ending: &mut Ending) -> Block {
    let input = node.get("input").filter(|input| !input.is_null());
    let input = input.map_or_else(|| "{}".to_owned(), raw);
    let name = word(node, "name");
    if name == ANSWER_TOOL {
        ending.by_tool = true;
        return Block::text(input);
    }
    ending.calls = true;
    Block::ToolCall(ToolCall {
        id: word(node, "toolUseId"),
        name: names.inward(&name).to_owned(),
        arguments: input,
        custom: false,
        signature: None,
        cache: None,
    })
}

fn thinking(node: Node<'_>) -> Option<Thinking> {
    let hidden = word(node, "redactedContent");
    if !hidden.is_empty() {
        return Some(redacted(&hidden));
    }
    let said = object(node, "reasoningText")?;
    let text = word(said, "text");
    let signature = signed(&word(said, "signature"));
    let is_empty = text.is_empty() && signature.is_none();
    (!is_empty).then_some(Thinking {
        text,
        signature,
        ..Thinking::default()
    })
}

/// A hidden thought.
pub(super) fn redacted(data: &str) -> Thinking {
    Thinking {
        redacted: true,
        signature: signed(data),
        ..Thinking::default()
    }
}

/// Claude alone signs, and its signatures hold at Anthropic, too.
pub(super) fn signed(value: &str) -> Option<Signature> {
    (!value.is_empty()).then(|| Signature {
        family: Dialect::Anthropic,
        value: value.to_owned(),
    })
}
