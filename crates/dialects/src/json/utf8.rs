//! Whether bytes are UTF-8, many at a time: written so that the compiler
//! makes vectors of it. The standard library reads letter by letter once
//! they are not ASCII, which is four times as slow.

/// So many bytes are judged at a time.
const BLOCK: usize = 32;
/// So many bytes before a block decide about it.
const BEFORE: usize = 3;

/// Whether `bytes` are UTF-8.
pub(super) fn is_valid(bytes: &[u8]) -> bool {
    let mut fault = 0;
    let mut at = 0;
    // The first block and the last have no neighbours: they get zeros.
    while at < bytes.len() {
        let block = at
            .checked_sub(BEFORE)
            .and_then(|from| bytes[from..].first_chunk());
        fault |= match block {
            Some(block) => judge(block),
            None => {
                let mut block = [0; BEFORE + BLOCK];
                let from = at.saturating_sub(BEFORE);
                let to = bytes.len().min(at + BLOCK);
                let place = BEFORE - (at - from);
                block[place..place + to - from].copy_from_slice(&bytes[from..to]);
                judge(&block)
            }
        };
        at += BLOCK;
    }
    // A letter that the end cuts short, where the last block is a full one.
    let is_cut = bytes.len().is_multiple_of(BLOCK) && {
        let mut block = [0; BEFORE + BLOCK];
        let last = &bytes[bytes.len().saturating_sub(BEFORE)..];
        block[..last.len()].copy_from_slice(last);
        judge(&block) != 0
    };
    fault == 0 && !is_cut
}

/// Not zero if a byte of the block is wrong behind the ones before it.
#[inline]
fn judge(block: &[u8; BEFORE + BLOCK]) -> u8 {
    let mut faults = [0; BLOCK];
    for lane in 0..BLOCK {
        let third = block[lane];
        let second = block[lane + 1];
        let first = block[lane + 2];
        let byte = block[lane + 3];
        // Does a letter that began one, two or three bytes ago go on here?
        let goes_on =
            first.saturating_sub(0xbf) | second.saturating_sub(0xdf) | third.saturating_sub(0xef);
        let is_wrong = (goes_on != 0) != (byte & 0xc0 == 0x80);
        // Longer than need be, half of a pair, beyond the last letter.
        let is_odd = (first == 0xe0) & (byte & 0x20 == 0)
            | (first == 0xed) & (byte & 0x20 != 0)
            | (first == 0xf0) & (byte & 0x30 == 0)
            | (first == 0xf4) & (byte & 0x30 != 0)
            | (byte & 0xfe == 0xc0)
            | (byte >= 0xf5);
        faults[lane] = u8::from(is_wrong | is_odd);
    }
    faults.into_iter().fold(0, |all, fault| all | fault)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_valid;

    fn agrees(bytes: &[u8]) -> bool {
        is_valid(bytes) == std::str::from_utf8(bytes).is_ok()
    }

    /// Bytes at which a rule begins or ends.
    const EDGES: &[u8] = &[
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
        0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
    ];

    #[test]
    fn all_that_the_standard_library_takes_is_taken_and_no_more() {
        // Behind 29 bytes some of the four stand in the next block.
        for before in [0, 29, 30, 31] {
            for first in EDGES {
                for second in EDGES {
                    for third in EDGES {
                        let mut bytes = vec![b'a'; before];
                        bytes.extend([*first, *second, *third]);
                        assert!(agrees(&bytes), "{bytes:?}");
                        for fourth in [0x80, 0xc3] {
                            bytes.push(fourth);
                            assert!(agrees(&bytes), "{bytes:?}");
                            bytes.pop();
                        }
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_taken_and_any_break_is_seen(
            text in "\\PC{0,60}", at: prop::sample::Index, byte: u8, cut: prop::sample::Index,
        ) {
            prop_assert!(is_valid(text.as_bytes()));
            let mut bytes = text.into_bytes();
            if !bytes.is_empty() {
                let (at, cut) = (at.index(bytes.len()), cut.index(bytes.len()));
                prop_assert!(agrees(&bytes[..cut]));
                bytes[at] = byte;
                prop_assert!(agrees(&bytes));
            }
        }
    }
}
