//! Signatures of thoughts, of Claude and of others.
//!
//! Anthropic's clients keep a thinking block with its signature and send it
//! back. So another family's signature goes to them with a mark in front that
//! no signature of Claude's can have, and is known again when it comes back.

use domain::canon::{Block, Dialect, Signature, Thinking};

/// Between the family, the id and the value; base64 has no such letter.
const MARK: char = '#';

/// Stands for the id of a thought that is none: it carries the signature of
/// the call behind it, for which Anthropic's calls have no place.
const OF_CALL: &str = "@call";

/// A call's signature as an empty thought before the call.
pub(super) fn before_call(signature: Option<&Signature>) -> Option<String> {
    let signature = signature?.clone();
    Some(outward(&Thinking {
        signature: Some(signature),
        id: Some(OF_CALL.to_owned()),
        ..Thinking::default()
    }))
}

/// Gives calls back the signatures that stand before them.
pub(super) fn to_calls(blocks: Vec<Block>) -> Vec<Block> {
    let mut out = Vec::with_capacity(blocks.len());
    let mut held = None;
    for mut block in blocks {
        match &mut block {
            Block::Thinking(thought) if thought.id.as_deref() == Some(OF_CALL) => {
                held = thought.signature.take();
                continue;
            }
            Block::ToolCall(call) => call.signature = held.take(),
            _ => {}
        }
        out.push(block);
    }
    out
}

/// As a client of Anthropic's gets it; empty where there is none.
pub(super) fn outward(thinking: &Thinking) -> String {
    let signature = thinking.signature.as_ref();
    match signature {
        Some(own) if own.family == Dialect::Anthropic => own.value.clone(),
        None if thinking.id.is_none() => String::new(),
        _ => {
            let family = signature.map_or(Dialect::Responses, |foreign| foreign.family);
            let value = signature.map_or("", |foreign| foreign.value.as_str());
            let id = thinking.id.as_deref().unwrap_or_default();
            format!("{}{MARK}{id}{MARK}{value}", family.as_str())
        }
    }
}

/// Whether a thought says nothing, and proves nothing: a provider's name for it alone
/// is of no use to a client.
pub(super) fn is_nothing(thinking: &Thinking) -> bool {
    let proof = thinking.signature.as_ref();
    thinking.text.is_empty() && proof.is_none_or(|proof| proof.value.is_empty())
}

/// Takes what a client or a provider gave as the signature of `thinking`.
pub(super) fn inward(thinking: &mut Thinking, value: &str) {
    let mut parts = value.splitn(3, MARK);
    let family = parts.next().and_then(family);
    match (family, parts.next(), parts.next()) {
        (Some(family), Some(id), Some(value)) => {
            // Some clients glue what a block begins with and its delta together.
            let mark = format!("{}{MARK}{id}{MARK}", family.as_str());
            let value = value.strip_prefix(&mark).unwrap_or(value);
            thinking.id = (!id.is_empty()).then(|| id.to_owned());
            thinking.summary = family == Dialect::Responses;
            thinking.signature = signed(family, value);
        }
        _ => thinking.signature = signed(Dialect::Anthropic, value),
    }
}

fn signed(family: Dialect, value: &str) -> Option<Signature> {
    (!value.is_empty()).then(|| Signature {
        family,
        value: value.to_owned(),
    })
}

fn family(name: &str) -> Option<Dialect> {
    let mut all = Dialect::ALL.into_iter();
    all.find(|dialect| dialect.as_str() == name)
}

/// What Claude itself can check, if anything.
pub(super) fn of_claude(thinking: &Thinking) -> Option<&str> {
    let signature = thinking.signature.as_ref()?;
    (signature.family == Dialect::Anthropic).then_some(signature.value.as_str())
}
