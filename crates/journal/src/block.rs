//! The format of one block: how a record stands on disk.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | [`SYNC`] |
//! | 4 | length of the payload, little endian |
//! | 4 | CRC-32 over length, kind and payload |
//! | 1 | [`KIND`]: what the payload is, and in which version |
//! | … | payload: a [`Record`] as postcard writes it; in front of it what [`KIND_1H`], [`KIND_PASSED`] and [`KIND_ASKED`] say |
//!
//! Postcard describes nothing about itself: a field added to [`Record`] is a
//! new kind, and the old one must stay readable. A test pins the bytes.

use domain::record::{Asked, Passed, Record};

use crate::JournalError;

/// Begins each block. `0xFF` and `0xFE` occur in no UTF-8 text, so that no
/// string that a client chose can look like a block when a reader searches
/// for the next good one after damage.
pub(crate) const SYNC: [u8; 4] = [0xFF, b'P', b'J', 0xFE];
/// A [`Record`] in the first version of the format.
pub(crate) const KIND: u8 = 1;
/// A [`Settled`](domain::record::Settled) whose prompt was written to the
/// provider's cache for an hour: the tokens, then a payload of kind 1. Few
/// records have them, and the others stay as they are.
pub(crate) const KIND_1H: u8 = 2;
/// A [`Settled`](domain::record::Settled) of a request that passed through:
/// its [`Passed`], then a payload of kind 2.
pub(crate) const KIND_PASSED: u8 = 3;
/// An [`Opened`](domain::record::Opened) that says what was asked of whom: its
/// [`Asked`], then a payload of kind 1.
pub(crate) const KIND_ASKED: u8 = 4;
/// The same of a request that passes through: its [`Passed`] so far, then a
/// payload of kind 4.
pub(crate) const KIND_PASSING: u8 = 5;
/// A [`Settled`](domain::record::Settled) that says who asked: its
/// [`Who`](domain::record::Who), its [`Passed`] if it passed through, then a payload of kind 2.
pub(crate) const KIND_WHO: u8 = 6;
/// An [`Opened`](domain::record::Opened) that says it: its
/// [`Who`](domain::record::Who), its [`Passed`] if it passes through, then a payload of kind 4.
pub(crate) const KIND_ASKED_WHO: u8 = 7;
/// A [`Settled`](domain::record::Settled) with its source or decisions: the address,
/// its [`Decided`](domain::record::Decided), then a payload of kind 6.
pub(crate) const KIND_FROM: u8 = 8;
/// An [`Opened`](domain::record::Opened) with its source: the address, then a payload
/// of kind 7.
pub(crate) const KIND_ASKED_FROM: u8 = 9;
/// Bytes in front of the payload.
pub(crate) const HEADER: usize = 13;
/// What stands there until kind, length and checksum are known.
const HEAD: [u8; HEADER] = {
    let mut head = [0; HEADER];
    let [a, b, c, d] = SYNC;
    (head[0], head[1], head[2], head[3]) = (a, b, c, d);
    head
};

/// Appends a block to `out`, or nothing.
pub(crate) fn encode(record: &Record, out: &mut Vec<u8>) -> Result<(), JournalError> {
    let start = out.len();
    out.extend_from_slice(&HEAD);
    let behind = Behind(out);
    let (kind, encoded) = match record {
        Record::Opened(opened) => match &opened.asked {
            Some(asked) if opened.from.is_some() => {
                let beside = (opened.from, &opened.who, asked.passed, asked, record);
                let encoded = postcard::serialize_with_flavor(&beside, behind);
                (KIND_ASKED_FROM, encoded)
            }
            Some(asked) if opened.who.is_some() => {
                let beside = (&opened.who, asked.passed, asked, record);
                let encoded = postcard::serialize_with_flavor(&beside, behind);
                (KIND_ASKED_WHO, encoded)
            }
            None => (KIND, postcard::serialize_with_flavor(record, behind)),
            Some(asked) => match asked.passed {
                None => (
                    KIND_ASKED,
                    postcard::serialize_with_flavor(&(asked, record), behind),
                ),
                Some(passed) => (
                    KIND_PASSING,
                    postcard::serialize_with_flavor(&(passed, asked, record), behind),
                ),
            },
        },
        Record::Settled(settled) if settled.from.is_some() || settled.decided.is_some() => {
            let tokens = settled.usage.cache_write_1h;
            let (from, decided) = (settled.from, &settled.decided);
            let beside = (from, decided, &settled.who, settled.passed, tokens, record);
            (KIND_FROM, postcard::serialize_with_flavor(&beside, behind))
        }
        Record::Settled(settled) if settled.who.is_some() => {
            let tokens = settled.usage.cache_write_1h;
            let beside = (&settled.who, settled.passed, tokens, record);
            (KIND_WHO, postcard::serialize_with_flavor(&beside, behind))
        }
        Record::Settled(settled) => match (settled.passed, settled.usage.cache_write_1h) {
            (None, 0) => (KIND, postcard::serialize_with_flavor(record, behind)),
            (None, tokens) => (
                KIND_1H,
                postcard::serialize_with_flavor(&(tokens, record), behind),
            ),
            (Some(passed), tokens) => (
                KIND_PASSED,
                postcard::serialize_with_flavor(&(passed, tokens, record), behind),
            ),
        },
    };
    let length = encoded
        .map_err(encode_error)
        .and_then(|()| u32::try_from(out.len() - start - HEADER).map_err(encode_error))
        .inspect_err(|_| out.truncate(start))?;
    let block = &mut out[start..];
    block[12] = kind;
    block[4..8].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(block);
    block[8..12].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

/// Lets postcard write behind what is there, without moving it.
struct Behind<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Behind<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

fn encode_error(error: impl std::fmt::Display) -> JournalError {
    JournalError::Encode(error.to_string())
}

/// Over all of a block but the sync mark and the checksum itself.
fn checksum(block: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&block[4..8]);
    hasher.update(&block[12..]);
    hasher.finalize()
}

