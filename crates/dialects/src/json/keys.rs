//! The keys of the objects that are open: each may stand once.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Entry, text};

/// Up to this many keys are compared one by one; above, by their hash.
const FEW: usize = 16;

/// A key: where it is on the tape, and a print of it as decoded.
#[derive(Clone, Copy)]
struct Key {
    print: u64,
    place: u32,
}

/// The keys of all open objects, innermost last.
pub(super) struct Keys<'a> {
    /// The keys of one object behind those of the one around it; between them
    /// stands, in the form of a key, what was known of that one.
    few: Vec<Key>,
    /// Objects with many keys, by their place on the tape.
    many: Vec<(u32, HashSet<Cow<'a, str>>)>,
    /// Where the keys of the innermost object begin.
    first: u32,
    /// A bit for each of its prints: where it is not set, the key is new.
    bits: u64,
}

impl<'a> Keys<'a> {
    pub(super) fn new() -> Self {
        Self {
            few: Vec::with_capacity(2 * FEW),
            many: Vec::new(),
            first: 0,
            bits: 0,
        }
    }

    /// An object begins.
    #[inline(always)]
    pub(super) fn enter(&mut self) {
        self.few.push(Key {
            print: self.bits,
            place: self.first,
        });
        self.first = short(self.few.len());
        self.bits = 0;
    }

    /// This object, the innermost one, ends.
    #[inline(always)]
    pub(super) fn leave(&mut self, object: u32) {
        let before = self.first as usize - 1;
        let around = self.few[before];
        self.bits = around.print;
        self.first = around.place;
        self.few.truncate(before);
        if self.many.last().is_some_and(|(of, _)| *of == object) {
            self.many.pop();
        }
    }

    /// Notes the last entry of the tape as a key of `object`; gives the key
    /// if it was there before.
    #[inline(always)]
    pub(super) fn note(&mut self, bytes: &'a [u8], tape: &[Entry], object: u32) -> Option<String> {
        let entry = tape.last()?;
        let print = if entry.escaped {
            print(spelt(bytes, entry).as_bytes(), 0, None)
        } else {
            let start = entry.start as usize + 1;
            print(bytes, start, Some(entry.end as usize - 1))
        };
        let bit = 1 << (print >> 58);
        let is_new = self.bits & bit == 0;
        self.bits |= bit;
        if !is_new || self.few.len() - self.first as usize >= FEW {
            return self.compare(bytes, tape, object, print);
        }
        self.few.push(Key {
            print,
            place: short(tape.len()) - 1,
        });
        None
    }

    /// Notes a key that may be known, or one of many.
    #[inline(never)]
    fn compare(
        &mut self,
        bytes: &'a [u8],
        tape: &[Entry],
        object: u32,
        print: u64,
    ) -> Option<String> {
        let entry = tape.last()?;
        if self.many.last().is_some_and(|(of, _)| *of == object) {
            return self.note_by_hash(bytes, entry);
        }
        let known = &self.few[self.first as usize..];
        let same = |key: &Key| {
            key.print == print && spelt(bytes, &tape[key.place as usize]) == spelt(bytes, entry)
        };
        if known.iter().any(same) {
            return Some(spelt(bytes, entry).into_owned());
        }
        let is_full = known.len() >= FEW;
        self.few.push(Key {
            print,
            place: short(tape.len()) - 1,
        });
        if is_full {
            let keys = self.few[self.first as usize..].iter();
            let keys = keys.map(|key| spelt(bytes, &tape[key.place as usize]));
            self.many.push((object, keys.collect()));
        }
        None
    }

    fn note_by_hash(&mut self, bytes: &'a [u8], entry: &Entry) -> Option<String> {
        let (_, keys) = self.many.last_mut()?;
        let key = spelt(bytes, entry);
        if keys.contains(&key) {
            return Some(key.into_owned());
        }
        keys.insert(key);
        None
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the text is at most u32::MAX long"
)]
const fn short(at: usize) -> u32 {
    at as u32
}

fn inner<'a>(bytes: &'a [u8], entry: &Entry) -> &'a [u8] {
    &bytes[entry.start as usize + 1..entry.end as usize - 1]
}

fn spelt<'a>(bytes: &'a [u8], entry: &Entry) -> Cow<'a, str> {
    text::decode(inner(bytes, entry))
}

/// The same for the same key; seldom the same for two that differ.
#[inline(always)]
fn print(bytes: &[u8], start: usize, end: Option<usize>) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let end = end.unwrap_or(bytes.len());
    let len = end - start;
    let word = match bytes.get(start..).and_then(<[u8]>::first_chunk) {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let mut word = [0; 8];
            let rest = &bytes[start..];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(word)
        }
    };
    let len = len as u64;
    if len < 8 {
        return (word & ((1 << (8 * len)) - 1) ^ len << 56).wrapping_mul(ODD);
    }
    let last = bytes[start..end].last_chunk();
    let last = last.map_or(0, |last| u64::from_le_bytes(*last));
    (word ^ last.rotate_left(29) ^ len << 56).wrapping_mul(ODD)
}
