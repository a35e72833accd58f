//! What the model thought, as compatible servers and clients write it.
//!
//! `OpenAI` itself shows no thoughts here. Others do, in fields that clients
//! hand on or drop: `reasoning_content`, `reasoning` or `reasoning_text` (text alone),
//! `thinking_blocks` (text and signature) and `reasoning_details` (the same,
//! by other names). Where several are there they say the same.

use std::borrow::Cow;

use domain::canon::{Block, Dialect, Signature, Thinking};

use super::fields::{member, text};
use crate::json::{Array, Kind, Node, Object};

/// Reads what a message or a delta shows of the thoughts.
pub(super) fn read(message: Node<'_>) -> Vec<Thinking> {
    let shown = ["thinking_blocks", "reasoning_details"];
    for blocks in shown.iter().filter_map(|key| member(message, key)) {
        let read: Vec<Thinking> = blocks.items().filter_map(read_block).collect();
        if !read.is_empty() {
            return read;
        }
    }
    let plain = read_text(message).map(|text| Thinking {
        text: text.into_owned(),
        ..Thinking::default()
    });
    plain.into_iter().collect()
}

/// The thoughts' text alone.
pub(super) fn read_text(message: Node<'_>) -> Option<Cow<'_, str>> {
    let places = ["reasoning_content", "reasoning", "reasoning_text"];
    places.into_iter().find_map(|place| text(message, place))
}

/// Reads one block of `thinking_blocks` or `reasoning_details`, or a part of a
/// message that is a thought.
pub(super) fn read_block(block: Node<'_>) -> Option<Thinking> {
    let kind = block.get("type").and_then(Node::str)?;
    let mut read = Thinking {
        id: text(block, "id").map(Into::into),
        ..Thinking::default()
    };
    let proof = match &*kind {
        "thinking" | "reasoning" => {
            read.text = words(block.get("thinking").or_else(|| block.get("text")));
            read.summary = block.get("summary").and_then(Node::bool) == Some(true);
            text(block, "signature")
        }
        "redacted_thinking" => {
            read.redacted = true;
            text(block, "data")
        }
        "reasoning.text" => {
            read.text = words(block.get("text"));
            text(block, "signature")
        }
        "reasoning.summary" => {
            read.text = words(block.get("summary"));
            read.summary = true;
            None
        }
        "reasoning.encrypted" => text(block, "data"),
        _ => return None,
    };
    read.signature = proof.map(|value| Signature {
        family: family(block),
        value: value.into_owned(),
    });
    if &*kind == "reasoning.encrypted" {
        let family = read.signature.as_ref().map(|signature| signature.family);
        read.redacted = family == Some(Dialect::Anthropic);
    }
    let is_empty = read.text.is_empty() && read.signature.is_none() && read.id.is_none();
    (!is_empty).then_some(read)
}

/// A text, or the texts of a list of parts.
fn words(node: Option<Node<'_>>) -> String {
    let Some(node) = node else {
        return String::new();
    };
    match node.str() {
        Some(text) => text.into_owned(),
        None => node.items().filter_map(|part| text(part, "text")).collect(),
    }
}

/// Whose a signature is. Blocks without a word about it are Anthropic's: the
/// field is made after its blocks.
fn family(block: Node<'_>) -> Dialect {
    if let Some(family) = text(block, "family") {
        let named = |dialect: &Dialect| dialect.as_str() == family;
        return Dialect::ALL
            .into_iter()
            .find(named)
            .unwrap_or(Dialect::OpenAi);
    }
    let Some(format) = text(block, "format") else {
        return Dialect::Anthropic;
    };
    match &*format {
        format if format.starts_with("anthropic") => Dialect::Anthropic,
        format if format.starts_with("google") => Dialect::Gemini,
        format if format.starts_with("openai") => Dialect::Responses,
        _ => Dialect::OpenAi,
    }
}

/// The thoughts among the blocks of an answer.
pub(super) fn among(content: &[Block]) -> Vec<&Thinking> {
    let thoughts = content.iter().filter_map(|block| match block {
        Block::Thinking(thinking) => Some(thinking),
        _ => None,
    });
    thoughts.collect()
}

/// Whether text alone does not say all of it.
pub(super) fn is_marked(thinking: &Thinking) -> bool {
    thinking.signature.is_some() || thinking.id.is_some()
}

/// Writes an answer's thoughts as members of its message: the text, and all of
/// them block by block where the text does not say everything.
pub(super) fn write(message: &mut Object<'_>, thoughts: &[&Thinking]) {
    let text: String = thoughts.iter().map(|thinking| &*thinking.text).collect();
    if !text.is_empty() {
        message.string("reasoning_content", &text);
    }
    if thoughts.len() > 1 || thoughts.iter().any(|thinking| is_marked(thinking)) {
        message.array("thinking_blocks", |blocks| {
            for thinking in thoughts {
                write_block(blocks, thinking, None);
            }
        });
    }
}

/// Writes one block; in a stream with its number, by which clients that put
/// deltas together tell blocks apart.
pub(super) fn write_block(blocks: &mut Array<'_>, thinking: &Thinking, index: Option<u64>) {
    blocks.object(|block| {
        if let Some(index) = index {
            block.number("index", index);
        }
        let signature = thinking.signature.as_ref();
        let value = signature.map(|signature| &*signature.value);
        if thinking.redacted {
            block.string("type", "redacted_thinking");
            block.string("data", value.unwrap_or_default());
        } else {
            block.string("type", "thinking");
            block.string("thinking", &thinking.text);
            if let Some(value) = value {
                block.string("signature", value);
            }
        }
        if thinking.summary {
            block.bool("summary", true);
        }
        if let Some(id) = &thinking.id {
            block.string("id", id);
        }
        match signature.map(|signature| signature.family) {
            None | Some(Dialect::Anthropic) => {}
            Some(family) => {
                block.string("family", family.as_str());
            }
        }
    });
}

/// What proves to Gemini that it made a call, where its own compatible
/// endpoint puts it.
pub(super) fn call_signature(call: Node<'_>) -> Option<Signature> {
    let google = member(call, "extra_content").and_then(|extra| member(extra, "google"));
    let other = member(call, "provider_specific_fields");
    let value = [google, other]
        .into_iter()
        .flatten()
        .filter(|place| place.kind() == Kind::Object)
        .find_map(|place| text(place, "thought_signature"))?;
    Some(Signature {
        family: Dialect::Gemini,
        value: value.into_owned(),
    })
}

/// Writes it there.
pub(super) fn write_call_signature(call: &mut Object<'_>, signature: Option<&Signature>) {
    let Some(signature) = signature.filter(|found| found.family == Dialect::Gemini) else {
        return;
    };
    call.object("extra_content", |extra| {
        extra.object("google", |google| {
            google.string("thought_signature", &signature.value);
        });
    });
}