/// What stands at the beginning of some bytes.
#[derive(Debug)]
pub(crate) enum Found {
    /// A good block of this many bytes.
    Block(Box<Record>, usize),
    /// The bytes end before the block does.
    Cut,
    /// No good block.
    Bad,
}

/// Looks at the beginning of `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Found {
    let mark = bytes.len().min(SYNC.len());
    if bytes[..mark] != SYNC[..mark] {
        return Found::Bad;
    }
    if bytes.len() < HEADER {
        return Found::Cut;
    }
    let end = HEADER + number(bytes, 4) as usize;
    let Some(block) = bytes.get(..end) else {
        return Found::Cut;
    };
    if checksum(block) != number(bytes, 8) {
        return Found::Bad;
    }
    match record(block[12], &block[HEADER..]) {
        Some(record) => Found::Block(Box::new(record), end),
        None => Found::Bad,
    }
}

/// The record of a payload of this kind.
fn record(kind: u8, payload: &[u8]) -> Option<Record> {
    match kind {
        KIND => postcard::from_bytes(payload).ok(),
        KIND_1H => {
            let (tokens, mut record): (u64, Record) = postcard::from_bytes(payload).ok()?;
            if let Record::Settled(settled) = &mut record {
                settled.usage.cache_write_1h = tokens;
            }
            Some(record)
        }
        KIND_PASSED => {
            let (passed, tokens, mut record): (Passed, u64, Record) =
                postcard::from_bytes(payload).ok()?;
            if let Record::Settled(settled) = &mut record {
                settled.passed = Some(passed);
                settled.usage.cache_write_1h = tokens;
            }
            Some(record)
        }
        KIND_ASKED => {
            let (asked, mut record): (Asked, Record) = postcard::from_bytes(payload).ok()?;
            if let Record::Opened(opened) = &mut record {
                opened.asked = Some(asked);
            }
            Some(record)
        }
        KIND_PASSING => {
            let (passed, mut asked, mut record): (Passed, Asked, Record) =
                postcard::from_bytes(payload).ok()?;
            asked.passed = Some(passed);
            if let Record::Opened(opened) = &mut record {
                opened.asked = Some(asked);
            }
            Some(record)
        }
        KIND_WHO => {
            let (who, passed, tokens, mut record): (_, _, u64, Record) =
                postcard::from_bytes(payload).ok()?;
            if let Record::Settled(settled) = &mut record {
                settled.who = who;
                settled.passed = passed;
                settled.usage.cache_write_1h = tokens;
            }
            Some(record)
        }
        KIND_ASKED_WHO => {
            let (who, passed, mut asked, mut record): (_, _, Asked, Record) =
                postcard::from_bytes(payload).ok()?;
            asked.passed = passed;
            if let Record::Opened(opened) = &mut record {
                opened.who = who;
                opened.asked = Some(asked);
            }
            Some(record)
        }
        KIND_FROM => {
            let (from, decided, who, passed, tokens, mut record): (_, _, _, _, u64, Record) =
                postcard::from_bytes(payload).ok()?;
            if let Record::Settled(settled) = &mut record {
                settled.from = from;
                settled.decided = decided;
                settled.who = who;
                settled.passed = passed;
                settled.usage.cache_write_1h = tokens;
            }
            Some(record)
        }
        KIND_ASKED_FROM => {
            let (from, who, passed, mut asked, mut record): (_, _, _, Asked, Record) =
                postcard::from_bytes(payload).ok()?;
            asked.passed = passed;
            if let Record::Opened(opened) = &mut record {
                opened.from = from;
                opened.who = who;
                opened.asked = Some(asked);
            }
            Some(record)
        }
        _ => None,
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Where the next good block begins after a bad place at `from`. Quadratic at
/// worst, and only ever over bytes that are damaged.
pub(crate) fn next_good(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(find_sync) {
        at += found;
        if matches!(decode(&bytes[at..]), Found::Block(..)) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn find_sync(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, &SYNC)
}

#[cfg(test)]
mod tests;
