//! Patterns over models' names.
//!
//! | pattern | names |
//! |---|---|
//! | `qwen3` | this one |
//! | `qwen3:*` | those that begin so |
//! | `*claude*` | those with this word |
//! | `*gpt- >= 5.6` | those with a number of 5.6 or more right behind `gpt-` |
//! | `*claude* < 4.6` | those with a lower number somewhere behind `claude` |
//!
//! Capitals and small letters are the same. In `claude-opus-4-8`,
//! `gemini-2.5-pro` and `gpt-5` the numbers are 4.8, 2.5 and 5.0; a date is no
//! number, nor is what stands behind one, or behind the `v` of `-v1:0`.

use serde::{Deserialize, Serialize};

/// Which models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    /// What the name is like; before its number, where there is a bound.
    glob: String,
    bound: Option<Bound>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    From(Version),
    Below(Version),
}

/// Major and minor.
type Version = (u32, u32);

/// The text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pattern: write it like `*claude*` or `*claude* >= 4.6`")]
pub struct NoPattern(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`NoPattern`].
    pub fn parse(text: &str) -> Result<Self, NoPattern> {
        let wrong = || NoPattern(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (glob, bound) = match words.as_slice() {
            [glob] => (*glob, None),
            [glob, sign, number] => {
                let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
                let read = |digits: &str| digits.parse().map_err(|_| wrong());
                let version = (read(major)?, read(minor)?);
                let bound = match *sign {
                    ">=" => Bound::From(version),
                    "<" => Bound::Below(version),
                    _ => return Err(wrong()),
                };
                (*glob, Some(bound))
            }
            _ => return Err(wrong()),
        };
        Ok(Self {
            text: text.to_owned(),
            glob: glob.to_owned(),
            bound,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a name is one of those.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        match self.bound {
            None => is_like(&self.glob, name),
            Some(bound) => version(&self.glob, name).is_some_and(|version| match bound {
                Bound::From(least) => version >= least,
                Bound::Below(end) => version < end,
            }),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = NoPattern;

    fn try_from(text: String) -> Result<Self, NoPattern> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

/// Whether a model is one of these; all are where there are no patterns.
#[must_use]
pub fn are_for(models: &[Pattern], name: &str) -> bool {
    models.is_empty() || models.iter().any(|pattern| pattern.fits(name))
}

/// Whether a text is as `glob` says; `*` is any text.
fn is_like(glob: &str, text: &str) -> bool {
    let Some((start, rest)) = glob.split_once('*') else {
        return glob.eq_ignore_ascii_case(text);
    };
    let Some(mut text) = behind(start, text) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place will do: what is between may be anything.
        let mut places = text.char_indices().map(|(at, _)| &text[at..]);
        match places.find_map(|rest| behind(part, rest)) {
            Some(rest) => text = rest,
            None if part.is_empty() => {}
            None => return false,
        }
    }
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..))
        .is_some_and(|last| last.eq_ignore_ascii_case(end))
}

/// What of a text is behind its beginning.
fn behind<'a>(start: &str, text: &'a str) -> Option<&'a str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start)
        .then(|| &text[start.len()..])
}

/// The first number behind what `glob` says.
fn version(glob: &str, name: &str) -> Option<Version> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric();
    let mut at = 0;
    let mut parts = name
        .as_bytes()
        .chunk_by(|a, b| is_letter(a) == is_letter(b))
        .filter_map(|chunk| {
            let start = at;
            at += chunk.len();
            chunk
                .first()
                .is_some_and(is_letter)
                .then_some((start, chunk))
        })
        .peekable();
    while let Some((start, part)) = parts.next() {
        let is_behind = || name.get(..start).is_some_and(|head| is_like(glob, head));
        match number(part) {
            Some(major) if is_behind() => {
                let minor = parts.peek().and_then(|(_, next)| number(next));
                return Some((major, minor.unwrap_or(0)));
            }
            None if ends_search(part) && is_behind() => return None,
            _ => {}
        }
    }
    None
}

/// A part of a version: one or two digits.
fn number(part: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(part).ok()?;
    (text.len() <= 2).then(|| text.parse().ok())?
}

/// Whether a part is a date or the like, or the `v1` of `-v1:0`.
fn ends_search(part: &[u8]) -> bool {
    let digits = part.strip_prefix(b"v").unwrap_or(part);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).expect("a pattern").fits(name)
    }

    #[test]
    fn a_star_is_any_text() {
        assert!(fits("qwen3", "qwen3") && fits("QWEN3", "Qwen3") && !fits("qwen3", "qwen3:4b"));
        assert!(fits("qwen3:*", "qwen3:4b") && !fits("qwen3:*", "a/qwen3:4b"));
        assert!(fits("*/qwen3", "hf.co/x/qwen3") && !fits("*/qwen3", "qwen3"));
        assert!(fits("*claude*opus*", "anthropic/claude-3-opus"));
        assert!(!fits("*claude*opus*", "opus-claude"));
        assert!(fits("a*a", "aa") && !fits("a*a", "a") && fits("*", "") && fits("**", "x"));
        assert!(!fits("*é*", "e") && fits("*é*", "caffé latte"));
    }

    #[test]
    fn a_number_right_behind_is_compared() {
        assert!(fits("*gpt- >= 5.6", "openai/gpt-5.6-terra") && fits("*gpt- >= 5.6", "gpt-6"));
        assert!(!fits("*gpt- >= 5.6", "gpt-5-2025-08-07"));
        assert!(!fits("*gpt- >= 5.6", "gpt-4o-mini-2024-07-18"));
        assert!(!fits("*gpt- >= 5.6", "gpt-oss-20b") && !fits("*gpt- < 9", "gpt-oss-20b"));
        assert!(fits("*gemini- < 2.1", "gemini-2.0-flash"));
        assert!(!fits("*gemini- < 2.1", "gemini-robotics-er-1.5-preview"));
        assert!(fits("*gemini- >= 3", "models/gemini-10-pro"));
    }

    #[test]
    fn a_star_lets_words_stand_before_the_number() {
        for name in [
            "claude-sonnet-4.6",
            "us.anthropic.claude-opus-4-6-v1",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-4-6-opus-20250514-v1:0",
        ] {
            assert!(fits("*claude* >= 4.6", name), "{name}");
            assert!(!fits("*claude* >= 4.7", name) && fits("*claude* < 4.7", name));
        }
        assert!(fits("*claude* < 4.1", "claude-sonnet-4-20250514"));
        for name in ["claude-latest", "anthropic.claude-v2:1", "kimi-k2"] {
            assert!(!fits("*claude* >= 0", name), "{name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "a b", "a > 3", "a >= x", "a >= 1.2.3", ">= 3 4 5"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
