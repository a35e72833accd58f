//! Usage: `OpenAI`'s sums and our disjoint parts.

use domain::usage::Usage;

use crate::json::{Kind, Node, Object};

/// Nobody uses more; their sums can be added without a thought.
const MOST: u64 = 1 << 53;

/// Reads a `usage` object: input contains what was read from and written to
/// the cache, output contains the reasoning. No part ever becomes larger than
/// its whole.
pub(crate) fn read(node: Node<'_>) -> Option<Usage> {
    if node.kind() != Kind::Object {
        return None;
    }
    let number = |node: Node<'_>, key: &str| {
        let number = node.get(key).and_then(Node::u64);
        number.map(|number| number.min(MOST))
    };
    let part = |of: &str, key: &str| {
        let details = node.get(of);
        details
            .and_then(|details| number(details, key))
            .unwrap_or(0)
    };
    let input = number(node, "input_tokens");
    let output = number(node, "output_tokens");
    if input.is_none() && output.is_none() {
        return None;
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    let cached_input = part("input_tokens_details", "cached_tokens").min(input);
    let cache_write = part("input_tokens_details", "cache_write_tokens").min(input - cached_input);
    let reasoning = part("output_tokens_details", "reasoning_tokens").min(output);
    Some(Usage {
        input: input - cached_input - cache_write,
        cached_input,
        cache_write,
        output: output - reasoning,
        reasoning,
        ..Usage::default()
    })
}

/// Writes it; audio is counted in the sums.
pub(super) fn write(out: &mut Object<'_>, usage: &Usage) {
    out.number("input_tokens", usage.prompt());
    out.object("input_tokens_details", |o| {
        o.number("cached_tokens", usage.cached_input);
        o.number("cache_write_tokens", usage.written());
    });
    out.number("output_tokens", usage.completion());
    out.object("output_tokens_details", |o| {
        o.number("reasoning_tokens", usage.reasoning);
    });
    out.number("total_tokens", usage.total());
}
