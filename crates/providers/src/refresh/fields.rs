//! Numbers and words out of somebody else's JSON.

use std::collections::BTreeMap;

use domain::money::NanoUsd;
use serde_json::value::RawValue;

use crate::catalogue::Line;
use crate::rate::billionths;

/// More dollars per million tokens, or per piece, are a mistake.
const DEAREST: i64 = 100_000 * 1_000_000_000;
/// More tokens than any model takes.
const MOST_TOKENS: i64 = 1_000_000_000;

/// The members of an entry, as they are written.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// A price in dollars; the number counts ten to `shift` of them.
pub(super) fn usd(name: &str, value: &RawValue, shift: i32) -> Result<String, String> {
    let nanos = billionths(value.get(), shift).map_err(|why| format!("{name}: {why}"))?;
    if nanos > DEAREST {
        return Err(format!("{name}: `{}` is too large", value.get()));
    }
    Ok(NanoUsd(nanos).to_string())
}

/// A count of tokens; none of them is none that is known.
pub(super) fn tokens(name: &str, value: &RawValue) -> Result<Option<u64>, String> {
    if value.get() == "null" {
        return Ok(None);
    }
    let wrong = |why: String| format!("{name}: {why}");
    let billionths = billionths(value.get(), 0).map_err(wrong)?;
    let (whole, part) = (billionths / 1_000_000_000, billionths % 1_000_000_000);
    if part != 0 || whole > MOST_TOKENS {
        return Err(format!("{name}: `{}` is no count of tokens", value.get()));
    }
    Ok(u64::try_from(whole).ok().filter(|count| *count > 0))
}

/// A text.
pub(super) fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// Whether it says so.
pub(super) fn is_true(value: &RawValue) -> bool {
    value.get() == "true"
}

impl Line {
    /// Whether there is a name and nothing that holds for it.
    pub(super) fn says_nothing(&self) -> bool {
        self.input.is_none() && self.context.is_none() && self.max_output.is_none()
    }

    /// Leaves out what says nothing.
    pub(super) fn tidy(&mut self) {
        if self.is_free() {
            // No provider gives its models away: it says that nobody knows.
            // A price that is not known must be seen as such.
            self.forget_price();
        }
        // What costs the same as its side has no price of its own, and goes up
        // with it where prompts are long.
        self.audio_input
            .take_if(|usd| Some(&*usd) == self.input.as_ref());
        self.reasoning
            .take_if(|usd| Some(&*usd) == self.output.as_ref());
        self.audio_output
            .take_if(|usd| Some(&*usd) == self.output.as_ref());
        for tier in &mut self.tiers {
            tier.audio_input
                .take_if(|usd| Some(&*usd) == tier.input.as_ref());
            tier.reasoning
                .take_if(|usd| Some(&*usd) == tier.output.as_ref());
            tier.audio_output
                .take_if(|usd| Some(&*usd) == tier.output.as_ref());
        }
        let pieces = [
            &mut self.image_input,
            &mut self.image_output,
            &mut self.per_image,
            &mut self.per_image_output,
            &mut self.batch_input,
            &mut self.batch_output,
        ];
        for piece in pieces {
            piece.take_if(|usd| usd == "0");
        }
    }

    /// Whether nothing that the gateway would charge costs anything.
    fn is_free(&self) -> bool {
        let is_nothing = |part: &Option<String>| part.as_deref().is_none_or(|part| part == "0");
        let parts = [
            &self.input,
            &self.output,
            &self.cached,
            &self.per_request,
            &self.audio_input,
            &self.audio_output,
        ];
        let has_tier = self.tiers.iter().any(|tier| {
            let parts = [&tier.input, &tier.output, &tier.audio_input];
            !parts.into_iter().all(is_nothing)
        });
        parts.into_iter().all(is_nothing) && !has_tier
    }
}
