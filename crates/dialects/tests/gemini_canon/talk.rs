//! Conversations of other dialects, and what becomes of them.

use domain::canon::{
    Block, Dialect, Json, Loss, Media, MediaKind, Message, Request, Role, Signature, Source, Tool,
    ToolCall, ToolKind, ToolResult,
};
use serde_json::Value;

use crate::rules;
use crate::support::{value, written};

pub(crate) fn asked(messages: Vec<Message>) -> Request {
    Request {
        messages,
        ..Request::default()
    }
}

pub(crate) fn call(id: &str, name: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: Some(Signature {
            family: Dialect::OpenAi,
            value: "foreign".to_owned(),
        }),
        cache: None,
    })
}

pub(crate) fn result(call: &str, content: Vec<Block>) -> Block {
    Block::ToolResult(ToolResult {
        call: call.to_owned(),
        name: None,
        content,
        is_error: None,
        custom: false,
        cache: None,
    })
}

pub(crate) fn said(role: Role, text: &str) -> Message {
    Message::new(role, vec![Block::text(text)])
}

pub(crate) fn function(name: &str, schema: Option<&str>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some("does it".to_owned()),
        kind: ToolKind::Function {
            schema: schema.map(Json::trusted),
        },
        strict: None,
        cache: None,
        rest: Vec::new(),
        declared: None,
    }
}

/// What is written, after a look at the rules.
pub(crate) fn checked(request: &Request, model: &str) -> (Value, Vec<Loss>) {
    let written = written(request, model);
    let body = value(&written.value);
    rules::check(&body, model);
    (body, written.losses)
}

pub(crate) fn image(source: Source) -> Block {
    Block::Media(Media {
        kind: MediaKind::Image,
        source,
        mime: None,
        name: None,
        context: None,
        detail: None,
        citations: false,
        cache: None,
    })
}
