//! One word of a list as the whole answer, which Gemini alone knows
//! (`responseMimeType: text/x.enum`): others are asked for it in words, behind what the
//! user said last. Their own schemas would answer with JSON.
//! Source: <https://ai.google.dev/gemini-api/docs/structured-output>, *enum*.

use std::borrow::Cow;

use domain::canon::{Block, Dialect, Loss, Request, Role};

use super::super::fields::member;
use crate::json::{Document, Node};

const MIME: &str = "generationConfig.responseMimeType";
const SCHEMAS: [&str; 2] = [
    "generationConfig.responseSchema",
    "generationConfig.responseJsonSchema",
];
const MAX_DEPTH: usize = 64;

/// Asks for it in words, if the client wants it and the target cannot be told.
pub(super) fn ask(request: &mut Cow<'_, Request>, dialect: Dialect, losses: &mut Vec<Loss>) {
    if dialect == Dialect::Gemini {
        return;
    }
    let Some(words) = words(request) else {
        return;
    };
    let mut messages = request.messages.iter();
    let Some(at) = messages.rposition(|message| message.role == Role::User) else {
        return;
    };
    let request = request.to_mut();
    let asked = format!("\nAnswer with one of these, and with nothing else: {words}");
    request.messages[at].content.push(Block::text(asked));
    request
        .rest
        .retain(|it| it.name != MIME && !SCHEMAS.contains(&it.name.as_str()));
    losses.push(Loss::hint(MIME, "only Gemini knows it: asked for in words"));
}

/// The words of the list, if one of them is wanted.
fn words(request: &Request) -> Option<String> {
    let raw = |name: &str| {
        let found = request.rest.iter().find(|it| it.name == name);
        found.map(|it| it.raw.as_str())
    };
    if raw(MIME)? != r#""text/x.enum""# {
        return None;
    }
    let schema = SCHEMAS.iter().find_map(|name| raw(name))?;
    let document = Document::parse(schema.as_bytes().to_vec().into(), MAX_DEPTH).ok()?;
    let words = member(document.root(), "enum")?.items().map(Node::str);
    let words: Option<Vec<_>> = words.collect();
    Some(words?.join(", ")).filter(|words| !words.is_empty())
}
