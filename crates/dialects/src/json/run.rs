//! Runs of plain bytes within a string: where they end.
//!
//! Nearly all text is ASCII, and looking for its end finds out whether it is:
//! such a run ends at a letter of another kind too, and the rest of the string
//! is then looked at by a second rule.
//!
//! Short strings are read by words, longer ones by blocks, which the compiler
//! makes vectors of, and the longest by `memchr`, which knows wider vectors.

/// The last byte that belongs to a run of ASCII, and to a run of any letters.
const ASCII: u8 = 0x7f;
const ANY: u8 = 0xff;

const WORD: usize = 8;
/// So many words are looked at one by one: most strings are shorter.
const WORDS: usize = 2;
/// So many bytes at a time after that, so many times: most lines are shorter.
const BLOCK: usize = 32;
const BLOCKS: usize = 4;
/// So many bytes of a long run at a time.
const LONG: usize = 64;

/// This byte in each place of a word.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

/// Marks a byte that ends a run of ASCII. The first mark is exact; a borrow
/// may mark a byte behind it by mistake.
const fn marks(word: u64) -> u64 {
    // With this bit turned, a quote stands right behind the control characters
    // and all others behind it: one comparison is enough for both.
    let low = (word ^ each(b'"' ^ b' ')).wrapping_sub(each(b' ' + 1));
    let slash = (word ^ each(b'\\')).wrapping_sub(each(1));
    (low | slash | word) & each(0x80)
}

/// The first byte from `at` on that is a quote, a backslash, a control
/// character or not ASCII, or the end of the text.
#[inline(always)]
pub(super) fn end_of_ascii(bytes: &[u8], mut at: usize) -> usize {
    for _ in 0..WORDS {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return tail::<ASCII>(bytes, at);
        };
        match marks(u64::from_le_bytes(*word)) {
            0 => at += WORD,
            marks => return at + marks.trailing_zeros() as usize / 8,
        }
    }
    blocks::<ASCII>(bytes, at)
}

/// The first byte from `at` on that is a quote, a backslash or a control
/// character, or the end of the text.
pub(super) fn end(bytes: &[u8], at: usize) -> usize {
    blocks::<ANY>(bytes, at)
}

/// Goes on by blocks.
#[inline(never)]
fn blocks<const LAST: u8>(bytes: &[u8], mut at: usize) -> usize {
    for _ in 0..BLOCKS {
        let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return tail::<LAST>(bytes, at);
        };
        if let Some(end) = in_block::<LAST>(block) {
            return at + end;
        }
        at += BLOCK;
    }
    long::<LAST>(bytes, at)
}

/// The first byte of a block that ends a run.
#[inline(always)]
fn in_block<const LAST: u8>(block: &[u8; BLOCK]) -> Option<usize> {
    let mut ends = [0; BLOCK];
    for lane in 0..BLOCK {
        ends[lane] = if is_end::<LAST>(block[lane]) {
            u8::MAX
        } else {
            0
        };
    }
    let words = ends
        .as_chunks()
        .0
        .iter()
        .map(|word| u64::from_le_bytes(*word));
    if words.clone().fold(0, |any, word| any | word) == 0 {
        return None;
    }
    let found = words.enumerate().find(|(_, word)| *word != 0);
    found.map(|(at, word)| at * WORD + word.trailing_zeros() as usize / 8)
}

/// Less than a block is left of the text.
#[inline(never)]
fn tail<const LAST: u8>(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let end = rest.iter().position(|byte| is_end::<LAST>(*byte));
    at + end.unwrap_or(rest.len())
}

/// Goes on behind some plain blocks.
#[inline(never)]
fn long<const LAST: u8>(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let run = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    let mut highest = [0; LONG];
    let mut add = |block: &[u8; LONG]| {
        for lane in 0..LONG {
            highest[lane] = highest[lane].max(above_plain(block[lane]));
        }
    };
    rest[..run].as_chunks().0.iter().for_each(&mut add);
    // What is left, behind bytes that were added or were plain before.
    if let Some(block) = bytes[..at + run].last_chunk() {
        add(block);
    }
    if highest.into_iter().fold(0, u8::max) > above_plain(LAST) {
        return at + odd::<LAST>(&rest[..run]);
    }
    at + run
}

/// Where the first byte of a long run is that does not belong there.
#[cold]
fn odd<const LAST: u8>(run: &[u8]) -> usize {
    let is_plain = |block: &&[u8; BLOCK]| in_block::<LAST>(block).is_none();
    let before = run.as_chunks().0.iter().take_while(is_plain).count();
    tail::<LAST>(run, before * BLOCK)
}

/// Whether this byte ends a run.
#[inline(always)]
const fn is_end<const LAST: u8>(byte: u8) -> bool {
    (above_plain(byte) > above_plain(LAST)) | (byte == b'"') | (byte == b'\\')
}

/// How far a byte is from the first plain one; control characters come last.
#[inline(always)]
const fn above_plain(byte: u8) -> u8 {
    byte.wrapping_sub(b' ')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{end, end_of_ascii};

    const LETTERS: &[u8] = b"aZ09 !#[]^~\x7f";
    /// Bytes at which a rule begins or ends.
    const EDGES: &[u8] = b"\"\\\x00\x1f\x20\x21\x23\x5b\x5d\x7f\x80\xa0\xdf\xe0\xff";

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_run_ends_at_its_first_odd_byte(
            mut bytes in proptest::collection::vec(prop::sample::select(LETTERS), 0..400),
            odd in proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(EDGES)), 0..3),
            from: prop::sample::Index,
        ) {
            for (at, byte) in odd {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            let from = from.index(bytes.len() + 1);
            let first = |is_end: fn(&u8) -> bool| {
                let end = bytes[from..].iter().position(is_end);
                end.map_or(bytes.len(), |end| from + end)
            };
            prop_assert_eq!(end(&bytes, from), first(|byte| matches!(byte, ..b' ' | b'"' | b'\\')));
            prop_assert_eq!(
                end_of_ascii(&bytes, from),
                first(|byte| matches!(byte, ..b' ' | b'"' | b'\\' | 0x80..)),
            );
        }
    }
}
