//! Ids that had to be made, or made shorter. The same input gives the same id
//! in every process: nothing is kept between requests.

use std::borrow::Cow;

/// The longest id of a call that `OpenAI` takes.
const LONGEST_CALL: usize = 40;
/// The longest id of an end user that `OpenAI` takes.
const LONGEST_USER: usize = 64;

/// A call's id as `OpenAI` takes it.
pub(super) fn call(id: &str) -> Cow<'_, str> {
    match id.len() {
        0..=LONGEST_CALL => Cow::Borrowed(id),
        _ => Cow::Owned(format!("call_{:016x}", fnv(&[id.as_bytes()]))),
    }
}

/// An id for a call that came without one.
pub(super) fn made(answer: &str, choice: u32, call: usize) -> String {
    let place = format!("{choice}/{call}");
    format!("call_{:016x}", fnv(&[answer.as_bytes(), place.as_bytes()]))
}

/// An end user's id as `OpenAI` takes it.
pub(super) fn user(id: &str) -> Cow<'_, str> {
    match id.len() {
        0..=LONGEST_USER => Cow::Borrowed(id),
        _ => Cow::Owned(format!("user_{:016x}", fnv(&[id.as_bytes()]))),
    }
}

/// FNV-1a, 64 bits; the parts stay apart.
fn fnv(parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.iter().chain(&[0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
