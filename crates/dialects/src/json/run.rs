//! Runs of plain bytes within a string: where they end.

/// This byte in each place of a word.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

const HIGH: u64 = each(0x80);
/// So many words are looked at one by one: most strings are shorter.
const WORDS: usize = 4;
/// So many bytes at a time after that: most lines are shorter.
const BLOCK: usize = 32;
const BLOCKS: usize = 3;
/// So many bytes of a long run at a time: their second look is in the cache.
const LONG: usize = 64;

/// Whether bytes that were or'ed together are all ASCII.
pub(super) const fn is_ascii(seen: u64) -> bool {
    seen & HIGH == 0
}

/// Marks a quote, a backslash or a control character. The first mark is
/// exact; a borrow may mark a byte behind it by mistake.
const fn marks(word: u64) -> u64 {
    const ONES: u64 = each(1);
    let quote = word ^ each(b'"');
    let slash = word ^ each(b'\\');
    let quote = quote.wrapping_sub(ONES) & !quote;
    let slash = slash.wrapping_sub(ONES) & !slash;
    let control = word.wrapping_sub(each(0x20)) & !word;
    (quote | slash | control) & HIGH
}

/// The first quote, backslash or control character from `at` on, or the end
/// of the text; and all bytes on the way (and perhaps some behind), or'ed.
#[inline(always)]
pub(super) fn end(bytes: &[u8], mut at: usize) -> (usize, u64) {
    let mut seen = 0;
    for _ in 0..WORDS {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return tail(bytes, at, seen);
        };
        let word = u64::from_le_bytes(*word);
        seen |= word;
        match marks(word) {
            0 => at += 8,
            marks => return (at + marks.trailing_zeros() as usize / 8, seen),
        }
    }
    blocks(bytes, at, seen)
}

/// Goes on by blocks.
#[inline(never)]
fn blocks(bytes: &[u8], mut at: usize, seen: u64) -> (usize, u64) {
    let mut is_high = false;
    let mut left = BLOCKS;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let mut is_marked = false;
        for byte in block {
            is_marked |= (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
            is_high |= *byte >= 0x80;
        }
        if is_marked {
            break;
        }
        at += BLOCK;
        left -= 1;
        if left == 0 {
            break;
        }
    }
    let mut seen = seen | if is_high { HIGH } else { 0 };
    if left == 0 {
        return long(bytes, at, seen);
    }
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        seen |= word;
        match marks(word) {
            0 => at += 8,
            marks => return (at + marks.trailing_zeros() as usize / 8, seen),
        }
    }
    tail(bytes, at, seen)
}

/// Less than a word is left.
#[inline(never)]
fn tail(bytes: &[u8], at: usize, mut seen: u64) -> (usize, u64) {
    let rest = &bytes[at..];
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let run = rest.iter().position(is_end).unwrap_or(rest.len());
    for byte in &rest[..run] {
        seen |= u64::from(*byte);
    }
    (at + run, seen)
}

#[inline(never)]
fn long(bytes: &[u8], at: usize, seen: u64) -> (usize, u64) {
    let rest = &bytes[at..];
    let run = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    let (blocks, last) = rest[..run].as_chunks::<LONG>();
    let mut least = [u8::MAX; LONG];
    let mut all = [0; LONG];
    for block in blocks {
        for lane in 0..LONG {
            least[lane] = least[lane].min(block[lane]);
            all[lane] |= block[lane];
        }
    }
    let mut low = least.into_iter().fold(u8::MAX, u8::min);
    let mut high = all.into_iter().fold(0, |all, byte| all | byte);
    for byte in last {
        low = low.min(*byte);
        high |= byte;
    }
    let seen = seen | u64::from(high);
    if low < 0x20 {
        let control = rest[..run].iter().position(|byte| *byte < 0x20);
        return (at + control.unwrap_or(run), seen);
    }
    (at + run, seen)
}
