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
    let mut prompt = None;
    let mut completion = None;
    let mut total = None;
    let mut of_prompt = None;
    let mut of_completion = None;
    let mut cache_hit = None;
    for (key, value) in node.members() {
        match &*key.name() {
            b"prompt_tokens" => prompt = number(value),
            b"completion_tokens" => completion = number(value),
            b"total_tokens" => total = number(value),
            b"prompt_tokens_details" => of_prompt = Some(value),
            b"completion_tokens_details" => of_completion = Some(value),
            b"prompt_cache_hit_tokens" => cache_hit = number(value),
            _ => {}
        }
    }
    if prompt.is_none() && completion.is_none() && total.is_none() {
        return None;
    }
    let prompt = prompt.or_else(|| Some(total?.saturating_sub(completion?)));
    let prompt = prompt.unwrap_or_else(|| total.unwrap_or(0));
    let mut completion =
        completion.unwrap_or_else(|| total.map_or(0, |total| total.saturating_sub(prompt)));
    let of_prompt = of_prompt.map(Parts::read).unwrap_or_default();
    let of_completion = of_completion.map(Parts::read).unwrap_or_default();
    let reasoning = of_completion.reasoning;
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
    let cached = match of_prompt.cached {
        0 => cache_hit.unwrap_or(0),
        cached => cached,
    };
    let cached_input = take(cached);
    let written = take(of_prompt.cache_write);
    let cache_write_1h = of_prompt.cache_write_1h.min(written);
    let audio_input = take(of_prompt.audio);
    let reasoning = reasoning.min(completion);
    let audio_output = of_completion.audio.min(completion - reasoning);
    Some(Usage {
        input,
        cached_input,
        cache_write: written - cache_write_1h,
        cache_write_1h,
        audio_input,
        output: completion - reasoning - audio_output,
        reasoning,
        audio_output,
    })
}

/// The parts that a provider tells of a prompt or a completion.
#[derive(Default)]
struct Parts {
    cached: u64,
    cache_write: u64,
    /// Of those, the ones that are kept for an hour.
    cache_write_1h: u64,
    audio: u64,
    reasoning: u64,
}

impl Parts {
    fn read(node: Node<'_>) -> Self {
        let mut parts = Self::default();
        for (key, value) in node.members() {
            let part = match &*key.name() {
                b"cached_tokens" => &mut parts.cached,
                b"cache_write_tokens" => &mut parts.cache_write,
                b"cache_write_1h_tokens" => &mut parts.cache_write_1h,
                b"audio_tokens" => &mut parts.audio,
                b"reasoning_tokens" => &mut parts.reasoning,
                _ => continue,
            };
            *part = number(value).unwrap_or(0);
        }
        parts
    }
}

/// No real count comes near; sums of these cannot overflow.
const MOST: u64 = 1 << 48;

/// A count; what is negative, broken or no number counts as not said.
fn number(value: Node<'_>) -> Option<u64> {
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
