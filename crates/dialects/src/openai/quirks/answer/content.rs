//! What a message or a delta says, in text and in thoughts.

use domain::edit::Span;

use super::super::changes::{Changes, members};
use super::super::tags::{Split, Tags};
use super::In;
use crate::json::{Kind, Node, Object, object, write_string};

/// Where clients of this dialect read thoughts.
const THOUGHTS: &str = "reasoning_content";

/// A member: its key, with quotes, and its value.
pub(super) fn entry<'a>(of: Node<'a>, wanted: &str) -> Option<(Span, Node<'a>)> {
    let mut entries = of.entries();
    let (_, key, value) = entries.find(|(key, _, _)| key == wanted)?;
    Some((key, value))
}

/// Thoughts that have another name.
pub(super) fn rename<'a>(message: Node<'a>, name: &str, changes: &mut Changes<'a>) {
    let Some((key, value)) = entry(message, name) else {
        return;
    };
    if value.kind() != Kind::String || name == THOUGHTS {
        return;
    }
    match entry(message, THOUGHTS) {
        Some((_, own)) if !own.is_null() => return,
        Some((own, _)) => changes.cut(message, own),
        None => {}
    }
    let mut with = Vec::with_capacity(THOUGHTS.len() + 2);
    write_string(&mut with, THOUGHTS);
    changes.put(key, with);
}

/// Content that comes in parts, thoughts among them.
pub(super) fn parts(message: Node<'_>, place: In, changes: &mut Changes<'_>) {
    let Some((key, content)) = entry(message, "content") else {
        return;
    };
    if content.kind() != Kind::Array {
        return;
    }
    let mut split = Split::default();
    for part in content.items() {
        let kind = part.get("type").and_then(Node::str);
        match kind.as_deref() {
            Some("thinking" | "reasoning") => {
                let places = ["thinking", "summary", "text"];
                let inner = places.iter().find_map(|key| part.get(key));
                for text in inner.iter().filter_map(|it| it.str()) {
                    split.thoughts.push_str(&text);
                }
                let inner = inner.iter().flat_map(|it| it.items());
                for text in inner.filter_map(|it| it.get("text")?.str()) {
                    split.thoughts.push_str(&text);
                }
            }
            _ => {
                let text = part.get("text").and_then(Node::str);
                split.text.push_str(&text.unwrap_or_default());
            }
        }
    }
    let span = Span::new(key.start, content.span().end);
    changes.put(span, said(&split, place));
}

/// Content that begins with thoughts between tags; gives what is to stand
/// beside it where the message has no content.
pub(super) fn split(
    message: Node<'_>,
    (tags, is_over): (&mut Tags, bool),
    place: In,
    changes: &mut Changes<'_>,
) -> Vec<u8> {
    let content = entry(message, "content").filter(|(_, it)| it.kind() == Kind::String);
    let piece = content.and_then(|(_, node)| node.str());
    let piece = piece.unwrap_or_default();
    let mut split = tags.push(&piece);
    if is_over {
        split = split.and(&tags.finish());
    }
    match content {
        _ if split.thoughts.is_empty() && split.text == piece => Vec::new(),
        Some((key, node)) => {
            let span = Span::new(key.start, node.span().end);
            changes.put(span, said(&split, place));
            Vec::new()
        }
        None if split.is_empty() => Vec::new(),
        None => match entry(message, "content") {
            Some((key, node)) => {
                let span = Span::new(key.start, node.span().end);
                changes.put(span, said(&split, place));
                Vec::new()
            }
            None => said(&split, place),
        },
    }
}

/// Text and thoughts as a delta of its own.
pub(super) fn delta(split: &Split) -> String {
    let whole = object(|message| say(message, split, In::Stream));
    String::from_utf8_lossy(&whole).into_owned()
}

/// Text and thoughts as members.
fn said(split: &Split, place: In) -> Vec<u8> {
    members(|message| say(message, split, place))
}

fn say(message: &mut Object<'_>, split: &Split, place: In) {
    match (split.text.as_str(), place) {
        ("", In::Stream) => message.null("content"),
        (text, _) => message.string("content", text),
    };
    if !split.thoughts.is_empty() {
        message.string(THOUGHTS, &split.thoughts);
    }
}
