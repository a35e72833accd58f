//! A provider's whole answer, read.

use domain::canon::{Answer, Block, Choice, Media, MediaKind, Source, ToolCall, Unknown};

use super::super::read_usage;
use super::fields::{json, member, text, unknown};
use super::messages::text_of;
use super::stop::{self, Said};
use super::{ids, media, thoughts};
use crate::json::{Document, Kind, Node};
use crate::translate::Names;

/// More choices than any server gives.
pub(super) const MOST_CHOICES: u32 = 128;

/// Reads a whole answer; `None` if it is none of this dialect, or an error.
#[must_use]
pub fn read_answer(document: &Document, names: &Names) -> Option<Answer> {
    let root = document.root();
    let choices = member(root, "choices").filter(|choices| choices.kind() == Kind::Array)?;
    if member(root, "error").is_some() {
        return None;
    }
    let mut answer = Answer {
        id: text(root, "id").unwrap_or_default().into_owned(),
        model: text(root, "model").unwrap_or_default().into_owned(),
        created: created(root),
        usage: usage(root),
        ..Answer::default()
    };
    for (at, choice) in choices.items().enumerate() {
        let index = index(choice, at);
        let read = read_choice(choice, index, &answer.id, names)?;
        let index = index as usize;
        if answer.choices.len() <= index {
            answer.choices.resize_with(index + 1, Choice::default);
        }
        if let Some(place) = answer.choices.get_mut(index) {
            *place = read;
        }
    }
    answer.rest = rest(root).collect();
    Some(answer)
}

/// A choice's number; where it says none, its place.
pub(super) fn index(choice: Node<'_>, at: usize) -> u32 {
    let index = choice.get("index").and_then(Node::u64);
    let index = index.unwrap_or(at as u64).min(u64::from(MOST_CHOICES - 1));
    u32::try_from(index).unwrap_or(0)
}

/// When the answer was made.
pub(super) fn created(root: Node<'_>) -> Option<i64> {
    let created = member(root, "created").and_then(Node::u64)?;
    i64::try_from(created).ok().filter(|created| *created > 0)
}

/// What was used, where servers say it.
pub(super) fn usage(root: Node<'_>) -> Option<domain::usage::Usage> {
    let place = member(root, "usage").or_else(|| {
        let groq = member(root, "x_groq").filter(|groq| groq.kind() == Kind::Object);
        member(groq?, "usage")
    });
    place.and_then(read_usage)
}

/// The outermost members that the canonical form has no place for.
pub(super) fn rest<'a>(root: Node<'a>) -> impl Iterator<Item = Unknown> + 'a {
    const KNOWN: &[&str] = &[
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "error",
        "obfuscation",
        "x_groq",
    ];
    let members = root.entries();
    members.filter_map(|(key, _, value)| {
        let is_rest = !value.is_null() && !KNOWN.contains(&&*key);
        is_rest.then(|| unknown(&key, value))
    })
}

fn read_choice(choice: Node<'_>, index: u32, answer: &str, names: &Names) -> Option<Choice> {
    let message = member(choice, "message").filter(|message| message.kind() == Kind::Object)?;
    let mut content: Vec<Block> = thoughts::read(message)
        .into_iter()
        .map(Block::Thinking)
        .collect();
    if let Some(said) = member(message, "content") {
        read_said(said, &mut content);
    }
    if let Some(notes) = member(message, "annotations") {
        annotate(&mut content, notes);
    }
    if let Some(refusal) = text(message, "refusal") {
        content.push(Block::Refusal(refusal.into_owned()));
    }
    if let Some(audio) = member(message, "audio") {
        content.push(unknown("audio", audio).into());
    }
    if let Some(images) = member(message, "images") {
        content.extend(images.items().filter_map(read_image));
    }
    let calls = member(message, "tool_calls");
    let calls = calls.into_iter().flat_map(Node::items);
    for (nth, call) in calls.chain(member(message, "function_call")).enumerate() {
        let id = || ids::made(answer, index, nth);
        content.extend(read_call(call, id, names).map(Block::ToolCall));
    }
    let reason = text(choice, "finish_reason");
    if reason
        .as_deref()
        .is_some_and(|reason| stop::failure(reason).is_some())
    {
        return None;
    }
    let sequence = text(choice, "stop_reason");
    let said = Said::of(&content);
    Some(Choice {
        stop: reason.map(|reason| stop::read(&reason, sequence.as_deref(), said)),
        content,
        logprobs: member(choice, "logprobs").map(json),
    })
}

/// Reads `content`: a string, or with some servers a list of parts.
fn read_said(said: Node<'_>, content: &mut Vec<Block>) {
    if let Some(text) = said.str() {
        if !text.is_empty() {
            content.push(Block::text(text));
        }
        return;
    }
    for part in said.items() {
        if let Some(thinking) = thoughts::read_block(part) {
            content.push(Block::Thinking(thinking));
        } else if let Some(words) = text(part, "text") {
            content.push(Block::text(words));
        } else if let Some(words) = text(part, "refusal") {
            content.push(Block::Refusal(words.into_owned()));
        }
    }
}

/// Annotations are of the message; here they belong to its last text.
fn annotate(content: &mut [Block], notes: Node<'_>) {
    let last = content.iter_mut().rev().find_map(|block| match block {
        Block::Text { citations, .. } => Some(citations),
        _ => None,
    });
    if let Some(citations) = last {
        citations.extend(notes.items().map(annotation));
    }
}

/// One annotation.
pub(super) fn annotation(note: Node<'_>) -> Unknown {
    let kind = text(note, "type");
    unknown(kind.as_deref().unwrap_or("annotation"), note)
}

fn read_image(image: Node<'_>) -> Option<Block> {
    let url = text(member(image, "image_url")?, "url")?;
    let (source, mime) = match media::of_data_url(&url) {
        Some((mime, data)) => (Source::Base64(data), mime),
        None => (Source::Url(url.into_owned()), None),
    };
    Some(Block::Media(Media {
        kind: MediaKind::Image,
        source,
        mime,
        name: None,
        context: None,
        detail: None,
        citations: false,
        cache: None,
    }))
}

/// Reads a call; the old form is a function without anything around it.
fn read_call(call: Node<'_>, id: impl Fn() -> String, names: &Names) -> Option<ToolCall> {
    let custom = member(call, "custom");
    let function = member(call, "function");
    let named = custom.or(function).unwrap_or(call);
    let name = text(named, "name")?;
    let field = if custom.is_some() {
        "input"
    } else {
        "arguments"
    };
    Some(ToolCall {
        id: text(call, "id").map_or_else(id, |id| id.into_owned()),
        name: names.inward(&name).to_owned(),
        arguments: text_of(named, field),
        custom: custom.is_some(),
        signature: thoughts::call_signature(call),
        cache: None,
    })
}
