//! A whole answer, read.

use domain::canon::{Answer, Block, Choice, Thinking, ToolCall};

use super::said::{Calls, Ending, citation, ending, logprobs, usage};
use crate::json::{Document, Kind, Node};
use crate::translate::fields::{member, text, whole};
use crate::translate::functions::ANSWER_TOOL;
use crate::translate::{Names, ids};

/// Reads a whole answer; `None` if it is none of this dialect, or an error.
#[must_use]
pub fn read_answer(document: &Document, names: &Names) -> Option<Answer> {
    let root = document.root();
    let message = member(root, "message").filter(|message| message.kind() == Kind::Object)?;
    let id = text(root, "id").unwrap_or_default().into_owned();
    let mut content = Vec::new();
    if let Some(plan) = text(message, "tool_plan") {
        content.push(thinking(&plan));
    }
    let before = content.len();
    if let Some(said) = member(message, "content") {
        read_said(said, &mut content);
    }
    if let Some(citations) = member(message, "citations") {
        cite(content.get_mut(before..)?, citations);
    }
    let calls = member(message, "tool_calls");
    let mut has_calls = Calls::None;
    for (nth, call) in calls.into_iter().flat_map(Node::items).enumerate() {
        match read_call(call, || ids::made(&id, (0, nth)), names) {
            Some(call) if call.name == ANSWER_TOOL => content.push(Block::text(call.arguments)),
            Some(call) => {
                has_calls = Calls::Some;
                content.push(Block::ToolCall(call));
            }
            None => {}
        }
    }
    let reason = text(root, "finish_reason");
    let stop = match reason.map(|reason| ending(&reason, has_calls)) {
        None => None,
        Some(Ending::Stop(stop)) => Some(stop),
        Some(Ending::Failed(_)) => return None,
    };
    let logprobs = member(root, "logprobs").map(|items| logprobs(items.items()));
    Some(Answer {
        id,
        choices: vec![Choice {
            content,
            stop,
            logprobs,
        }],
        usage: member(root, "usage").and_then(usage),
        ..Answer::default()
    })
}

fn thinking(text: &str) -> Block {
    Block::Thinking(Thinking {
        text: text.to_owned(),
        ..Thinking::default()
    })
}

/// Reads `content`: a list of parts, or a text.
fn read_said(said: Node<'_>, content: &mut Vec<Block>) {
    if let Some(text) = said.str().filter(|text| !text.is_empty()) {
        content.push(Block::text(text));
    }
    for part in said.items() {
        if let Some(thought) = text(part, "thinking") {
            content.push(thinking(&thought));
        } else if let Some(words) = text(part, "text") {
            content.push(Block::text(words));
        }
    }
}

/// Citations stand beside the parts and say in which of them they are; here
/// they belong to it, or to the last text.
fn cite(content: &mut [Block], citations: Node<'_>) {
    for node in citations.items() {
        let Some(citation) = citation(node) else {
            continue;
        };
        let nth = whole(node, "content_index").and_then(|nth| usize::try_from(nth).ok());
        let is_text = |block: &Block| matches!(block, Block::Text { .. });
        let at = nth
            .filter(|nth| content.get(*nth).is_some_and(is_text))
            .or_else(|| content.iter().rposition(is_text));
        if let Some(Block::Text { citations, .. }) = at.and_then(|at| content.get_mut(at)) {
            citations.push(citation);
        }
    }
}

fn read_call(call: Node<'_>, id: impl Fn() -> String, names: &Names) -> Option<ToolCall> {
    let function = member(call, "function")?;
    let name = text(function, "name")?;
    Some(ToolCall {
        id: text(call, "id").map_or_else(id, |id| id.into_owned()),
        name: names.inward(&name).to_owned(),
        arguments: text(function, "arguments").unwrap_or_default().into_owned(),
        custom: false,
        signature: None,
        cache: None,
    })
}
