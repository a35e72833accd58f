//! One file of the journal, as the writer and the carrier share it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a segment's name says. Sorts into the order of writing within one
/// (generation, core).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) generation: u64,
    pub(crate) core: u16,
    pub(crate) number: u32,
}

impl Name {
    /// Reads a file's name; `None` if it is no segment's.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(".journal")?.split('-');
        let (generation, core, number) = (parts.next()?, parts.next()?, parts.next()?);
        let name = Self {
            generation: u64::from_str_radix(generation, 16).ok()?,
            core: core.parse().ok()?,
            number: number.parse().ok()?,
        };
        // Also refuses a fourth part and every other spelling of the same name.
        (name.to_string() == text).then_some(name)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:016x}-{:04}-{:08}.journal",
            self.generation, self.core, self.number
        )
    }
}

/// A segment's state. One writer changes it, the carrier and metrics read it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) name: Name,
    pub(crate) path: PathBuf,
    /// The file's length: what it takes of the journal's bound.
    length: AtomicU64,
    /// End of the last whole block. Published after the `write`, so that the
    /// carrier never sees half of one.
    committed: AtomicU64,
    /// Nothing more will be written. Set after the last `committed`: who sees
    /// it and reads `committed` *then*, has the end.
    closed: AtomicBool,
    /// Records written, and records that the store has.
    records: AtomicU64,
    carried: AtomicU64,
    /// Of an earlier process: about how many bytes of it are filled, and how
    /// many of these nobody has carried.
    filled: u64,
    left: AtomicU64,
}

/// What a record takes, about: two of a request are 60 and 200 bytes.
const RECORD_BYTES: u64 = 128;

impl Segment {
    /// A fresh segment that a writer will fill.
    pub(crate) fn fresh(name: Name, path: PathBuf, length: u64) -> Self {
        Self {
            name,
            path,
            length: AtomicU64::new(length),
            committed: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            records: AtomicU64::new(0),
            carried: AtomicU64::new(0),
            filled: 0,
            left: AtomicU64::new(0),
        }
    }

    /// A segment of an earlier process, `length` bytes of which about
    /// `filled` were ever written. Where it ends, its first reader finds out.
    pub(crate) fn found(name: Name, path: PathBuf, length: u64, filled: u64) -> Self {
        let segment = Self {
            filled,
            left: AtomicU64::new(filled),
            ..Self::fresh(name, path, length)
        };
        segment.end_at(length);
        segment.close(length);
        segment
    }

    /// The last good block ends here.
    pub(crate) fn end_at(&self, end: u64) {
        self.committed.store(end, Ordering::Release);
    }

    /// The file was made longer, before anything stood in it.
    pub(crate) fn lengthen(&self, length: u64) {
        self.length.store(length, Ordering::Relaxed);
    }

    /// The one writer has written up to `end`.
    pub(crate) fn publish(&self, end: u64, records: u64) {
        // Its own last value: nobody else writes it.
        let before = self.records.load(Ordering::Relaxed);
        self.records.store(before + records, Ordering::Relaxed);
        self.committed.store(end, Ordering::Release);
    }

    /// The writer goes away and leaves a file of this length.
    pub(crate) fn close(&self, length: u64) {
        self.length.store(length, Ordering::Relaxed);
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
    }

    /// Records that the store does not have yet; of an earlier process's about
    /// as many as its bytes hold.
    pub(crate) fn lag(&self) -> u64 {
        let records = self.records.load(Ordering::Relaxed);
        let unread = self.left.load(Ordering::Relaxed).div_ceil(RECORD_BYTES);
        records.saturating_sub(self.carried.load(Ordering::Relaxed)) + unread
    }

    /// The store has an earlier process's segment up to `mark`.
    pub(crate) fn passed(&self, mark: u64) {
        let left = match mark < self.committed() {
            true => self.filled.saturating_sub(mark),
            false => 0,
        };
        self.left.store(left, Ordering::Relaxed);
    }

    pub(crate) fn add_carried(&self, records: u64) {
        self.carried.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn set_carried(&self, records: u64) {
        self.carried.store(records, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_its_text_and_has_one_spelling() {
        let name = Name {
            generation: 0xbeef,
            core: 3,
            number: 12,
        };
        assert_eq!(name.to_string(), "000000000000beef-0003-00000012.journal");
        assert_eq!(Name::parse(&name.to_string()), Some(name));
        for other in [
            "beef-3-12.journal",
            "000000000000beef-0003-00000012.journal.bad",
            "lock",
        ] {
            assert_eq!(Name::parse(other), None);
        }
    }
}
