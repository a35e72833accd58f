//! Tokens: Bedrock's input tokens leave out what the cache read and wrote.

use domain::canon::{Dialect, Json, Unknown};
use domain::usage::Usage;

use super::fields::{text, word};
use crate::json::Node;

/// No real count comes near; sums of these cannot overflow.
const MOST: u64 = 1 << 48;

/// Reads a `TokenUsage` in disjoint parts.
pub(super) fn read(node: Node<'_>) -> Option<Usage> {
    let count = |key: &str| node.get(key).and_then(Node::u64);
    let (input, output) = (count("inputTokens"), count("outputTokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let bounded = |count: Option<u64>| count.unwrap_or(0).min(MOST);
    let (mut input, output) = (bounded(input), bounded(output));
    let cached_input = bounded(count("cacheReadInputTokens"));
    let cache_write = bounded(count("cacheWriteInputTokens"));
    let cached = cached_input + cache_write;
    // A total that leaves no room for the cache says that it lies within.
    let is_within = count("totalTokens") == Some(input + output);
    if is_within && cached > 0 && cached <= input {
        input -= cached;
    }
    Some(Usage {
        input,
        cached_input,
        cache_write,
        output,
        ..Usage::default()
    })
}

/// What was written to the cache for how long, as Anthropic's own clients
/// know it.
pub(super) fn kept(node: Node<'_>) -> Option<Unknown> {
    let details = node.get("cacheDetails")?;
    let of = |ttl: &str| {
        let fitting = details.items().filter(|it| word(*it, "ttl") == ttl);
        let counts = fitting.filter_map(|it| it.get("inputTokens")?.u64());
        counts.fold(0, |sum: u64, count| sum.saturating_add(count.min(MOST)))
    };
    let (short, long) = (of("5m"), of("1h"));
    if short + long == 0 {
        return None;
    }
    let json = crate::json::object(|o| {
        o.object("cache_creation", |o| {
            o.number("ephemeral_5m_input_tokens", short);
            o.number("ephemeral_1h_input_tokens", long);
        });
    });
    let json = Json::trusted(text(json));
    Some(Unknown::new(Dialect::Anthropic, "usage", json))
}
