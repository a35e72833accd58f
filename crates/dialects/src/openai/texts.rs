//! Which strings of a body are text that policy must see.
//!
//! Text is the default: the table below lists what is *not* text. A string in
//! a field that nobody here has heard of is text on the day it appears.

use std::borrow::Cow;

use domain::edit::Span;

use crate::json::{Document, Kind, Node};

/// A string that policy may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it lies, inside its quotes.
    pub span: Span,
    /// Whether it holds escapes.
    pub escaped: bool,
    /// Whose words it is.
    pub place: Place,
}

/// Whose words a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A system or developer message.
    System,
    /// The user's words, a prompt, an input.
    User,
    /// The model's words.
    Assistant,
    /// What a tool answered.
    Tool,
    /// The description of a tool.
    Definition,
    /// Everything else.
    Other,
}

/// The text, decoded; borrowed if it holds no escape.
#[must_use]
pub fn decode<'a>(doc: &'a Document, text: &Text) -> Cow<'a, str> {
    crate::json::decode(text.span.of(doc.bytes()))
}

/// What kind of object we are in; selects the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Request,
    Answer,
    /// Holds nothing but text.
    Any,
    /// Holds nothing that policy needs to see.
    Quiet,
    Message,
    Part,
    ImageUrl,
    AudioData,
    FileData,
    /// `id` and `type` beside text.
    Tagged,
    Tool,
    Schema,
    Properties,
    Choice,
    AnswerData,
}

/// What becomes of a member.
#[derive(Clone, Copy)]
enum Rule {
    /// A string is no text; anything else is read as [`Room::Any`].
    Skip,
    /// Go on in that room, with the same words' owner.
    In(Room),
    /// Go on in that room; the words are that one's.
    By(Room, Place),
    /// A URL: no text if it carries its data itself.
    Url,
}

/// Room, key, what becomes of it. What is not listed is text.
const TABLE: &[(Room, &str, Rule)] = &[
    (Room::Request, "model", Rule::Skip),
    (Room::Request, "messages", Rule::In(Room::Message)),
    (Room::Request, "prompt", Rule::By(Room::Any, Place::User)),
    (Room::Request, "suffix", Rule::By(Room::Any, Place::User)),
    (Room::Request, "input", Rule::By(Room::Any, Place::User)),
    (
        Room::Request,
        "prediction",
        Rule::By(Room::Part, Place::Assistant),
    ),
    (
        Room::Request,
        "tools",
        Rule::By(Room::Tool, Place::Definition),
    ),
    (
        Room::Request,
        "functions",
        Rule::By(Room::Tool, Place::Definition),
    ),
    (Room::Request, "tool_choice", Rule::In(Room::Tagged)),
    (Room::Request, "function_call", Rule::Skip),
    (
        Room::Request,
        "response_format",
        Rule::By(Room::Tool, Place::Definition),
    ),
    (Room::Request, "modalities", Rule::Skip),
    (Room::Request, "service_tier", Rule::Skip),
    (Room::Request, "reasoning_effort", Rule::Skip),
    (Room::Request, "verbosity", Rule::Skip),
    (Room::Request, "encoding_format", Rule::Skip),
    (Room::Request, "audio", Rule::In(Room::AudioData)),
    (Room::Message, "role", Rule::Skip),
    (Room::Message, "tool_call_id", Rule::Skip),
    (Room::Message, "content", Rule::In(Room::Part)),
    (Room::Message, "tool_calls", Rule::In(Room::Tagged)),
    (Room::Message, "audio", Rule::In(Room::AudioData)),
    (Room::Part, "type", Rule::Skip),
    (Room::Part, "image_url", Rule::In(Room::ImageUrl)),
    (Room::Part, "input_audio", Rule::In(Room::AudioData)),
    (Room::Part, "file", Rule::In(Room::FileData)),
    (Room::Part, "content", Rule::In(Room::Part)),
    (Room::Part, "cache_control", Rule::In(Room::Tagged)),
    (Room::ImageUrl, "url", Rule::Url),
    (Room::ImageUrl, "detail", Rule::Skip),
    (Room::AudioData, "data", Rule::Skip),
    (Room::AudioData, "format", Rule::Skip),
    (Room::AudioData, "voice", Rule::Skip),
    (Room::AudioData, "id", Rule::Skip),
    (Room::FileData, "file_data", Rule::Skip),
    (Room::FileData, "file_id", Rule::Skip),
    (Room::Tagged, "id", Rule::Skip),
    (Room::Tagged, "type", Rule::Skip),
    (Room::Tool, "type", Rule::Skip),
    (Room::Tool, "function", Rule::In(Room::Tool)),
    (Room::Tool, "json_schema", Rule::In(Room::Tool)),
    (Room::Tool, "parameters", Rule::In(Room::Schema)),
    (Room::Tool, "schema", Rule::In(Room::Schema)),
    (Room::Schema, "type", Rule::Skip),
    (Room::Schema, "format", Rule::Skip),
    (Room::Schema, "properties", Rule::In(Room::Properties)),
    (Room::Schema, "$defs", Rule::In(Room::Properties)),
    (Room::Schema, "items", Rule::In(Room::Schema)),
    (Room::Schema, "anyOf", Rule::In(Room::Schema)),
    (Room::Schema, "allOf", Rule::In(Room::Schema)),
    (Room::Schema, "oneOf", Rule::In(Room::Schema)),
    (Room::Answer, "id", Rule::Skip),
    (Room::Answer, "object", Rule::Skip),
    (Room::Answer, "model", Rule::Skip),
    (Room::Answer, "system_fingerprint", Rule::Skip),
    (Room::Answer, "service_tier", Rule::Skip),
    (Room::Answer, "usage", Rule::In(Room::Quiet)),
    (Room::Answer, "timings", Rule::In(Room::Quiet)),
    (Room::Answer, "prompt_filter_results", Rule::In(Room::Quiet)),
    (
        Room::Answer,
        "choices",
        Rule::By(Room::Choice, Place::Assistant),
    ),
    (Room::Answer, "data", Rule::In(Room::AnswerData)),
    (Room::AnswerData, "object", Rule::Skip),
    (Room::AnswerData, "embedding", Rule::Skip),
    (Room::Choice, "finish_reason", Rule::Skip),
    // The tokens of a text that is read as a whole beside them.
    (Room::Choice, "logprobs", Rule::In(Room::Quiet)),
    (
        Room::Choice,
        "content_filter_results",
        Rule::In(Room::Quiet),
    ),
    (Room::Choice, "message", Rule::In(Room::Message)),
    (Room::Choice, "delta", Rule::In(Room::Message)),
];

