//! A request's conversation.

use std::collections::BTreeMap;

use domain::canon::{Block, Message, Role, ToolCall, ToolResult};
use domain::refusal::Refusal;

use super::fields::{Path, items, json, member, missing, needed, object, string, unknown, wrong};
use super::parts::{cache_mark, read_content};
use super::{ids, thoughts};
use crate::json::{Kind, Node};

/// Reads the messages. Results that follow one another become one message.
pub(super) fn read_messages(node: Node<'_>, path: Path<'_>) -> Result<Vec<Message>, Refusal> {
    let mut read = Conversation::default();
    for (at, message) in items(node, path)?.enumerate() {
        read.message(at, object(message, path.at(at))?, path.at(at))?;
    }
    if read.messages.is_empty() {
        return Err(wrong(path, "at least one message"));
    }
    Ok(read.messages)
}

#[derive(Default)]
struct Conversation {
    messages: Vec<Message>,
    /// What was called under an id: the tool's name, and whether it is custom.
    called: BTreeMap<String, (String, bool)>,
    /// The id made for the last call in the old form, which has none.
    last_old: Option<String>,
}

impl Conversation {
    fn message(&mut self, at: usize, node: Node<'_>, path: Path<'_>) -> Result<(), Refusal> {
        let role = needed(node, &path, "role", "say who speaks")?;
        let role = match &*role {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => Role::User,
            "assistant" => return self.assistant(at, node, path),
            "tool" | "function" => return self.result(node, path),
            _ => {
                let expected = "`system`, `developer`, `user`, `assistant` or `tool`";
                return Err(wrong(path.key("role"), expected));
            }
        };
        let content = member(node, "content")
            .ok_or_else(|| missing(path.key("content"), "send a text, or an array of parts"))?;
        let mut content = read_content(content, path.key("content"))?;
        mark_last(&mut content, node);
        self.push(role, content, node, path)
    }

    fn push(
        &mut self,
        role: Role,
        content: Vec<Block>,
        node: Node<'_>,
        path: Path<'_>,
    ) -> Result<(), Refusal> {
        self.messages.push(Message {
            role,
            content,
            name: name(node, path)?,
        });
        Ok(())
    }

    fn assistant(&mut self, at: usize, node: Node<'_>, path: Path<'_>) -> Result<(), Refusal> {
        let thoughts = thoughts::read(node).into_iter().map(Block::Thinking);
        let mut content: Vec<Block> = thoughts.collect();
        if let Some(said) = member(node, "content") {
            let said = read_content(said, path.key("content"))?;
            let has_thoughts = !content.is_empty();
            // Thoughts in both places are the same ones.
            let is_new = |block: &Block| !has_thoughts || !matches!(block, Block::Thinking(_));
            content.extend(said.into_iter().filter(is_new));
        }
        if let Some(refusal) = member(node, "refusal") {
            let refusal = string(refusal, path.key("refusal"))?;
            if !refusal.is_empty() {
                content.push(Block::Refusal(refusal.into_owned()));
            }
        }
        if let Some(audio) = member(node, "audio") {
            content.push(unknown("audio", audio).into());
        }
        mark_last(&mut content, node);
        if let Some(calls) = member(node, "tool_calls") {
            let at = path.key("tool_calls");
            for (nth, call) in items(calls, at)?.enumerate() {
                let call = read_call(object(call, at.at(nth))?, at.at(nth))?;
                self.called
                    .insert(call.id.clone(), (call.name.clone(), call.custom));
                content.push(Block::ToolCall(call));
            }
        }
        if let Some(call) = member(node, "function_call") {
            let path = path.key("function_call");
            let id = ids::made("function_call", 0, at);
            let call = read_function(id, object(call, path)?, path)?;
            self.last_old = Some(call.id.clone());
            self.called
                .insert(call.id.clone(), (call.name.clone(), false));
            content.push(Block::ToolCall(call));
        }
        self.push(Role::Assistant, content, node, path)
    }

    fn result(&mut self, node: Node<'_>, path: Path<'_>) -> Result<(), Refusal> {
        let call = match member(node, "tool_call_id") {
            Some(id) => string(id, path.key("tool_call_id"))?.into_owned(),
            None => self.last_old.clone().ok_or_else(|| {
                let what = "name the call that this is the result of";
                missing(path.key("tool_call_id"), what)
            })?,
        };
        let content = match member(node, "content") {
            Some(content) => read_content(content, path.key("content"))?,
            None => Vec::new(),
        };
        let called = self.called.get(&call);
        let name = name(node, path)?.or_else(|| called.map(|(name, _)| name.clone()));
        let block = Block::ToolResult(ToolResult {
            custom: called.is_some_and(|(_, custom)| *custom),
            call,
            name,
            content,
            is_error: None,
            cache: cache_mark(node),
        });
        match self.messages.last_mut() {
            Some(last) if last.role == Role::Tool => last.content.push(block),
            _ => self.messages.push(Message::new(Role::Tool, vec![block])),
        }
        Ok(())
    }
}

fn name(node: Node<'_>, path: Path<'_>) -> Result<Option<String>, Refusal> {
    let name = member(node, "name").map(|name| string(name, path.key("name")));
    Ok(name.transpose()?.map(Into::into))
}

/// A cache mark that stands on the message belongs to its last block.
fn mark_last(content: &mut [Block], node: Node<'_>) {
    let Some(mark) = cache_mark(node) else {
        return;
    };
    match content.last_mut() {
        Some(Block::Text { cache, .. }) => *cache = Some(mark),
        Some(Block::Media(media)) => media.cache = Some(mark),
        _ => {}
    }
}

fn read_call(node: Node<'_>, path: Path<'_>) -> Result<ToolCall, Refusal> {
    let id = needed(node, &path, "id", "send the id that the call came with")?.into_owned();
    let mut call = if let Some(custom) = member(node, "custom") {
        let path = path.key("custom");
        ToolCall {
            arguments: text_of(object(custom, path)?, "input"),
            name: needed(custom, &path, "name", "name the tool")?.into_owned(),
            custom: true,
            id,
            signature: None,
            cache: None,
        }
    } else {
        let path = path.key("function");
        let function = member(node, "function")
            .ok_or_else(|| missing(path, "send the function's name and its arguments"))?;
        read_function(id, object(function, path)?, path)?
    };
    call.signature = thoughts::call_signature(node);
    call.cache = cache_mark(node);
    Ok(call)
}

fn read_function(id: String, node: Node<'_>, path: Path<'_>) -> Result<ToolCall, Refusal> {
    Ok(ToolCall {
        id,
        name: needed(node, &path, "name", "name the tool")?.into_owned(),
        arguments: text_of(node, "arguments"),
        custom: false,
        signature: None,
        cache: None,
    })
}

/// A string; where somebody sent the JSON that it should hold, that.
pub(super) fn text_of(node: Node<'_>, key: &str) -> String {
    let Some(value) = member(node, key) else {
        return String::new();
    };
    match value.kind() {
        Kind::String => value.str().unwrap_or_default().into_owned(),
        _ => json(value).as_str().to_owned(),
    }
}
