//! A client's request.

use domain::canon::{Block, Effort, Format, Json, Message, Reasoning, Request, Role, Unknown};
use domain::refusal::{Reason, Refusal};

use super::blocks::{Calls, content};
use super::fields::{
    Read, array, flag, json, missing, needed, object, part, path, raw, string, there, unknown,
    whole, wrong,
};
use super::{signature, tools};
use crate::json::{Document, Kind, Node};

/// The members that the canonical form knows.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "system",
    "max_tokens",
    "metadata",
    "output_config",
    "output_format",
    "service_tier",
    "stop_sequences",
    "stream",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Reads a client's request. `max_tokens` may be missing: requests that only
/// count tokens have none.
///
/// # Errors
/// A member is missing or has a wrong type.
pub fn read_request(document: &Document) -> Result<Request, Refusal> {
    let root = document.root();
    if root.kind() != Kind::Object {
        let message = "The body must be a JSON object.";
        return Err(Refusal::new(Reason::BadJson, message));
    }
    let model = string(root, "model", "")?.filter(|name| !name.is_empty());
    let stream = flag(root, "stream", "")?.unwrap_or(false);
    let (tool_choice, parallel_tools) = tools::read_choice(root)?;
    let mut request = Request {
        model: model.ok_or_else(|| missing("model", "name the model to use"))?,
        messages: conversation(root)?,
        tools: tools::read(root)?,
        tool_choice,
        parallel_tools,
        max_tokens: whole(root, "max_tokens", "")?,
        temperature: part(root, "temperature")?,
        top_p: part(root, "top_p")?,
        top_k: match whole(root, "top_k", "")? {
            Some(_) => there(root, "top_k").map(json),
            None => None,
        },
        stop: stops(root)?,
        stream,
        stream_usage: stream,
        user: match object(root, "metadata", "")? {
            Some(metadata) => string(metadata, "user_id", "metadata")?,
            None => None,
        },
        service_tier: string(root, "service_tier", "")?,
        ..Request::default()
    };
    let others = root
        .entries()
        .filter(|(key, _, value)| !KNOWN.contains(&&**key) && !value.is_null());
    request.rest = others.map(|(key, _, value)| unknown(&key, value)).collect();
    think(root, &mut request)?;
    shape(root, &mut request)?;
    Ok(request)
}

fn conversation(root: Node<'_>) -> Read<Vec<Message>> {
    let mut calls = Calls::new();
    let mut out = Vec::new();
    if let Some(system) = root.get("system").filter(|value| !value.is_null()) {
        let content = content(system, "system", &mut calls)?;
        if !content.is_empty() {
            out.push(Message::new(Role::System, content));
        }
    }
    let messages = array(root, "messages", "")?
        .ok_or_else(|| missing("messages", "send the conversation as an array of messages"))?;
    if messages.items().next().is_none() {
        return Err(wrong("messages", "at least one message"));
    }
    for (index, message) in messages.items().enumerate() {
        let at = format!("messages[{index}]");
        if message.kind() != Kind::Object {
            return Err(wrong(&at, "an object"));
        }
        let role = match needed(message, "role", &at)?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => {
                let at = path(&at, "role");
                return Err(wrong(&at, "`user`, `assistant` or `system`"));
            }
        };
        let at = path(&at, "content");
        let said = message.get("content").filter(|value| !value.is_null());
        let said = said.ok_or_else(|| missing(&at, "say something or leave the message out"))?;
        let blocks = content(said, &at, &mut calls)?;
        match role {
            Role::User => split(blocks, &mut out),
            Role::Assistant => out.push(Message::new(role, signature::to_calls(blocks))),
            _ => out.push(Message::new(role, blocks)),
        }
    }
    Ok(out)
}

/// Tools' results, and what the operator says in between, stand in messages of
/// their own in the canonical form.
fn split(blocks: Vec<Block>, out: &mut Vec<Message>) {
    let mut run: Option<Message> = None;
    let is_empty = blocks.is_empty();
    for block in blocks {
        let (role, block) = match block {
            Block::ToolResult(_) => (Role::Tool, block),
            Block::Unknown(own) if own.name == OPERATOR => {
                out.extend(run.take());
                out.push(Message::new(Role::System, operator(&own)));
                continue;
            }
            block => (Role::User, block),
        };
        match &mut run {
            Some(message) if message.role == role => message.content.push(block),
            _ => out.extend(run.replace(Message::new(role, vec![block]))),
        }
    }
    out.extend(run);
    if is_empty {
        out.push(Message::new(Role::User, Vec::new()));
    }
}

