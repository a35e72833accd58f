//! What text weighs: a sum over its letters, many at a time, written so that
//! the compiler makes vectors of it. Escapes are weighed as what they mean,
//! where they lie.
//!
//! A letter's weight is known from its first byte, twice with a look at the
//! second; the bytes that follow weigh nothing.

use crate::json::escape;

/// So many bytes are weighed at a time.
const BLOCK: usize = 32;
/// So many blocks may be summed up in bytes: none weighs more than 24 a byte.
const BLOCKS: usize = 10;
/// Shorter texts are weighed byte by byte.
const SHORT: usize = 16;
/// What a sign weighs, and a byte that is there only to fill a block.
const SIGN: u8 = 6;

/// The byte before, the byte, and the byte behind, to the weight of the byte,
/// and not zero if it cannot be told.
type Weighed = (u8, u8);

/// The weight of a letter.
pub(super) fn of_letter(letter: char) -> u64 {
    match letter {
        'a'..='z' | 'A'..='Z' | ' ' => 3,
        '0'..='9' => 4,
        '\0'..='\x7f' => 6,
        // Latin with marks.
        '\u{80}'..='\u{24f}' => 6,
        // Greek to Georgian, and what lies between.
        '\u{250}'..='\u{10ff}' => 5,
        // Hangul, kana, ideographs, and the rest of the first plane.
        '\u{1100}'..='\u{ffff}' => 12,
        '\u{1_0000}'.. => 24,
    }
}

/// The weight of a text.
pub(super) fn of_text(text: &[u8]) -> u64 {
    if text.len() < SHORT {
        let next = text.iter().skip(1).chain(&[0]);
        let each = text.iter().zip(next);
        return each.map(|(byte, next)| u64::from(wide(*byte, *next))).sum();
    }
    if let Some(weight) = of_ascii(text) {
        return weight;
    }
    sum(text, |_, byte, next| (wide(byte, next), 0)).0
}

/// The weight of a text that is all ASCII: a sign for each byte, less what the
/// bytes of the lighter kinds, which are counted, weigh less.
fn of_ascii(text: &[u8]) -> Option<u64> {
    let (mut blocks, rest) = text.as_chunks::<BLOCK>();
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    let mut counts = Counts::default();
    counts.add(&last);
    let mut lighter = 0;
    loop {
        // So many blocks, and the last one, that no count grows beyond a byte.
        let (group, others) = blocks.split_at(blocks.len().min(254));
        for block in group {
            counts.add(block);
        }
        lighter += counts.lighter()?;
        if others.is_empty() {
            return Some(text.len() as u64 * u64::from(SIGN) - lighter);
        }
        blocks = others;
        counts = Counts::default();
    }
}

/// How many letters and digits stood in each lane, and all bytes, or'ed.
#[derive(Default)]
struct Counts {
    letters: [u8; BLOCK],
    digits: [u8; BLOCK],
    high: [u8; BLOCK],
}

impl Counts {
    #[inline(always)]
    fn add(&mut self, block: &[u8; BLOCK]) {
        for (lane, byte) in block.iter().enumerate() {
            self.letters[lane] = self.letters[lane].wrapping_add(u8::from(is_letter(*byte)));
            self.digits[lane] = self.digits[lane].wrapping_add(u8::from(is_digit(*byte)));
            self.high[lane] |= byte;
        }
    }

    /// What all of it weighs less than signs would, if it is ASCII.
    #[inline(always)]
    fn lighter(&self) -> Option<u64> {
        let high = self.high.into_iter().fold(0, |all, byte| all | byte);
        (high < 0x80).then(|| 3 * total(&self.letters) + 2 * total(&self.digits))
    }
}

/// The sum of all lanes: of pairs first, so that none overflows.
#[inline]
fn total(lanes: &[u8; BLOCK]) -> u64 {
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let words = lanes.as_chunks().0.iter();
    let pairs = words.map(|word| {
        let word = u64::from_le_bytes(*word);
        (word & EVEN) + (word >> 8 & EVEN)
    });
    pairs.sum::<u64>().wrapping_mul(0x0001_0001_0001_0001) >> 48
}

/// The weight of a text that holds escapes, as it stands between its quotes.
pub(super) fn of_escaped(raw: &[u8]) -> u64 {
    if raw.len() >= SHORT {
        let judge = |before, byte, next| {
            let (less, fault) = lead(before, byte, next);
            (ascii(byte).wrapping_sub(less), fault | byte & 0x80)
        };
        let (weight, fault) = sum(raw, judge);
        if fault == 0 {
            return weight;
        }
        if fault & 0x80 != 0 {
            let judge = |before, byte, next| {
                let (less, fault) = lead(before, byte, next);
                (wide(byte, next).wrapping_sub(less), fault)
            };
            let (weight, fault) = sum(raw, judge);
            if fault == 0 {
                return weight;
            }
        }
    }
    piecewise(raw)
}

/// Escape by escape.
fn piecewise(raw: &[u8]) -> u64 {
    let mut weight = 0;
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (letter, behind) = escape(&rest[at + 1..]);
        weight += of_text(&rest[..at]) + of_letter(letter);
        rest = behind;
    }
    weight + of_text(rest)
}

