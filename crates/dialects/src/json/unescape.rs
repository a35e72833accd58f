//! The escapes of a text that comes piece by piece.

use std::mem;

use super::text::{escape, hex4, unescaped};

/// How deep guards read JSON within the strings of JSON: arguments of a tool
/// that takes JSON in a string, and that in another.
pub const LEVELS: usize = 3;

/// What a text stands for that holds JSON, and what that stands for, level by
/// level, as long as one says what the last did not.
#[must_use]
pub fn levels(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    while all.len() < LEVELS {
        let last = all.last().map_or(text, String::as_str);
        let next = unescaped(last);
        if next == last {
            break;
        }
        let next = next.into_owned();
        all.push(next);
    }
    all
}

/// Reads a text that holds JSON as [`unescaped`] does, however it is cut.
#[derive(Clone, Debug, Default)]
pub struct Unescaper {
    /// An escape that is not complete.
    open: String,
}

impl Unescaper {
    /// The next piece, with what its escapes stand for. An escape at its end
    /// that may go on is kept back.
    pub fn push(&mut self, text: &str) -> String {
        let mut whole = mem::take(&mut self.open);
        whole.push_str(text);
        let at = complete(whole.as_bytes());
        self.open = whole.split_off(at);
        unescaped(&whole).into_owned()
    }

    /// How many bytes are kept back.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Nothing more comes: what the rest stands for.
    pub fn finish(&mut self) -> String {
        unescaped(&mem::take(&mut self.open)).into_owned()
    }
}

/// Up to where all escapes are complete.
fn complete(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let after = &rest[at + 1..];
        if may_go_on(after) {
            return text.len() - after.len() - 1;
        }
        rest = escape(after).1;
    }
    text.len()
}

/// Whether what follows a backslash is the beginning of an escape, and not
/// all of one.
fn may_go_on(after: &[u8]) -> bool {
    let Some(digits) = after.strip_prefix(b"u") else {
        return after.is_empty();
    };
    match hex4(digits) {
        None => digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit),
        // The first half of a pair; the second may still come.
        Some(0xd800..0xdc00) => match &digits[4..] {
            [] | [b'\\'] => true,
            [b'\\', b'u', low @ ..] => low.len() < 4 && low.iter().all(u8::is_ascii_hexdigit),
            _ => false,
        },
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zé😀]{0,3}",
            Just("\\".to_owned()),
            Just("\\u".to_owned()),
            "\\\\u[0-9a-f]{1,4}",
            "\\\\ud[89ab][0-9a-f]{2}",
            "\\\\ud[cdef][0-9a-f]{2}",
            "\\\\[nt\"\\\\/é]",
        ]
    }

    proptest! {
        #[test]
        fn a_text_reads_the_same_however_it_is_cut(
            pieces in vec(piece(), 0..12),
            cuts in vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let text = pieces.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|at| at.index(text.len() + 1)).collect();
            cuts.retain(|at| text.is_char_boundary(*at));
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut reader = Unescaper::default();
            let mut read = String::new();
            for cut in cuts.windows(2) {
                read.push_str(&reader.push(&text[cut[0]..cut[1]]));
                prop_assert!(reader.open() < 12);
            }
            read.push_str(&reader.finish());
            prop_assert_eq!(read, unescaped(&text).into_owned());
        }
    }
}
