//! What an answer repeats of its request.

use domain::canon::{Block, Json, Request, Role, Tool, Unknown};

use super::super::item::{is_own, split_name};
use super::super::tool;
use super::super::write::{write_reasoning, write_text};
use crate::json::{array, object};
use crate::translate::Names;

/// The members, each with its value.
#[derive(Clone, Debug)]
pub(in super::super) struct Echo {
    pub(in super::super) members: Vec<(&'static str, String)>,
}

impl Echo {
    /// Of this request.
    pub(in super::super) fn of(request: &Request) -> Self {
        let names = Names::default();
        let or_null = |value: Option<&Json>| raw_or(value, "null");
        let kept = |name: &str| {
            let found = request.rest.iter().find(|it| it.name == name && is_own(it));
            found.map(|it| &it.raw)
        };
        let tool_choice = kept("tool_choice").map(|raw| raw.as_str().to_owned());
        let number = |value: Option<u64>| value.map_or("null".to_owned(), |it| it.to_string());
        let mut members = vec![
            ("background", raw_or(kept("background"), "false")),
            ("instructions", instructions(request)),
            ("max_output_tokens", number(request.max_tokens)),
            ("max_tool_calls", or_null(kept("max_tool_calls"))),
            ("metadata", raw_or(request.metadata.as_ref(), "{}")),
            (
                "parallel_tool_calls",
                request.parallel_tools.unwrap_or(true).to_string(),
            ),
            (
                "previous_response_id",
                or_null(kept("previous_response_id")),
            ),
            ("prompt_cache_key", or_null(kept("prompt_cache_key"))),
            ("reasoning", reasoning(request)),
            ("safety_identifier", or_null(kept("safety_identifier"))),
            (
                "service_tier",
                quoted(request.service_tier.as_deref().unwrap_or("default")),
            ),
            ("store", raw_or(kept("store"), "true")),
            ("temperature", raw_or(request.temperature.as_ref(), "1.0")),
            ("text", text(request)),
            (
                "tool_choice",
                tool_choice.unwrap_or_else(|| choice(request, &names)),
            ),
            ("tools", tools(request)),
            (
                "top_logprobs",
                request.top_logprobs.unwrap_or(0).to_string(),
            ),
            ("top_p", raw_or(request.top_p.as_ref(), "1.0")),
            ("truncation", raw_or(kept("truncation"), "\"disabled\"")),
            (
                "user",
                request.user.as_deref().map_or("null".to_owned(), quoted),
            ),
        ];
        if let Some(conversation) = kept("conversation") {
            let raw = conversation.as_str();
            let is_id = raw.starts_with('"');
            let raw = if is_id {
                format!(r#"{{"id":{raw}}}"#)
            } else {
                raw.to_owned()
            };
            members.push(("conversation", raw));
        }
        Self { members }
    }
}

/// Whether the client is answered before a provider is asked: the answer has
/// the gateway's id and time then.
pub(in super::super) fn is_background(request: &Request) -> bool {
    let is_it = |it: &Unknown| it.name == "background" && it.raw.as_str() == "true" && is_own(it);
    request.rest.iter().any(is_it)
}

fn raw_or(value: Option<&Json>, usual: &str) -> String {
    value.map_or(usual, Json::as_str).to_owned()
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    crate::json::write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

fn instructions(request: &Request) -> String {
    let first = request.messages.first();
    let first = first.filter(|message| message.role == Role::System);
    match first.map(|message| message.content.as_slice()) {
        Some([Block::Text { text, .. }]) => quoted(text),
        _ => "null".to_owned(),
    }
}

fn reasoning(request: &Request) -> String {
    member(request, "reasoning", r#"{"effort":null,"summary":null}"#)
}

fn text(request: &Request) -> String {
    member(request, "text", r#"{"format":{"type":"text"}}"#)
}

/// What the request's writer says in this member.
fn member(request: &Request, name: &str, usual: &str) -> String {
    let written = object(|o| match name {
        "text" => write_text(o, request),
        _ => write_reasoning(o, request, None),
    });
    let written = String::from_utf8(written).unwrap_or_default();
    let inner = written.strip_prefix(&format!(r#"{{"{name}":"#));
    let inner = inner.and_then(|inner| inner.strip_suffix('}'));
    inner.map_or_else(|| usual.to_owned(), str::to_owned)
}

fn choice(request: &Request, names: &Names) -> String {
    let written = object(|o| tool::write_choice(o, request, names, &mut Vec::new()));
    let written = String::from_utf8(written).unwrap_or_default();
    let inner = written.strip_prefix(r#"{"tool_choice":"#);
    let inner = inner.and_then(|inner| inner.strip_suffix('}'));
    inner.map_or_else(|| "\"auto\"".to_owned(), str::to_owned)
}

fn tools(request: &Request) -> String {
    let is_spaced = |tool: &Tool| split_name(&tool.name).0.is_some();
    let written = match request.tools.iter().any(is_spaced) {
        false => array(|a| tool::echo(a, &request.tools)),
        true => {
            let mut tools = request.tools.clone();
            for tool in &mut tools {
                tool.name = split_name(&tool.name).1.to_owned();
            }
            array(|a| tool::echo(a, &tools))
        }
    };
    String::from_utf8(written).unwrap_or_default()
}
