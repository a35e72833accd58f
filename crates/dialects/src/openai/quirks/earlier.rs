//! The thoughts of earlier turns, as a provider wants them back.

use domain::canon::Loss;
use domain::quirks::EarlierThoughts;

use super::changes::{Changes, members};
use crate::json::{Kind, Node, array};

/// Where clients send thoughts back, as text.
const TEXTS: [&str; 3] = ["reasoning_content", "reasoning", "reasoning_text"];
/// Where they send blocks of them.
const BLOCKS: [&str; 2] = ["thinking_blocks", "reasoning_details"];

/// Where they send a call's signature back.
const SIGNED: &str = "extra_content";

/// Brings the thoughts of all messages where the provider wants them.
pub(super) fn rewrite<'a>(
    root: Node<'a>,
    manner: &EarlierThoughts,
    changes: &mut Changes<'a>,
) -> Option<Loss> {
    let mut lost = None;
    let messages = root.get("messages")?;
    for (at, message) in messages.items().enumerate() {
        let is_told = match manner {
            EarlierThoughts::Drop => false,
            EarlierThoughts::Member { name, missing } => {
                member(message, name, missing.as_deref(), changes);
                continue;
            }
            EarlierThoughts::Parts => parts(message, changes),
            EarlierThoughts::Tags(open, close) => tags(message, (open, close), changes),
        };
        if *manner == EarlierThoughts::Drop {
            for call in message.get("tool_calls").into_iter().flat_map(Node::items) {
                cut(call, |key| key == SIGNED, changes);
            }
        }
        let gone = cut(
            message,
            |key| TEXTS.contains(&key) || BLOCKS.contains(&key),
            changes,
        );
        if let (false, Some(key)) = (is_told, gone) {
            let why = "it takes no thoughts of earlier turns";
            lost.get_or_insert_with(|| Loss::hint(format!("messages[{at}].{key}"), why));
        }
    }
    lost
}

/// Whether the model's messages have thoughts, or calls with signatures.
pub(super) fn stand_in(root: Node<'_>) -> bool {
    let is_thought = |key: &str| TEXTS.contains(&key) || BLOCKS.contains(&key);
    let is_signed = |message: Node<'_>| {
        let calls = message.get("tool_calls");
        calls.is_some_and(|calls| calls.items().any(|call| call.get(SIGNED).is_some()))
    };
    let messages = root.get("messages");
    messages.is_some_and(|messages| {
        messages.items().any(|message| {
            message
                .get("role")
                .is_some_and(|role| role.raw() == br#""assistant""#)
                && (message.entries().any(|(key, _, _)| is_thought(&key)) || is_signed(message))
        })
    })
}

/// Gives a message's thoughts the name that the provider knows.
fn member<'a>(message: Node<'a>, name: &str, missing: Option<&str>, changes: &mut Changes<'a>) {
    if let Some(own) = message.get(name).filter(super::says) {
        cut(message, |key| TEXTS.contains(&key) && key != name, changes);
        let is_empty = own.str().is_some_and(|text| text.is_empty());
        if let Some(missing) = missing.filter(|_| is_empty && calls(message)) {
            changes.text(own.span(), missing);
        }
        return;
    }
    cut(message, |key| key == name, changes);
    if let Some((_, key, _)) = spoken(message) {
        changes.text(key, name);
    } else if let Some(missing) = missing.filter(|_| calls(message)) {
        changes.insert(
            message,
            members(|o| {
                o.string(name, missing);
            }),
        );
    }
}

fn calls(message: Node<'_>) -> bool {
    let calls = message.get("tool_calls");
    calls.is_some_and(|calls| calls.items().next().is_some())
}

/// The first member that has thoughts as text.
fn spoken(message: Node<'_>) -> Option<(&'static str, domain::edit::Span, Node<'_>)> {
    TEXTS.into_iter().find_map(|name| {
        let mut entries = message.entries();
        let (_, key, value) = entries.find(|(key, _, _)| key == name)?;
        value.str().filter(|text| !text.is_empty())?;
        Some((name, key, value))
    })
}

/// Cuts members; gives the first that said anything.
fn cut<'a>(
    message: Node<'a>,
    is_meant: impl Fn(&str) -> bool,
    changes: &mut Changes<'a>,
) -> Option<String> {
    let mut first = None;
    for (name, key, value) in message.entries() {
        if is_meant(&name) {
            changes.cut(message, key);
            if first.is_none() && super::says(&value) {
                first = Some(name.into_owned());
            }
        }
    }
    first
}

/// Puts the thoughts in front of the text, between tags.
fn tags(message: Node<'_>, (open, close): (&str, &str), changes: &mut Changes<'_>) -> bool {
    let (Some((_, _, thoughts)), Some(content)) = (spoken(message), message.get("content")) else {
        return false;
    };
    let said = thoughts.str().unwrap_or_default();
    let thought = format!("{open}{said}{close}\n\n");
    match content.kind() {
        Kind::Null => changes.text(content.span(), &thought),
        Kind::String => {
            let said = content.str().unwrap_or_default();
            changes.text(content.span(), &(thought + &said));
        }
        Kind::Array => {
            let with = array(|parts| {
                parts.object(|part| {
                    part.string("type", "text").string("text", &thought);
                });
                for part in content.items() {
                    parts.raw(&String::from_utf8_lossy(part.raw()));
                }
            });
            changes.put(content.span(), with);
        }
        Kind::Bool | Kind::Number | Kind::Object => return false,
    }
    true
}

/// Puts the thoughts in front of the content, both as parts.
fn parts(message: Node<'_>, changes: &mut Changes<'_>) -> bool {
    let (Some((_, _, thoughts)), Some(content)) = (spoken(message), message.get("content")) else {
        return false;
    };
    let Some(thoughts) = thoughts.str() else {
        return false;
    };
    let with = array(|parts| {
        parts.object(|part| {
            part.string("type", "thinking");
            part.array("thinking", |texts| {
                texts.object(|text| {
                    text.string("type", "text").string("text", &thoughts);
                });
            });
        });
        match content.str() {
            Some(said) if !said.is_empty() => {
                parts.object(|part| {
                    part.string("type", "text").string("text", &said);
                });
            }
            _ => {
                for part in content.items() {
                    parts.raw(&String::from_utf8_lossy(part.raw()));
                }
            }
        }
    });
    if matches!(content.kind(), Kind::Bool | Kind::Number | Kind::Object) {
        return false;
    }
    changes.put(content.span(), with);
    true
}
