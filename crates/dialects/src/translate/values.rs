//! What a value may be, where every dialect knows the setting.

use std::ops::RangeInclusive;

use domain::canon::{Dialect, Request, Unknown};
use domain::refusal::{Reason, Refusal};

use crate::json::{Kind, Node};

/// The words for how much to think.
pub(crate) const EFFORTS: &str = "`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`";
/// The words for how long an answer is.
pub(crate) const VERBOSITIES: &str = "`low`, `medium` or `high`";
/// What a temperature may be at `OpenAI` and Google.
pub(crate) const TEMPERATURE: RangeInclusive<f64> = 0.0..=2.0;
/// What a penalty may be there.
pub(crate) const PENALTY: RangeInclusive<f64> = -2.0..=2.0;
/// What a part may be.
pub(crate) const PART: RangeInclusive<f64> = 0.0..=1.0;
/// The most alternatives to a token, anywhere.
pub(crate) const MOST_LOGPROBS: u32 = 20;

/// Settings of Responses whose value may be a word that comes after our time: a
/// provider of that dialect is asked. No other one can be told it.
const WORDS: &[(&str, &str)] = &[
    ("reasoning.effort", EFFORTS),
    ("reasoning.summary", "`auto`, `concise` or `detailed`"),
    ("text.verbosity", VERBOSITIES),
    (
        "text.format",
        "a `type` of `text`, `json_object` or `json_schema`",
    ),
];

/// Whether a word says how long an answer is to be.
pub(crate) fn is_verbosity(word: &str) -> bool {
    matches!(word, "low" | "medium" | "high")
}

/// Says what is expected, if the node is no number in this range.
pub(crate) fn outside(node: Node<'_>, range: &RangeInclusive<f64>) -> Option<String> {
    let number = std::str::from_utf8(node.raw()).ok();
    let number = number.filter(|_| node.kind() == Kind::Number);
    let number = number.and_then(|text| text.parse::<f64>().ok());
    let is_within = number.is_some_and(|number| range.contains(&number));
    let (low, high) = (range.start(), range.end());
    (!is_within).then(|| format!("a number from {low} to {high}"))
}

/// Whether a number is written as a whole one.
pub(crate) fn is_whole(node: Node<'_>) -> bool {
    let digits = node.raw();
    let digits = digits.strip_prefix(b"-").unwrap_or(digits);
    node.kind() == Kind::Number && digits.iter().all(u8::is_ascii_digit)
}

/// What of a request is no value of its setting, where a target of this dialect
/// is asked and the client speaks another one.
#[must_use]
pub fn wrong_value(request: &Request, theirs: Dialect) -> Option<Refusal> {
    // Anthropic warms its cache by it.
    if request.max_tokens == Some(0) && theirs != Dialect::Anthropic {
        return Some(wrong("max_tokens", "a whole number, at least 1"));
    }
    let foreign = |member: &&Unknown| member.dialect != theirs;
    request.rest.iter().filter(foreign).find_map(|member| {
        let (name, expected) = WORDS.iter().find(|(name, _)| *name == member.name)?;
        Some(wrong(name, expected))
    })
}

fn wrong(field: &str, expected: &str) -> Refusal {
    let message = format!("The field `{field}` has a wrong value: expected {expected}.");
    Refusal::new(Reason::BadField, message).at(field)
}