/// A block by which older SDKs let the operator speak in a user's message.
const OPERATOR: &str = "mid_conv_system";

fn operator(own: &Unknown) -> Vec<Block> {
    let bytes = bytes::Bytes::copy_from_slice(own.raw.as_str().as_bytes());
    let read = Document::parse(bytes, super::DEPTH).ok();
    let said = read.as_ref().and_then(|read| read.root().get("content"));
    let said = said.and_then(|said| content(said, "content", &mut Calls::new()).ok());
    said.unwrap_or_default()
}

fn stops(root: Node<'_>) -> Read<Vec<String>> {
    let stops = array(root, "stop_sequences", "")?;
    let stops = stops.into_iter().flat_map(Node::items).enumerate();
    let read = |(index, stop): (usize, Node<'_>)| {
        let text = stop.str().map(std::borrow::Cow::into_owned);
        text.ok_or_else(|| wrong(&format!("stop_sequences[{index}]"), "a string"))
    };
    stops.map(read).collect()
}

/// `thinking` and `output_config.effort`.
fn think(root: Node<'_>, request: &mut Request) -> Read<()> {
    let effort = match object(root, "output_config", "")? {
        Some(config) => string(config, "effort", "output_config")?,
        None => None,
    };
    let mut reasoning = Reasoning {
        effort: effort.as_deref().map(effort_of).transpose()?,
        ..Reasoning::default()
    };
    let Some(thinking) = object(root, "thinking", "")? else {
        request.reasoning = effort.is_some().then_some(reasoning);
        return Ok(());
    };
    match needed(thinking, "type", "thinking")?.as_str() {
        "enabled" => {
            let budget = whole(thinking, "budget_tokens", "thinking")?;
            let what = "say how many tokens it may think, at least 1024";
            let budget = budget.ok_or_else(|| missing("thinking.budget_tokens", what))?;
            reasoning.budget = Some(budget);
        }
        "adaptive" => reasoning.adaptive = true,
        // What effort says beside it is of words, not of thought.
        "disabled" | "between_tools" => reasoning.effort = Some(Effort::None),
        _ => {
            let expected = "`enabled`, `adaptive`, `between_tools` or `disabled`";
            return Err(wrong("thinking.type", expected));
        }
    }
    reasoning.summary = match string(thinking, "display", "thinking")?.as_deref() {
        Some("omitted") => Some("none".to_owned()),
        Some(_) => Some("auto".to_owned()),
        None => None,
    };
    request.reasoning = Some(reasoning);
    Ok(())
}

fn effort_of(word: &str) -> Read<Effort> {
    Ok(match word {
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        _ => {
            let expected = "`low`, `medium`, `high`, `xhigh` or `max`";
            return Err(wrong("output_config.effort", expected));
        }
    })
}

/// `output_config.format`, by its older name `output_format`, and what else
/// `output_config` may hold.
fn shape(root: Node<'_>, request: &mut Request) -> Read<()> {
    let config = object(root, "output_config", "")?;
    let format = match config {
        Some(config) => object(config, "format", "output_config")?,
        None => None,
    };
    let format = match format {
        Some(format) => Some((format, "output_config.format")),
        None => object(root, "output_format", "")?.map(|format| (format, "output_format")),
    };
    if let Some((format, at)) = format {
        request.format = Some(read_format(format, at)?);
    }
    let others: Vec<(String, String)> = config
        .into_iter()
        .flat_map(Node::entries)
        .filter(|(key, _, value)| !matches!(&**key, "effort" | "format") && !value.is_null())
        .map(|(key, _, value)| (key.into_owned(), raw(value)))
        .collect();
    if !others.is_empty() {
        let raw = crate::json::object(|o| {
            for (key, value) in &others {
                o.raw(key, value);
            }
        });
        keep_config(request, raw);
    }
    Ok(())
}

fn read_format(format: Node<'_>, at: &str) -> Read<Format> {
    if needed(format, "type", at)? != "json_schema" {
        return Err(wrong(&path(at, "type"), "`json_schema`"));
    }
    let schema = object(format, "schema", at)?;
    let schema = schema.ok_or_else(|| missing(&path(at, "schema"), "send a JSON Schema"))?;
    Ok(Format::Schema {
        name: string(format, "name", at)?,
        description: None,
        schema: json(schema),
        strict: Some(true),
    })
}

fn keep_config(request: &mut Request, raw: Vec<u8>) {
    let raw = Json::trusted(String::from_utf8_lossy(&raw));
    let kept = Unknown::new(domain::canon::Dialect::Anthropic, "output_config", raw);
    request.rest.push(kept);
}
