//! A whole answer, read.

use domain::canon::{Answer, Block, Choice, Thinking, ToolCall};

use super::said::{calls, logprobs, stop, usage};
use crate::json::{Document, Kind};
use crate::translate::Names;
use crate::translate::fields::{member, text};

/// Reads a whole answer; `None` if it is none of this dialect, or not whole.
#[must_use]
pub fn read_answer(document: &Document, names: &Names) -> Option<Answer> {
    let root = document.root();
    let message = member(root, "message").filter(|message| message.kind() == Kind::Object)?;
    if member(root, "error").is_some() {
        return None;
    }
    let mut content = Vec::new();
    if let Some(thoughts) = text(message, "thinking") {
        content.push(Block::Thinking(Thinking {
            text: thoughts.into_owned(),
            ..Thinking::default()
        }));
    }
    if let Some(words) = text(message, "content") {
        content.push(Block::text(words));
    }
    let mut made = 0;
    for call in calls(root, message, 0, names) {
        made += 1;
        content.push(Block::ToolCall(ToolCall {
            id: call.id,
            name: call.name,
            arguments: call.arguments,
            custom: false,
            signature: None,
            cache: None,
        }));
    }
    Some(Answer {
        model: text(root, "model").unwrap_or_default().into_owned(),
        choices: vec![Choice {
            content,
            stop: Some(stop(root, made)?),
            logprobs: logprobs(root),
        }],
        usage: usage(root),
        ..Answer::default()
    })
}
