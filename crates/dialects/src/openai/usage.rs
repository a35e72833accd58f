//! The provider's numbers, brought into disjoint parts.

use domain::usage::Usage;

use crate::json::{Kind, Node};

/// Reads a `usage` object. `OpenAI`'s prompt tokens contain the cached and the
/// audio ones, its completion tokens the reasoning and the audio ones; no part
/// ever becomes larger than its whole.
#[must_use]
pub fn read_usage(node: Node<'_>) -> Option<Usage> {
    if node.kind() != Kind::Object {
        return None;
    }
    let prompt = number(node, "prompt_tokens");
    let completion = number(node, "completion_tokens");
    let total = number(node, "total_tokens");
    if prompt.is_none() && completion.is_none() && total.is_none() {
        return None;
    }
    let prompt = prompt.or_else(|| Some(total?.saturating_sub(completion?)));
    let prompt = prompt.unwrap_or_else(|| total.unwrap_or(0));
    let mut completion =
        completion.unwrap_or_else(|| total.map_or(0, |total| total.saturating_sub(prompt)));
    let of_prompt = node.get("prompt_tokens_details");
    let of_completion = node.get("completion_tokens_details");
    let part = |of: Option<Node<'_>>, key| of.and_then(|of| number(of, key)).unwrap_or(0);
    let reasoning = part(of_completion, "reasoning_tokens");
    // Some servers count reasoning beside the completion: their total tells.
    if reasoning > 0 && total == Some(prompt + completion + reasoning) {
        completion += reasoning;
    }
    let mut input = prompt;
    let mut take = |wanted: u64| {
        let taken = wanted.min(input);
        input -= taken;
        taken
    };
    let cached = match part(of_prompt, "cached_tokens") {
        0 => number(node, "prompt_cache_hit_tokens").unwrap_or(0),
        cached => cached,
    };
    let cached_input = take(cached);
    let cache_write = take(part(of_prompt, "cache_write_tokens"));
    let audio_input = take(part(of_prompt, "audio_tokens"));
    let reasoning = reasoning.min(completion);
    let audio_output = part(of_completion, "audio_tokens").min(completion - reasoning);
    Some(Usage {
        input,
        cached_input,
        cache_write,
        audio_input,
        output: completion - reasoning - audio_output,
        reasoning,
        audio_output,
    })
}

/// No real count comes near; sums of these cannot overflow.
const MOST: u64 = 1 << 48;

/// A count; what is negative, broken or no number counts as not said.
fn number(node: Node<'_>, key: &str) -> Option<u64> {
    let value = node.get(key)?;
    if let Some(whole) = value.u64() {
        return Some(whole.min(MOST));
    }
    if value.kind() != Kind::Number {
        return None;
    }
    let value: f64 = std::str::from_utf8(value.raw()).ok()?.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates"
    )]
    (value >= 0.0).then_some((value.ceil() as u64).min(MOST))
}
