//! The keys of the objects that are open: each may stand once.
//!
//! They stand on the tape already, so nothing is noted of an object but a bit
//! for each of its keys; only a key whose bit was set before is compared.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Entry, text};

/// Above this many keys, those of an object are kept by their hash.
const FEW: usize = 16;

/// The keys of the innermost object that is open.
#[derive(Default)]
pub(super) struct Keys<'a> {
    /// Where a key's bit is not set, the key is new. The bits of the objects
    /// around this one wait on the tape.
    pub(super) bits: u32,
    /// The keys of the open objects that have many, by their place on the tape.
    many: Vec<(u32, HashSet<Cow<'a, [u8]>>)>,
}

impl<'a> Keys<'a> {
    /// This object, the innermost one, ends.
    #[inline(always)]
    pub(super) fn leave(&mut self, object: u32) {
        if self.many.last().is_some_and(|(of, _)| *of == object) {
            self.many.pop();
        }
    }

    /// Notes the last entry of the tape as a key of `object`; gives the key
    /// if it was there before.
    #[inline(always)]
    pub(super) fn note(&mut self, bytes: &'a [u8], tape: &[Entry], object: u32) -> Option<String> {
        let known = self.bits;
        let bits = bits(bytes, tape.last()?);
        self.bits |= bits;
        if known & bits == 0 {
            return None;
        }
        self.compare(bytes, tape, object)
    }

    /// Notes a key that may be known, or one of many.
    #[inline(never)]
    fn compare(&mut self, bytes: &'a [u8], tape: &[Entry], object: u32) -> Option<String> {
        let new = name(bytes, tape.last()?);
        if let Some((_, keys)) = self.many.last_mut().filter(|(of, _)| *of == object) {
            let is_new = keys.insert(new.clone());
            return (!is_new).then(|| shown(&new));
        }
        let known = || known(tape, object).map(|key| name(bytes, key));
        if known().any(|key| key == new) {
            return Some(shown(&new));
        }
        // Where one holds escapes, all are compared with it from now on: in a
        // set each is decoded once.
        let is_escaped = self.bits == u32::MAX;
        if is_escaped || known().nth(FEW - 1).is_some() {
            let keys = known().chain([new]).collect();
            self.many.push((object, keys));
            // From now on every key is looked up.
            self.bits = u32::MAX;
        }
        None
    }
}

/// The keys of an open object, but for the last one of the tape.
fn known(tape: &[Entry], object: u32) -> impl Iterator<Item = &Entry> {
    let mut at = object as usize + 1;
    std::iter::from_fn(move || {
        let value = tape.get(at + 1)?;
        let key = &tape[at];
        at = value.next as usize;
        Some(key)
    })
}

/// The bit of a key: the same for the same key. One that holds escapes may be
/// any key, and has them all.
#[inline(always)]
fn bits(bytes: &[u8], key: &Entry) -> u32 {
    if key.escaped {
        return u32::MAX;
    }
    // What stands beside its quotes, which are these bytes where it is empty.
    let (start, end) = (key.start as usize + 1, key.end as usize - 2);
    let (first, last) = (u32::from(bytes[start]), u32::from(bytes[end]));
    // With these factors, the keys of a request or an answer seldom meet.
    1 << ((first + 5 * last + 3 * (key.end - key.start)) % u32::BITS)
}

/// A key, decoded; borrowed if it holds no escape.
#[inline(always)]
pub(super) fn name<'a>(bytes: &'a [u8], key: &Entry) -> Cow<'a, [u8]> {
    let raw = &bytes[key.start as usize + 1..key.end as usize - 1];
    if key.escaped {
        return Cow::Owned(text::decode(raw).into_owned().into_bytes());
    }
    Cow::Borrowed(raw)
}

/// A key for a message.
#[cold]
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
