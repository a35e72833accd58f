//! Tokens: Anthropic's input tokens leave out what the cache read and wrote.

use std::collections::BTreeMap;

use domain::canon::{Dialect, Json, Unknown};
use domain::usage::Usage;

use super::fields::raw;
use crate::json::{Node, Object};

/// No real count comes near; sums of these cannot overflow.
const MOST: u64 = 1 << 48;

/// The counts of one answer. In a stream they come several times; each is the
/// whole so far, and what is not said again stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    cached: Option<u64>,
    written: Option<u64>,
    /// Of those, the ones that are kept for an hour.
    written_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    /// Members that the canonical form does not know.
    others: BTreeMap<String, String>,
}

impl Counts {
    /// Takes a `usage` object.
    pub(super) fn take(&mut self, node: Node<'_>) {
        for (key, _, value) in node.entries() {
            if value.is_null() {
                continue;
            }
            let count = match &*key {
                "input_tokens" => &mut self.input,
                "cache_read_input_tokens" => &mut self.cached,
                "cache_creation_input_tokens" => &mut self.written,
                "cache_creation" => {
                    let hour = value.get("ephemeral_1h_input_tokens").and_then(Node::u64);
                    self.written_1h = hour.or(self.written_1h);
                    self.others.insert(key.into_owned(), raw(value));
                    continue;
                }
                "output_tokens" => &mut self.output,
                "output_tokens_details" => {
                    let thinking = value.get("thinking_tokens").and_then(Node::u64);
                    self.thinking = thinking.or(self.thinking);
                    continue;
                }
                _ => {
                    self.others.insert(key.into_owned(), raw(value));
                    continue;
                }
            };
            *count = value.u64().or(*count);
        }
    }

    /// The counts in disjoint parts, if there are any.
    pub(super) fn usage(&self) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let count = |count: Option<u64>| count.unwrap_or(0).min(MOST);
        let output = count(self.output);
        let reasoning = count(self.thinking).min(output);
        let written = count(self.written);
        let written_1h = count(self.written_1h).min(written);
        Some(Usage {
            input: count(self.input),
            cached_input: count(self.cached),
            cache_write: written - written_1h,
            cache_write_1h: written_1h,
            output: output - reasoning,
            reasoning,
            ..Usage::default()
        })
    }

    /// What else was said, as one object.
    pub(super) fn others(&self) -> Option<String> {
        if self.others.is_empty() {
            return None;
        }
        let object = crate::json::object(|o| {
            for (key, value) in &self.others {
                o.raw(key, value);
            }
        });
        String::from_utf8(object).ok()
    }
}

/// Reads the `usage` object of a whole answer.
pub(crate) fn read(node: Node<'_>) -> Option<Usage> {
    let mut counts = Counts::default();
    counts.take(node);
    counts.usage()
}

/// Writes a `usage` object, and beside the counts what Anthropic itself said.
pub(super) fn put(o: &mut Object<'_>, usage: Option<Usage>, others: Option<&Json>) {
    let usage = usage.unwrap_or_default();
    o.object("usage", |o| {
        o.number("input_tokens", usage.input + usage.audio_input);
        o.number("cache_creation_input_tokens", usage.written());
        o.number("cache_read_input_tokens", usage.cached_input);
        o.number("output_tokens", usage.completion());
        // Anthropic's own word on it, if there is one, stands among the others.
        let is_told = others.is_some_and(|it| it.as_str().contains("\"cache_creation\""));
        if usage.cache_write_1h > 0 && !is_told {
            o.object("cache_creation", |o| {
                o.number("ephemeral_5m_input_tokens", usage.cache_write);
                o.number("ephemeral_1h_input_tokens", usage.cache_write_1h);
            });
        }
        if usage.reasoning > 0 {
            o.object("output_tokens_details", |o| {
                o.number("thinking_tokens", usage.reasoning);
            });
        }
        if let Some(others) = others {
            super::ending::put_members(o, others.as_str());
        }
    });
}

/// What Anthropic itself said of usage.
pub(super) fn others_of(rest: &[Unknown]) -> Option<&Json> {
    let is_usage =
        |member: &&Unknown| member.dialect == Dialect::Anthropic && member.name == "usage";
    rest.iter().find(is_usage).map(|member| &member.raw)
}