/// Adds up the weights, until one cannot be told.
#[inline]
fn sum(text: &[u8], judge: impl Fn(u8, u8, u8) -> Weighed) -> (u64, u8) {
    let mut at = 0;
    let mut weight = 0;
    while at < text.len() {
        let mut lanes = [0_u8; BLOCK];
        let mut faults = [0_u8; BLOCK];
        for _ in 0..BLOCKS {
            let window = at.checked_sub(1).map(|from| text[from..].first_chunk());
            let padded;
            let window: &[u8; BLOCK + 2] = match window.flatten() {
                Some(window) => window,
                None => {
                    padded = pad(text, at);
                    &padded
                }
            };
            for lane in 0..BLOCK {
                let (byte, fault) = judge(window[lane], window[lane + 1], window[lane + 2]);
                lanes[lane] = lanes[lane].wrapping_add(byte);
                faults[lane] |= fault;
            }
            at += BLOCK;
            if at >= text.len() {
                break;
            }
        }
        let fault = faults.into_iter().fold(0, |all, fault| all | fault);
        if fault != 0 {
            return (0, fault);
        }
        weight += total(&lanes);
    }
    let filled = (at - text.len()) as u64;
    (weight - filled * u64::from(SIGN), 0)
}

/// The block at `at` with its neighbours, where some of them are missing.
fn pad(text: &[u8], at: usize) -> [u8; BLOCK + 2] {
    let mut window = [0; BLOCK + 2];
    let from = at.saturating_sub(1);
    let part = &text[from..text.len().min(at + BLOCK + 1)];
    let place = 1 - (at - from);
    window[place..place + part.len()].copy_from_slice(part);
    window
}

/// Where a backslash leads an escape: the weight of the byte behind it, which
/// the escape does not have, and a fault where three bytes do not tell.
#[inline]
fn lead(before: u8, byte: u8, next: u8) -> Weighed {
    let is_lead = (byte == b'\\') & (before != b'\\');
    let is_sign = (next == b'"') | (next == b'\\') | (next == b'/');
    let less = if is_sign { SIGN } else { 3 };
    let is_unclear =
        is_lead & (next == b'u') | (before == b'\\') & (byte == b'\\') & (next == b'\\');
    (if is_lead { less } else { 0 }, u8::from(is_unclear))
}

/// A letter or a space. No branches here and below, so that it can be done for
/// many bytes at once.
#[inline]
fn is_letter(byte: u8) -> bool {
    is_among::<b'a', b'z'>(byte | 0x20) | (byte == b' ')
}

#[inline]
fn is_digit(byte: u8) -> bool {
    is_among::<b'0', b'9'>(byte)
}

/// Whether a byte is one from `FIRST` to `LAST`. They are moved to where only
/// one comparison is needed, and one with signs: vectors have no other.
#[inline]
fn is_among<const FIRST: u8, const LAST: u8>(byte: u8) -> bool {
    const TOP: u8 = i8::MAX as u8;
    let moved = byte.wrapping_add(TOP.wrapping_sub(LAST));
    moved.cast_signed() >= (TOP - (LAST - FIRST)).cast_signed()
}

#[inline]
fn ascii(byte: u8) -> u8 {
    SIGN - 3 * u8::from(is_letter(byte)) - 2 * u8::from(is_digit(byte))
}

#[inline]
fn wide(byte: u8, next: u8) -> u8 {
    let follows = byte & 0xc0 == 0x80;
    // Greek and more: 5, one less than Latin.
    let is_greek = (byte >= 0xca) | (byte == 0xc9) & (next >= 0x90);
    // Hangul and more: 12; the other planes: 24.
    let is_hangul = (byte >= 0xe2) | (byte == 0xe1) & (next >= 0x84);
    let more = 7 * u8::from(is_hangul) + 12 * u8::from(byte >= 0xf0);
    ascii(byte) - SIGN * u8::from(follows) + more - u8::from(is_greek)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{decode, write_escaped};

    fn slowly(text: &str) -> u64 {
        text.chars().map(of_letter).sum()
    }

    #[test]
    fn every_letter_is_known_by_its_first_two_bytes() {
        for letter in '\0'..=char::MAX {
            let mut bytes = [0; 5];
            let len = letter.encode_utf8(&mut bytes).len();
            let each = bytes[..len].iter().zip(&bytes[1..]);
            let weight: u64 = each.map(|(byte, next)| u64::from(wide(*byte, *next))).sum();
            assert_eq!(weight, of_letter(letter), "{letter:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_weighs_what_its_letters_weigh(text in "\\PC{0,80}|[ -~]{0,400}|[\\x00-\\x7fÄа]{0,99}") {
            prop_assert_eq!(of_text(text.as_bytes()), slowly(&text));
            let mut raw = Vec::new();
            write_escaped(&mut raw, &text);
            prop_assert_eq!(of_escaped(&raw), slowly(&text));
        }

        #[test]
        fn escapes_weigh_what_they_mean(
            pieces in proptest::collection::vec(prop::sample::select(vec![
                "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "\\ud800", "\\u0041",
                "n", "u", "1", " text of some length ", "\\\\\\\"", "é", "門", "{", "\\t\\t",
            ]), 0..40),
        ) {
            let raw = pieces.concat();
            prop_assert_eq!(of_escaped(raw.as_bytes()), slowly(&decode(raw.as_bytes())));
        }
    }
}
