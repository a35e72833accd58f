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
    few: Vec<Key>,
    /// Objects with many keys, by their place on the tape.
    many: Vec<(u32, HashSet<Cow<'a, str>>)>,
}

impl<'a> Keys<'a> {
    pub(super) fn new() -> Self {
        Self {
            few: Vec::new(),
            many: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.few.len()
    }

    /// This object is closed; `before` keys were noted before it.
    #[inline]
    pub(super) fn leave(&mut self, object: u32, before: usize) {
        self.few.truncate(before);
        if self.many.last().is_some_and(|(of, _)| *of == object) {
            self.many.pop();
        }
    }

    /// Notes the last entry of the tape as a key of `object`; gives the key
    /// if it was there before.
    #[inline]
    pub(super) fn note(
        &mut self,
        bytes: &'a [u8],
        tape: &[Entry],
        object: u32,
        before: usize,
    ) -> Option<String> {
        let entry = tape.last()?;
        if self.many.last().is_some_and(|(of, _)| *of == object) {
            return self.note_by_hash(bytes, entry);
        }
        let print = if entry.escaped {
            print(spelt(bytes, entry).as_bytes())
        } else {
            print(inner(bytes, entry))
        };
        let known = &self.few[before..];
        let same = |key: &Key| {
            key.print == print && spelt(bytes, &tape[key.place as usize]) == spelt(bytes, entry)
        };
        if known.iter().any(same) {
            return Some(spelt(bytes, entry).into_owned());
        }
        let is_full = known.len() >= FEW;
        #[expect(clippy::cast_possible_truncation, reason = "shorter than the text")]
        let place = tape.len() as u32 - 1;
        self.few.push(Key { print, place });
        if is_full {
            let keys = self.few.drain(before..);
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

fn inner<'a>(bytes: &'a [u8], entry: &Entry) -> &'a [u8] {
    &bytes[entry.start as usize + 1..entry.end as usize - 1]
}

fn spelt<'a>(bytes: &'a [u8], entry: &Entry) -> Cow<'a, str> {
    text::decode(inner(bytes, entry))
}

/// The same for the same key; seldom the same for two that differ.
#[inline]
fn print(key: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let len = key.len() as u64;
    let (Some(first), Some(last)) = (key.first_chunk(), key.last_chunk()) else {
        let word = key
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        return word ^ len.wrapping_mul(ODD);
    };
    let ends = u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29);
    ends ^ len.wrapping_mul(ODD)
}
