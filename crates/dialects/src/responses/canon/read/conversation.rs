//! The items of a conversation, gathered into messages.

use std::collections::BTreeMap;

use domain::canon::{Block, Message, Role, ToolCall, ToolResult};
use domain::refusal::Refusal;

use super::super::fields::{
    array, member, missing, object, optional, required, text, type_of, unknown, wrong,
};
use super::super::{emulated, item};
use super::part;
use crate::json::Node;

/// Reads `input` behind what `messages` holds already.
pub(super) fn read(input: Node<'_>, ttl: &str, messages: &mut Vec<Message>) -> Result<(), Refusal> {
    if let Some(text) = input.str() {
        messages.push(Message::new(Role::User, vec![Block::text(text)]));
        return Ok(());
    }
    let mut reader = Reader {
        ttl,
        messages,
        calls: BTreeMap::new(),
    };
    for (at, item) in array(input, "input")?.items().enumerate() {
        reader.item(item, &format!("input[{at}]"))?;
    }
    Ok(())
}

struct Reader<'a> {
    ttl: &'a str,
    messages: &'a mut Vec<Message>,
    /// The names of the tools that were called, by the call.
    calls: BTreeMap<String, String>,
}

impl Reader<'_> {
    fn item(&mut self, item: Node<'_>, path: &str) -> Result<(), Refusal> {
        let item = object(item, path)?;
        let kind = type_of(item);
        match &*kind {
            "message" => self.message(item, path),
            "" if member(item, "role").is_some() => self.message(item, path),
            "function_call" | "custom_tool_call" => self.call(item, path),
            "function_call_output" | "custom_tool_call_output" => self.result(item, path),
            "reasoning" => {
                self.add(Role::Assistant, Block::Thinking(item::thinking(item)));
                Ok(())
            }
            "" if member(item, "id").is_none() => {
                let what = "say what kind of item it is, such as `message`";
                Err(missing(&format!("{path}.type"), what))
            }
            _ if emulated::item(item).is_some() => {
                self.emulated(emulated::item(item));
                Ok(())
            }
            _ => {
                let is_results = kind.ends_with("_output") || kind == "mcp_approval_response";
                let role = if is_results {
                    Role::Tool
                } else {
                    Role::Assistant
                };
                let name = if kind.is_empty() {
                    "item_reference"
                } else {
                    &kind
                };
                self.add(role, Block::Unknown(unknown(name, item)));
                Ok(())
            }
        }
    }

    fn message(&mut self, item: Node<'_>, path: &str) -> Result<(), Refusal> {
        let role = match &*required(item, "role", path)? {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            _ => {
                let expected = "`user`, `assistant`, `system` or `developer`";
                return Err(wrong(&format!("{path}.role"), expected));
            }
        };
        let content = member(item, "content");
        let path = format!("{path}.content");
        let content = content.ok_or_else(|| missing(&path, "send a text or a list of parts"))?;
        let blocks = part::content(content, self.ttl, &path)?;
        // What the model said behind its reasoning or its calls is the same
        // turn; one message behind another is another one.
        match self.messages.last_mut() {
            Some(last) if role == Role::Assistant && last.role == role && !is_said(last) => {
                last.content.extend(blocks);
            }
            _ => self.messages.push(Message::new(role, blocks)),
        }
        Ok(())
    }

    fn call(&mut self, item: Node<'_>, path: &str) -> Result<(), Refusal> {
        let id = required(item, "call_id", path)?;
        let space = optional(item, "namespace", path)?;
        let name = item::full_name(space.as_deref(), &required(item, "name", path)?);
        let custom = item::call_kind(&type_of(item)) == Some(true);
        let arguments = if custom { "input" } else { "arguments" };
        self.calls.insert(id.clone(), name.clone());
        let call = ToolCall {
            id,
            name,
            arguments: required(item, arguments, path)?,
            custom,
            signature: None,
            cache: None,
        };
        self.add(Role::Assistant, Block::ToolCall(call));
        Ok(())
    }

    fn result(&mut self, item: Node<'_>, path: &str) -> Result<(), Refusal> {
        let call = match member(item, "call_id") {
            Some(call) => text(call, &format!("{path}.call_id"))?,
            None => return Err(missing(&format!("{path}.call_id"), "name the call")),
        };
        let output = member(item, "output");
        let path = format!("{path}.output");
        let output = output.ok_or_else(|| missing(&path, "send what the tool said"))?;
        let result = ToolResult {
            name: self.calls.get(&call).cloned(),
            call,
            content: part::content(output, self.ttl, &path)?,
            is_error: None,
            custom: type_of(item) == "custom_tool_call_output",
            cache: None,
        };
        self.add(Role::Tool, Block::ToolResult(result));
        Ok(())
    }

    /// A call or a result of a built-in tool that the client runs itself.
    fn emulated(&mut self, block: Option<Block>) {
        match block {
            Some(Block::ToolCall(call)) => {
                self.calls.insert(call.id.clone(), call.name.clone());
                self.add(Role::Assistant, Block::ToolCall(call));
            }
            Some(block) => self.add(Role::Tool, block),
            None => {}
        }
    }

    /// Adds to the turn that goes on, or begins one.
    fn add(&mut self, role: Role, block: Block) {
        match self.messages.last_mut() {
            Some(last) if last.role == role => last.content.push(block),
            _ => self.messages.push(Message::new(role, vec![block])),
        }
    }
}

/// Whether a message ends in words.
fn is_said(message: &Message) -> bool {
    matches!(
        message.content.last(),
        Some(Block::Text { .. } | Block::Refusal(_))
    )
}
