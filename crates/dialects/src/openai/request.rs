//! A request: what the gateway needs to know of it, and the edits it makes.

use bytes::Bytes;
use domain::ability::{Abilities, Ability};
use domain::edit::{Edit, Span};
use domain::refusal::{Reason, Refusal};

use super::rooms;
use crate::Operation;
use crate::json::{Document, Kind, Node, write_string};
use crate::texts::{Place, Text, collect};

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
    /// How many messages are sent.
    pub messages: u32,
    /// What a model must be able to do for it.
    pub asks: Abilities,
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
    let top = Top::read(root);
    let model = top
        .model
        .filter(|node| !node.is_null())
        .ok_or_else(|| missing("model", "name the model to use"))?;
    let name = model
        .str()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| wrong("model", "a model's name as a string"))?;
    let Sent {
        messages,
        media,
        mut asks,
    } = match op {
        Operation::Chat => messages(top.messages)?,
        Operation::Completion => required(top.prompt, "prompt")?,
        Operation::Embedding => required(top.input, "input")?,
    };
    let stream = flag(top.stream, "stream")?;
    let wants_usage = match top.stream_options {
        Some(options) if options.kind() == Kind::Object => {
            let include_usage = options.get("include_usage");
            flag(there(include_usage), "stream_options.include_usage")?
        }
        Some(_) => return Err(wrong("stream_options", "an object")),
        None => false,
    };
    let n = match number(top.n, "n")? {
        None => 1,
        Some(n) => u32::try_from(n)
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| wrong("n", "a positive whole number"))?,
    };
    let newer = most(top.max_completion_tokens, "max_completion_tokens")?;
    let max_tokens = newer.or(most(top.max_tokens, "max_tokens")?);
    let tools = list(top.tools, "tools")? + list(top.functions, "functions")?;
    if tools > 0 {
        asks = asks.with(Ability::Tools);
    }
    Ok(View {
        model: name.into_owned(),
        model_span: model.span(),
        stream: stream && op != Operation::Embedding,
        wants_usage,
        n,
        max_tokens,
        texts: collect(root, rooms::REQUEST, Place::Other),
        tools,
        media,
        messages,
        asks,
    })
}

/// The members that the gateway reads; `None` for `null` too.
#[derive(Default)]
struct Top<'a> {
    model: Option<Node<'a>>,
    messages: Option<Node<'a>>,
    prompt: Option<Node<'a>>,
    input: Option<Node<'a>>,
    stream: Option<Node<'a>>,
    stream_options: Option<Node<'a>>,
    n: Option<Node<'a>>,
    max_completion_tokens: Option<Node<'a>>,
    max_tokens: Option<Node<'a>>,
    tools: Option<Node<'a>>,
    functions: Option<Node<'a>>,
}

impl<'a> Top<'a> {
    fn read(root: Node<'a>) -> Self {
        let mut top = Self::default();
        for (key, value) in root.members() {
            let place = match &*key.name() {
                b"model" => &mut top.model,
                b"messages" => &mut top.messages,
                b"prompt" => &mut top.prompt,
                b"input" => &mut top.input,
                b"stream" => &mut top.stream,
                b"stream_options" => &mut top.stream_options,
                b"n" => &mut top.n,
                b"max_completion_tokens" => &mut top.max_completion_tokens,
                b"max_tokens" => &mut top.max_tokens,
                b"tools" => &mut top.tools,
                b"functions" => &mut top.functions,
                _ => continue,
            };
            *place = there(Some(value));
        }
        top
    }
}

/// What is sent: messages, and media in them.
#[derive(Default)]
struct Sent {
    messages: u32,
    media: u32,
    asks: Abilities,
}

/// Checks the messages, and counts them.
fn messages(messages: Option<Node<'_>>) -> Result<Sent, Refusal> {
    let messages = messages
        .ok_or_else(|| missing("messages", "send the conversation as an array of messages"))?;
    if messages.kind() != Kind::Array {
        return Err(wrong("messages", "an array of messages"));
    }
    let mut sent = Sent::default();
    for (at, message) in messages.items().enumerate() {
        if message.kind() != Kind::Object {
            return Err(wrong(&format!("messages[{at}]"), "an object"));
        }
        sent.messages += 1;
        let mut content = None;
        for (key, value) in message.members() {
            match &*key.name() {
                b"role" if value.kind() != Kind::String => {
                    return Err(wrong(&format!("messages[{at}].role"), "a string"));
                }
                b"content" => content = there(Some(value)),
                _ => {}
            }
        }
        let Some(content) = content else {
            continue;
        };
        match content.kind() {
            Kind::String => {}
            Kind::Array => media_in(content, &mut sent),
            _ => {
                let param = format!("messages[{at}].content");
                return Err(wrong(&param, "a string or an array of parts"));
            }
        }
    }
    Ok(sent)
}

fn media_in(content: Node<'_>, sent: &mut Sent) {
    for part in content.items() {
        let medium = part.members().find_map(|(key, _)| match &*key.name() {
            b"image_url" => Some(Ability::Vision),
            b"input_audio" => Some(Ability::AudioInput),
            b"file" => Some(Ability::Pdf),
            _ => None,
        });
        if let Some(ability) = medium {
            sent.media += 1;
            sent.asks = sent.asks.with(ability);
        }
    }
}

fn required(value: Option<Node<'_>>, key: &'static str) -> Result<Sent, Refusal> {
    let value = value.ok_or_else(|| missing(key, "send the text"))?;
    match value.kind() {
        Kind::String | Kind::Array => Ok(Sent::default()),
        _ => Err(wrong(key, "a string or an array")),
    }
}

/// A member that is there and not null.
fn there(value: Option<Node<'_>>) -> Option<Node<'_>> {
    value.filter(|value| !value.is_null())
}

fn flag(value: Option<Node<'_>>, param: &str) -> Result<bool, Refusal> {
    match value {
        None => Ok(false),
        Some(value) => value.bool().ok_or_else(|| wrong(param, "true or false")),
    }
}

fn number(value: Option<Node<'_>>, key: &str) -> Result<Option<u64>, Refusal> {
    match value {
        None => Ok(None),
        Some(value) => value
            .u64()
            .map(Some)
            .ok_or_else(|| wrong(key, "a whole number, not negative")),
    }
}

/// A bound on the answer. Local servers take a negative one for *none*.
fn most(value: Option<Node<'_>>, key: &str) -> Result<Option<u64>, Refusal> {
    match value {
        Some(value) if value.kind() == Kind::Number && value.raw().starts_with(b"-") => Ok(None),
        _ => number(value, key),
    }
}

fn list(value: Option<Node<'_>>, key: &str) -> Result<u32, Refusal> {
    match value {
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
