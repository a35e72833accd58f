//! A request: what the gateway needs to know of it, and the edits it makes.

use bytes::Bytes;
use domain::edit::{Edit, Span};
use domain::refusal::{Reason, Refusal};

use super::texts::{Place, Room, Text, collect};
use crate::Operation;
use crate::json::{Document, Kind, Node, write_string};

/// What the gateway needs to know of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The model asked for.
    pub model: String,
    /// Where its name stands, quotes included.
    pub model_span: Span,
    /// Whether the answer shall be streamed.
    pub stream: bool,
    /// Whether the client itself asked for usage in the stream.
    pub wants_usage: bool,
    /// How many answers are asked for.
    pub n: u32,
    /// The most tokens that the answer may have, if the client says so.
    pub max_tokens: Option<u64>,
    /// Every text, in the order of the body.
    pub texts: Vec<Text>,
    /// How many tools are offered.
    pub tools: u32,
    /// How many images, sounds and files are sent.
    pub media: u32,
}

/// Reads a request.
///
/// # Errors
/// A field that the gateway needs is missing or has the wrong type.
pub fn view(op: Operation, doc: &Document) -> Result<View, Refusal> {
    let root = doc.root();
    if root.kind() != Kind::Object {
        let message = "The body must be a JSON object.";
        return Err(Refusal::new(Reason::BadJson, message));
    }
    let model = root
        .get("model")
        .filter(|node| !node.is_null())
        .ok_or_else(|| missing("model", "name the model to use"))?;
    let name = model
        .str()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| wrong("model", "a model's name as a string"))?;
    let media = match op {
        Operation::Chat => messages(root)?,
        Operation::Completion => required(root, "prompt")?,
        Operation::Embedding => required(root, "input")?,
    };
    let stream = flag(root, "stream", "stream")?;
    let wants_usage = match member(root, "stream_options") {
        Some(options) if options.kind() == Kind::Object => {
            flag(options, "include_usage", "stream_options.include_usage")?
        }
        Some(_) => return Err(wrong("stream_options", "an object")),
        None => false,
    };
    let n = match number(root, "n")? {
        None => 1,
        Some(n) => u32::try_from(n)
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| wrong("n", "a positive whole number"))?,
    };
    let newer = most(root, "max_completion_tokens")?;
    let max_tokens = newer.or(most(root, "max_tokens")?);
    Ok(View {
        model: name.into_owned(),
        model_span: model.span(),
        stream: stream && op != Operation::Embedding,
        wants_usage,
        n,
        max_tokens,
        texts: collect(root, Room::Request, Place::Other),
        tools: list(root, "tools")? + list(root, "functions")?,
        media,
    })
}

/// Checks the messages; gives how many media they hold.
fn messages(root: Node<'_>) -> Result<u32, Refusal> {
    let messages = member(root, "messages")
        .ok_or_else(|| missing("messages", "send the conversation as an array of messages"))?;
    if messages.kind() != Kind::Array {
        return Err(wrong("messages", "an array of messages"));
    }
    let mut media = 0;
    for (at, message) in messages.items().enumerate() {
        if message.kind() != Kind::Object {
            return Err(wrong(&format!("messages[{at}]"), "an object"));
        }
        if message
            .get("role")
            .is_some_and(|role| role.kind() != Kind::String)
        {
            return Err(wrong(&format!("messages[{at}].role"), "a string"));
        }
        let Some(content) = member(message, "content") else {
            continue;
        };
        if !matches!(content.kind(), Kind::String | Kind::Array) {
            let param = format!("messages[{at}].content");
            return Err(wrong(&param, "a string or an array of parts"));
        }
        let is_media = |part: &Node<'_>| {
            ["image_url", "input_audio", "file"]
                .iter()
                .any(|name| part.get(name).is_some())
        };
        media += count(content.items().filter(is_media));
    }
    Ok(media)
}

fn required(root: Node<'_>, key: &'static str) -> Result<u32, Refusal> {
    let value = member(root, key).ok_or_else(|| missing(key, "send the text"))?;
    match value.kind() {
        Kind::String | Kind::Array => Ok(0),
        _ => Err(wrong(key, "a string or an array")),
    }
}

/// A member that is there and not null.
fn member<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| !value.is_null())
}

fn flag(node: Node<'_>, key: &str, param: &str) -> Result<bool, Refusal> {
    match member(node, key) {
        None => Ok(false),
        Some(value) => value.bool().ok_or_else(|| wrong(param, "true or false")),
    }
}

fn number(root: Node<'_>, key: &str) -> Result<Option<u64>, Refusal> {
    match member(root, key) {
        None => Ok(None),
        Some(value) => value
            .u64()
            .map(Some)
            .ok_or_else(|| wrong(key, "a whole number, not negative")),
    }
}

/// A bound on the answer. Local servers take a negative one for *none*.
fn most(root: Node<'_>, key: &str) -> Result<Option<u64>, Refusal> {
    match member(root, key) {
        Some(value) if value.kind() == Kind::Number && value.raw().starts_with(b"-") => Ok(None),
        _ => number(root, key),
    }
}

fn list(root: Node<'_>, key: &str) -> Result<u32, Refusal> {
    match member(root, key) {
        None => Ok(0),
        Some(value) if value.kind() == Kind::Array => Ok(count(value.items())),
        Some(_) => Err(wrong(key, "an array")),
    }
}

fn count<'a>(nodes: impl Iterator<Item = Node<'a>>) -> u32 {
    u32::try_from(nodes.count()).unwrap_or(u32::MAX)
}

fn missing(key: &str, what: &str) -> Refusal {
    let message = format!("The field `{key}` is missing: {what}.");
    Refusal::new(Reason::MissingField, message).at(key)
}

pub(super) fn wrong(param: &str, expected: &str) -> Refusal {
    let message = format!("The field `{param}` has a wrong value: expected {expected}.");
    Refusal::new(Reason::BadField, message).at(param)
}

/// Asks for another model.
#[must_use]
pub fn set_model(view: &View, name: &str) -> Edit {
    let mut with = Vec::with_capacity(name.len() + 2);
    write_string(&mut with, name);
    Edit {
        span: view.model_span,
        with: with.into(),
    }
}

/// Asks for usage in a stream whose client did not ask for it.
#[must_use]
pub fn ask_usage(op: Operation, doc: &Document, view: &View) -> Option<Edit> {
    if op == Operation::Embedding || !view.stream || view.wants_usage {
        return None;
    }
    let root = doc.root();
    let (span, with) = match root.get("stream_options") {
        None => (
            point(root.inner_span().start),
            &br#""stream_options":{"include_usage":true},"#[..],
        ),
        Some(options) => match options.get("include_usage") {
            Some(old) => (old.span(), &b"true"[..]),
            None if options.entries().next().is_some() => (
                point(options.inner_span().start),
                &br#""include_usage":true,"#[..],
            ),
            None => (options.span(), &br#"{"include_usage":true}"#[..]),
        },
    };
    Some(Edit {
        span,
        with: Bytes::from_static(with),
    })
}

pub(super) fn point(at: u32) -> Span {
    Span::new(at, at)
}
