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

/// A price of nothing at all says that nobody knows it: no provider gives its
/// models away, and a price that is not known must be seen as such.
pub(super) fn without_nothing(line: &mut Line) {
    let is_nothing = |part: &Option<String>| part.as_deref().is_none_or(|part| part == "0");
    let parts = [
        &line.input,
        &line.output,
        &line.cached,
        &line.per_request,
        &line.audio_input,
        &line.audio_output,
    ];
    let is_free = parts.into_iter().all(is_nothing);
    let has_tier = line.tiers.iter().any(|tier| {
        let parts = [&tier.input, &tier.output, &tier.audio_input];
        !parts.into_iter().all(is_nothing)
    });
    if is_free && !has_tier {
        line.forget_price();
    }
    let pieces = [
        &mut line.image_input,
        &mut line.image_output,
        &mut line.per_image,
        &mut line.per_image_output,
        &mut line.batch_input,
        &mut line.batch_output,
    ];
    for piece in pieces {
        piece.take_if(|usd| usd == "0");
    }
}
