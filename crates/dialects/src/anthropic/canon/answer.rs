//! A provider's whole answer.

use domain::canon::{Answer, Block, Choice, Thinking, ToolCall};

use super::ANSWER_TOOL;
use super::blocks::{citation, redacted};
use super::ending::Ending;
use super::fields::{raw, unknown, word};
use super::signature;
use crate::json::{Document, Kind, Node};
use crate::translate::Names;

/// Reads an answer; none if it is no message of Anthropic's.
#[must_use]
pub fn read_answer(document: &Document, names: &Names) -> Option<Answer> {
    let root = document.root();
    let content = root.get("content").filter(|it| it.kind() == Kind::Array)?;
    let kind = root.get("type").and_then(Node::str);
    if kind.is_some_and(|kind| kind != "message") {
        return None;
    }
    let mut ending = Ending::default();
    ending.take(root);
    let mut blocks = Vec::new();
    for node in content.items().filter(|it| it.kind() == Kind::Object) {
        blocks.push(block(node, names, &mut ending));
    }
    Some(Answer {
        id: word(root, "id"),
        model: word(root, "model"),
        created: None,
        choices: vec![Choice {
            content: blocks,
            stop: ending.stop(),
            logprobs: None,
        }],
        usage: ending.counts.usage(),
        rest: ending.rest(),
    })
}

fn block(node: Node<'_>, names: &Names, ending: &mut Ending) -> Block {
    let kind = word(node, "type");
    match kind.as_str() {
        "text" => {
            let citations = node.get("citations").into_iter().flat_map(Node::items);
            Block::Text {
                text: word(node, "text"),
                citations: citations.map(citation).collect(),
                signature: None,
                cache: None,
            }
        }
        "thinking" => Block::Thinking(thinking(node)),
        "redacted_thinking" => redacted(&word(node, "data")),
        "tool_use" => {
            let input = node.get("input").filter(|input| !input.is_null());
            let input = input.map_or_else(|| "{}".to_owned(), raw);
            let name = word(node, "name");
            if name == ANSWER_TOOL {
                ending.by_tool = true;
                return Block::text(input);
            }
            ending.calls = true;
            Block::ToolCall(ToolCall {
                id: word(node, "id"),
                name: names.inward(&name).to_owned(),
                arguments: input,
                custom: false,
                signature: None,
                cache: None,
            })
        }
        _ => unknown(&kind, node).into(),
    }
}

/// A thought that shows.
pub(super) fn thinking(node: Node<'_>) -> Thinking {
    let mut thinking = Thinking {
        text: word(node, "thinking"),
        ..Thinking::default()
    };
    signature::inward(&mut thinking, &word(node, "signature"));
    thinking
}
