//! The tail: the entries that fill no bundle yet, and with them what says how
//! large the log is. A row of blocks; the last whole one counts.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PTL1` |
//! | 4 | length of the payload |
//! | 4 | CRC-32 of the payload |
//! | 8 | records of the log after this block |
//! | 8 | number of the first record of the last batch |
//! | 32 | SHA-256 over the leaf hashes of that batch |
//! | 4, … | length of the marks, and the marks |
//! | … | entries, with their lengths in front, as in a bundle |
//!
//! Numbers are big endian. The payload begins after the CRC.

use std::path::Path;

use crate::bundle;
use crate::error::AuditError;
use crate::tile::TILE_WIDTH;
use crate::tree::{self, Hash};

const MAGIC: &[u8; 4] = b"PTL1";
const HEAD: usize = 12;

/// The last batch that was appended with marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Its first record.
    pub(crate) first: u64,
    /// Over the hashes of its leaves.
    pub(crate) digest: Hash,
    /// Whatever who appends wants to know at the next start.
    pub(crate) marks: Vec<u8>,
}

/// What a tail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Records of the whole log.
    pub(crate) size: u64,
    pub(crate) batch: Batch,
    /// The open bundle.
    pub(crate) entries: Vec<u8>,
    /// The hashes of its entries.
    pub(crate) leaves: Vec<Hash>,
    /// Bytes of the file that are whole blocks.
    pub(crate) whole: u64,
    /// Whole blocks.
    pub(crate) blocks: u64,
}

/// A block, as it is written.
pub(crate) fn block(size: u64, batch: &Batch, entries: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(HEAD + 52 + batch.marks.len() + entries.len());
    payload.extend_from_slice(MAGIC);
    payload.extend_from_slice(&[0; 8]);
    payload.extend_from_slice(&size.to_be_bytes());
    payload.extend_from_slice(&batch.first.to_be_bytes());
    payload.extend_from_slice(&batch.digest.0);
    payload.extend_from_slice(&(batch.marks.len() as u32).to_be_bytes());
    payload.extend_from_slice(&batch.marks);
    payload.extend_from_slice(entries);
    let length = (payload.len() - HEAD) as u32;
    let sum = crc32fast::hash(&payload[HEAD..]);
    payload[4..8].copy_from_slice(&length.to_be_bytes());
    payload[8..HEAD].copy_from_slice(&sum.to_be_bytes());
    payload
}

/// Reads a tail. A block that a sudden end left torn is last, and does not
/// count.
///
/// # Errors
/// There is no whole block, or what stands in them does not fit together.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Tail, AuditError> {
    let mut tail: Option<Tail> = None;
    let mut rest = bytes;
    while let Some((payload, after)) = next(rest) {
        let block =
            Block::parse(payload).ok_or_else(|| AuditError::damaged(path, "a block is none"))?;
        let whole = (bytes.len() - after.len()) as u64;
        let blocks = tail.as_ref().map_or(0, |tail| tail.blocks) + 1;
        let (mut entries, mut leaves) = match tail {
            Some(tail) => (tail.entries, tail.leaves),
            None => (Vec::new(), Vec::new()),
        };
        for entry in bundle::entries(block.entries) {
            let entry = entry.map_err(|torn| AuditError::damaged(path, torn.to_string()))?;
            leaves.push(tree::leaf(entry));
        }
        entries.extend_from_slice(block.entries);
        if leaves.len() as u64 != block.size % TILE_WIDTH {
            return Err(AuditError::damaged(
                path,
                format!(
                    "{} entries in a tail of {} records",
                    leaves.len(),
                    block.size
                ),
            ));
        }
        tail = Some(Tail {
            size: block.size,
            batch: block.batch,
            entries,
            leaves,
            whole,
            blocks,
        });
        rest = after;
    }
    tail.ok_or_else(|| AuditError::damaged(path, "there is no whole block"))
}

/// The next whole block's payload, and what comes after it.
fn next(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = rest.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let (payload, after) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    (crc32fast::hash(payload) == u32::from_be_bytes(*sum)).then_some((payload, after))
}

struct Block<'a> {
    size: u64,
    batch: Batch,
    entries: &'a [u8],
}

impl<'a> Block<'a> {
    fn parse(payload: &'a [u8]) -> Option<Self> {
        let (size, rest) = payload.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (marks, entries) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        Some(Self {
            size: u64::from_be_bytes(*size),
            batch: Batch {
                first: u64::from_be_bytes(*first),
                digest: Hash(*digest),
                marks: marks.to_vec(),
            },
            entries,
        })
    }
}
