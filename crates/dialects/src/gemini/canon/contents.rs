//! Reading contents: who speaks, and which result answers which call.
//!
//! Google pairs calls and results by name and order; ids may be missing. They
//! are made here, by position and so the same in every turn.

use std::collections::VecDeque;

use domain::canon::{Block, Message, Role, ToolCall, ToolResult};
use domain::refusal::Refusal;

use super::fields::{Fields, wrong};
use super::{MADE_ID, parts};
use crate::json::Node;

/// Reads contents one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// What was read.
    pub(super) messages: Vec<Message>,
    /// How many ids were made.
    made: usize,
    /// Calls of the last model's turn that nobody has answered: name, id.
    open: VecDeque<(String, String)>,
}

impl Reader {
    /// Reads one content.
    ///
    /// # Errors
    /// A member is missing or has a wrong type.
    pub(super) fn content(&mut self, node: Node<'_>, path: String) -> Result<(), Refusal> {
        let mut content = Fields::of(node, path)?;
        let role = match content.string("role")?.as_deref() {
            None | Some("" | "user") => Role::User,
            Some("model") => Role::Assistant,
            Some("function" | "tool") => Role::Tool,
            Some("system") => Role::System,
            Some(_) => return Err(wrong(&content.at("role"), "`user` or `model`")),
        };
        let path = content.at("parts");
        let mut blocks = Vec::new();
        if role == Role::Assistant && !self.is_models_turn() {
            self.open.clear();
        }
        for (at, part) in content.list("parts")?.into_iter().enumerate() {
            let mut block = parts::read(part, &format!("{path}[{at}]"))?;
            match &mut block {
                Block::ToolCall(call) => self.name_call(call),
                Block::ToolResult(result) => self.name_result(result),
                _ => {}
            }
            blocks.push(block);
        }
        self.add(role, blocks);
        Ok(())
    }

    fn is_models_turn(&self) -> bool {
        let last = self.messages.last();
        last.is_some_and(|message| message.role == Role::Assistant)
    }

    /// Results stand in messages of their own. What the model says at once is
    /// one message: Google's SDKs keep each piece of a stream as a content, an
    /// empty one at the end too.
    fn add(&mut self, role: Role, blocks: Vec<Block>) {
        if role == Role::Assistant {
            match self.messages.last_mut() {
                Some(last) if last.role == role => {
                    last.content.extend(blocks.into_iter().filter(says));
                }
                _ => self.messages.push(Message::new(role, blocks)),
            }
            return;
        }
        let is_empty = blocks.is_empty();
        let other = if role == Role::Tool { Role::User } else { role };
        let first = self.messages.len();
        for block in blocks {
            let role = match block {
                Block::ToolResult(_) => Role::Tool,
                _ => other,
            };
            match self.messages.get_mut(first..).and_then(<[_]>::last_mut) {
                Some(last) if last.role == role => last.content.push(block),
                _ => self.messages.push(Message::new(role, vec![block])),
            }
        }
        if is_empty {
            self.messages.push(Message::new(other, Vec::new()));
        }
    }

    fn make_id(&mut self) -> String {
        let id = format!("{MADE_ID}{}", self.made);
        self.made += 1;
        id
    }

    fn name_call(&mut self, call: &mut ToolCall) {
        if call.id.is_empty() {
            call.id = self.make_id();
        }
        self.open.push_back((call.name.clone(), call.id.clone()));
    }

    /// Finds the call that it answers: by its id, else the first of its name,
    /// else the first that waits.
    fn name_result(&mut self, result: &mut ToolResult) {
        let name = result.name.as_deref().unwrap_or_default();
        let by_id = || self.open.iter().position(|(_, id)| *id == result.call);
        let by_name = || self.open.iter().position(|(known, _)| known == name);
        let is_made = |at: &usize| {
            let call = self.open.get(*at);
            call.is_some_and(|(_, id)| result.call.is_empty() || id.starts_with(MADE_ID))
        };
        let found = by_id().or_else(|| by_name().filter(is_made));
        let found = match found {
            None if result.call.is_empty() && !self.open.is_empty() => Some(0),
            found => found,
        };
        match found.and_then(|at| self.open.remove(at)) {
            Some((_, id)) => result.call = id,
            None if result.call.is_empty() => result.call = self.make_id(),
            None => {}
        }
    }
}

/// Whether a block is more than an empty text.
fn says(block: &Block) -> bool {
    match block {
        Block::Text {
            text, signature, ..
        } => !text.is_empty() || signature.is_some(),
        _ => true,
    }
}