fn rule(room: Room, key: &str) -> Option<Rule> {
    TABLE
        .iter()
        .find(|(of, name, _)| *of == room && *name == key)
        .map(|(_, _, rule)| *rule)
}

/// A value still to be read, where it stands and whose words it is.
type Job<'a> = (Node<'a>, Room, Place);

/// Every text below `root`, in the order of the document.
pub(super) fn collect(root: Node<'_>, room: Room, place: Place) -> Vec<Text> {
    let mut out = Vec::new();
    // An explicit stack: an answer's depth is its sender's choice.
    let mut jobs: Vec<Job<'_>> = vec![(root, room, place)];
    while let Some((node, room, place)) = jobs.pop() {
        match node.kind() {
            Kind::String if room == Room::ImageUrl && is_data_url(node) => {}
            Kind::String => out.push(text(node, place)),
            Kind::Array => jobs.extend(node.items().map(|item| (item, room, place))),
            Kind::Object => object(node, room, place, &mut jobs, &mut out),
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }
    out.sort_by_key(|text| text.span.start);
    out
}

fn object<'a>(
    node: Node<'a>,
    room: Room,
    place: Place,
    jobs: &mut Vec<Job<'a>>,
    out: &mut Vec<Text>,
) {
    let place = match room {
        Room::Message => speaker(node).unwrap_or(place),
        _ => place,
    };
    for (key, key_span, value) in node.entries() {
        if room == Room::Properties {
            // The names of a tool's parameters are words of its author.
            let raw = Span::new(key_span.start + 1, key_span.end - 1);
            let escaped = raw.len() != key.len();
            out.push(Text {
                span: raw,
                escaped,
                place,
            });
            jobs.push((value, Room::Schema, place));
            continue;
        }
        match rule(room, &key) {
            _ if room == Room::Quiet => {}
            None => jobs.push((value, Room::Any, place)),
            Some(Rule::In(room)) => jobs.push((value, room, place)),
            Some(Rule::By(room, place)) => jobs.push((value, room, place)),
            Some(Rule::Url) if is_data_url(value) => {}
            Some(Rule::Skip) if value.kind() == Kind::String => {}
            Some(Rule::Skip) if value.kind() == Kind::Array => {
                let rest = value.items().filter(|item| item.kind() != Kind::String);
                jobs.extend(rest.map(|item| (item, Room::Any, place)));
            }
            Some(Rule::Skip | Rule::Url) => jobs.push((value, Room::Any, place)),
        }
    }
}

fn text(node: Node<'_>, place: Place) -> Text {
    Text {
        span: node.inner_span(),
        escaped: node.is_escaped(),
        place,
    }
}

fn is_data_url(node: Node<'_>) -> bool {
    node.str().is_some_and(|url| {
        url.get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:"))
    })
}

/// Who speaks in a message.
fn speaker(message: Node<'_>) -> Option<Place> {
    Some(match message.get("role")?.str()?.as_ref() {
        "system" | "developer" => Place::System,
        "user" => Place::User,
        "assistant" => Place::Assistant,
        "tool" | "function" => Place::Tool,
        _ => Place::Other,
    })
}
