//! Reasoning that a client does not send back: taken from an answer, and put
//! back before its calls.
//!
//! Many clients drop what a model thought before it called a tool, and its
//! signature. The provider wants both in the next request of the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use domain::canon::{Answer, Block, Choice, Dialect, Message, Request, Role, Thinking, ToolCall};
use domain::reasoning::KeptReasoning;

use super::ids;
use crate::json::{Document, canonical};

/// How deep arguments may be nested to be compared as JSON.
const DEPTH: usize = 128;

/// Where a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// With every provider of Claude's: Anthropic, Bedrock, Vertex.
    Claude,
    /// With the provider that made it.
    Provider,
}

/// Where what this model signs holds, if it signs its reasoning.
#[must_use]
pub fn scope(dialect: Dialect, model: &str) -> Option<Scope> {
    let is_claude = model.to_ascii_lowercase().contains("claude");
    match dialect {
        Dialect::Anthropic | Dialect::Converse if is_claude => Some(Scope::Claude),
        // Others speak Anthropic's dialect, too, and sign in their own way.
        Dialect::Anthropic | Dialect::Gemini | Dialect::Responses => Some(Scope::Provider),
        Dialect::Converse | Dialect::OpenAi | Dialect::Cohere | Dialect::Ollama => None,
    }
}

/// What is to be kept of an answer, by its calls' ids.
#[must_use]
pub fn of_answer(answer: &Answer, provider: &str) -> Vec<(String, KeptReasoning)> {
    let choices = answer.choices.iter();
    choices
        .flat_map(|choice| of_choice(choice, provider))
        .collect()
}

fn of_choice(choice: &Choice, provider: &str) -> Vec<(String, KeptReasoning)> {
    let mut all = Vec::new();
    let mut next = KeptReasoning::default();
    let mut is_opening = true;
    for block in &choice.content {
        match block {
            Block::Thinking(thinking) if thinking.signature.is_some() => match is_opening {
                true => next.opening.push(thinking.clone()),
                false => next.before.push(thinking.clone()),
            },
            Block::Thinking(_) => {}
            Block::ToolCall(call) => {
                is_opening = false;
                let kept = KeptReasoning {
                    provider: provider.to_owned(),
                    of: print(call),
                    signature: call.signature.clone(),
                    ..std::mem::take(&mut next)
                };
                if !kept.is_empty() {
                    all.push((call.id.clone(), kept));
                }
            }
            _ => is_opening = false,
        }
    }
    all
}

/// A call's name and arguments as a number, however its JSON is spelled.
fn print(call: &ToolCall) -> u64 {
    let arguments = match call.arguments.trim_ascii() {
        "" if !call.custom => "{}",
        arguments => arguments,
    };
    let document = Document::parse(arguments.as_bytes().to_vec().into(), DEPTH);
    let arguments = match document {
        Ok(document) => canonical(&document, &[]),
        Err(_) => arguments.as_bytes().to_vec(),
    };
    ids::hash(&[call.name.as_bytes(), &arguments])
}

/// The calls of a conversation that stand there without the reasoning that may
/// have led to them.
#[must_use]
pub fn lost(request: &Request) -> BTreeSet<String> {
    let turns = bare_turns(&request.messages).into_iter();
    let messages = turns.filter_map(|turn| request.messages.get(turn));
    let blocks = messages.flatten().flat_map(|message| &message.content);
    let calls = blocks.filter_map(|block| match block {
        Block::ToolCall(call) => Some(call.id.clone()),
        _ => None,
    });
    calls.collect()
}

/// The turns of the model's in which nothing is signed.
fn bare_turns(messages: &[Message]) -> Vec<Range<usize>> {
    let is_signed = |message: &Message| message.content.iter().any(is_signed);
    let mut turns = Vec::new();
    let mut start = 0;
    for turn in messages.chunk_by(|a, b| a.role == b.role) {
        let range = start..start + turn.len();
        start = range.end;
        let is_models = turn
            .first()
            .is_some_and(|first| first.role == Role::Assistant);
        if is_models && !turn.iter().any(is_signed) {
            turns.push(range);
        }
    }
    turns
}

fn is_signed(block: &Block) -> bool {
    match block {
        Block::Thinking(thinking) => thinking.signature.is_some(),
        Block::ToolCall(call) => call.signature.is_some(),
        _ => false,
    }
}

/// Puts back what was found, by the calls' ids; says whether anything was.
pub fn put_back(request: &mut Request, found: &BTreeMap<String, Arc<KeptReasoning>>) -> bool {
    let mut is_changed = false;
    if found.is_empty() {
        return is_changed;
    }
    for turn in bare_turns(&request.messages) {
        if let Some(messages) = request.messages.get_mut(turn) {
            is_changed |= complete(messages, found);
        }
    }
    is_changed
}

fn complete(turn: &mut [Message], found: &BTreeMap<String, Arc<KeptReasoning>>) -> bool {
    let mut opening: Vec<Thinking> = Vec::new();
    let mut is_changed = false;
    let mut thinks = false;
    for message in &mut *turn {
        let mut content = Vec::with_capacity(message.content.len() + 1);
        for mut block in message.content.drain(..) {
            if let Block::ToolCall(call) = &mut block
                && let Some(kept) = found.get(&call.id).filter(|kept| kept.of == print(call))
            {
                is_changed = true;
                thinks |= !kept.opening.is_empty() || !kept.before.is_empty();
                opening.extend(kept.opening.iter().cloned());
                content.extend(kept.before.iter().cloned().map(Block::Thinking));
                call.signature.clone_from(&kept.signature);
            }
            content.push(block);
        }
        message.content = content;
    }
    if thinks {
        // What the client told of it without a signature is the same again.
        let is_told =
            |block: &mut Block| matches!(block, Block::Thinking(it) if it.signature.is_none());
        for message in &mut *turn {
            message.content.extract_if(.., is_told).for_each(drop);
        }
    }
    if let Some(first) = turn.first_mut() {
        let opening = opening.into_iter().map(Block::Thinking);
        first.content.splice(0..0, opening);
    }
    is_changed
}

#[cfg(test)]
mod tests;
