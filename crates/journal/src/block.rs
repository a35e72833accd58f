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
mod tests {
    use super::*;
    use domain::ids::TicketId;
    use domain::money::NanoUsd;
    use domain::record::Opened;
    use domain::time::UnixMicros;
    use domain::usage::UsageSource;

    fn opened(model: &str) -> Record {
        Record::Opened(Opened {
            ticket: TicketId {
                generation: 7,
                core: 1,
                sequence: 2,
            },
            at: UnixMicros(3),
            tenant: "t".into(),
            key: "k".into(),
            operation: "chat".into(),
            model: model.into(),
            reserved_tokens: 300,
            asked: None,
        })
    }

    #[test]
    fn the_bytes_on_disk_are_those_of_the_first_version() {
        let mut out = Vec::new();
        encode(&opened("m"), &mut out).expect("encodes");
        let payload = [
            0, 7, 1, 2, 6, 1, b't', 1, b'k', 4, b'c', b'h', b'a', b't', 1, b'm', 0xac, 2,
        ];
        assert_eq!(out[..4], SYNC);
        assert_eq!(out[4..8], (payload.len() as u32).to_le_bytes());
        assert_eq!(out[12], KIND);
        assert_eq!(out[13..], payload);
    }

    #[test]
    fn what_few_records_have_makes_a_kind_of_its_own() {
        let Record::Opened(of) = opened("m") else {
            panic!("opened")
        };
        let mut settled = crate::lost(&of);
        settled.usage.input = 5;
        let mut plain = Vec::new();
        encode(&Record::Settled(Box::new(settled.clone())), &mut plain).expect("encodes");
        assert_eq!(plain[12], KIND);
        let is_read_again = |settled: &domain::record::Settled, kind: &[u8]| {
            let record = Record::Settled(Box::new(settled.clone()));
            let mut special = Vec::new();
            encode(&record, &mut special).expect("encodes");
            assert_eq!(special[12..12 + kind.len()], *kind);
            assert_eq!(special[12 + kind.len()..], plain[13..]);
            let Found::Block(read, length) = decode(&special) else {
                panic!("no block")
            };
            assert_eq!((*read, length), (record, special.len()));
        };
        settled.usage.cache_write_1h = 300;
        is_read_again(&settled, &[KIND_1H, 0xac, 2]);
        settled.passed = Some(Passed {
            bytes_in: 300,
            bytes_out: 7,
        });
        is_read_again(&settled, &[KIND_PASSED, 0xac, 2, 7, 0xac, 2]);
    }

    #[test]
    fn what_was_asked_of_whom_stands_in_front_of_what_was_always_said() {
        let mut plain = Vec::new();
        encode(&opened("m"), &mut plain).expect("encodes");
        let Record::Opened(of) = opened("m") else {
            panic!("opened")
        };
        let of_asked = |passed| {
            Record::Opened(Opened {
                asked: Some(Asked {
                    streamed: true,
                    provider: "p".into(),
                    deployment: "p/m".into(),
                    attempts: 2,
                    prompt: 300,
                    usage_source: UsageSource::Estimated,
                    cost: Some(NanoUsd(64)),
                    passed,
                }),
                ..of.clone()
            })
        };
        let record = of_asked(None);
        let mut out = Vec::new();
        encode(&record, &mut out).expect("encodes");
        let asked = [1, 1, b'p', 3, b'p', b'/', b'm', 2, 0xac, 2, 2, 1, 0x80, 1];
        assert_eq!(out[12], KIND_ASKED);
        assert_eq!(out[13..13 + asked.len()], asked);
        assert_eq!(out[13 + asked.len()..], plain[13..]);
        let Found::Block(read, length) = decode(&out) else {
            panic!("no block")
        };
        assert_eq!((*read, length), (record, out.len()));
        let record = of_asked(Some(Passed {
            bytes_in: 300,
            bytes_out: 7,
        }));
        let mut passing = Vec::new();
        encode(&record, &mut passing).expect("encodes");
        assert_eq!(passing[12..16], [KIND_PASSING, 0xac, 2, 7]);
        assert_eq!(passing[16..], out[13..]);
        let Found::Block(read, length) = decode(&passing) else {
            panic!("no block")
        };
        assert_eq!((*read, length), (record, passing.len()));
    }

    #[test]
    fn blocks_follow_each_other() {
        let mut out = Vec::new();
        encode(&opened("a"), &mut out).expect("encodes");
        let first = out.len();
        encode(&opened("bb"), &mut out).expect("encodes");
        let Found::Block(record, length) = decode(&out) else {
            panic!("no block")
        };
        assert_eq!((*record, length), (opened("a"), first));
        let Found::Block(record, _) = decode(&out[first..]) else {
            panic!("no block")
        };
        assert_eq!(*record, opened("bb"));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut good = Vec::new();
        encode(&opened("model"), &mut good).expect("encodes");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(decode(&bad), Found::Block(..)), "bit {bit}");
        }
    }

    #[test]
    fn a_block_hidden_in_a_name_is_not_found_after_damage() {
        let mut inner = Vec::new();
        encode(&opened("forged"), &mut inner).expect("encodes");
        let name = String::from_utf8_lossy(&inner).into_owned();
        let mut out = Vec::new();
        encode(&opened(&name), &mut out).expect("encodes");
        out[8] ^= 1;
        assert_eq!(next_good(&out, 0), None);
    }
}
