//! Who is let in: a request gets a slot only if the disk and the bounds have
//! room for its records, or if policy lets it go on without.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::JournalError;
use crate::disk::{self, context};
use crate::journal::{Journal, Shared};

/// What one request in flight may still write: its end, and a word for every
/// target, generously. Room for this much is kept free for every slot that was
/// given out. Who says more than that says it only while the journal
/// [is writable](Journal::is_writable).
const SLOT_BYTES: u64 = 2048;
/// How often a disk that said no is asked again when nobody writes.
const PROBE_EVERY: Duration = Duration::from_millis(200);
/// What is written to find out whether the disk takes bytes again.
const PROBE_BYTES: usize = 64 << 10;

/// What becomes of requests that cannot be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// They are refused.
    #[default]
    Refuse,
    /// They go on, and are counted.
    Continue,
}

impl Journal {
    /// Room for one more request, until the slot is dropped; `None` when too
    /// many are in flight, when the journal is full, or when the disk takes
    /// no more.
    #[must_use]
    pub fn reserve(&self) -> Option<Slot> {
        let shared = &self.shared;
        if !shared.is_disk_well() && !shared.probe() {
            return None;
        }
        let before = shared.in_flight.fetch_add(1, Ordering::Relaxed);
        // Made first, so that every way out gives the count back.
        let slot = Slot {
            shared: Arc::clone(shared),
        };
        let is_free = before < shared.config.max_in_flight && shared.has_room(before + 1);
        is_free.then_some(slot)
    }

    /// Whether requests go on that cannot be recorded: the policy of whoever
    /// opened the journal, which may change.
    pub fn set_when_full(&self, policy: WhenFull) {
        let is_lenient = policy == WhenFull::Continue;
        self.shared.is_lenient.store(is_lenient, Ordering::Relaxed);
    }

    /// As [`Journal::set_when_full`] was told last.
    #[must_use]
    pub fn is_lenient(&self) -> bool {
        self.shared.is_lenient.load(Ordering::Relaxed)
    }

    /// A record is given up, by that policy. The first is said.
    pub fn give_up_record(&self) {
        if self.shared.lost_records.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(
                "journal: requests go on without a record of them, as it is configured"
            );
        }
    }

    /// How many records were given up.
    #[must_use]
    pub fn lost_records(&self) -> u64 {
        self.shared.lost_records.load(Ordering::Relaxed)
    }

    /// Whether a newcomer would get a slot, for readiness.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        let shared = &self.shared;
        let in_flight = shared.in_flight.load(Ordering::Relaxed);
        (shared.is_disk_well() || shared.probe())
            && in_flight < shared.config.max_in_flight
            && shared.has_room(in_flight + 1)
    }

    /// Looks whether the files that are written are where a later process will
    /// look for them: the system goes on writing into what somebody moved or
    /// removed. Nobody gets a slot before they are. To be asked now and then,
    /// by somebody who may wait for a disk.
    pub fn look(&self) {
        let shared = &self.shared;
        let is_away = shared.is_misplaced();
        match (shared.is_away.swap(is_away, Ordering::Relaxed), is_away) {
            (false, true) => tracing::error!(
                folder = %shared.folder.display(),
                "journal: its files were moved or removed; put them back, or restart"
            ),
            (true, false) => tracing::info!("journal: its files are back"),
            _ => {}
        }
    }

    /// Whether the journal's files were not there when [`Journal::look`] was
    /// asked last.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.shared.is_away.load(Ordering::Relaxed)
    }

    /// Requests that hold a slot.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Whether there is room for what so many requests may still write: their
    /// records, and the segments that every writer may have to begin for them,
    /// unless they are there already.
    pub(crate) fn has_room(&self, in_flight: usize) -> bool {
        let writers = self.writer_count.load(Ordering::Relaxed);
        let promised = (in_flight as u64).saturating_mul(SLOT_BYTES);
        let begun = writers.saturating_mul(self.config.segment_bytes);
        let begun = begun.saturating_sub(self.ahead.spare_bytes());
        let taken = self.ahead.bytes();
        taken.saturating_add(promised).saturating_add(begun) <= self.config.max_bytes
    }

    fn is_disk_well(&self) -> bool {
        self.is_disk_well.load(Ordering::Relaxed) && !self.is_away.load(Ordering::Relaxed)
    }

    /// Whether a file that is written is not there.
    fn is_misplaced(&self) -> bool {
        let all: Vec<_> = self.segments().values().cloned().collect();
        let mut own = all
            .iter()
            .filter(|it| it.name.generation == self.generation);
        own.any(|it| {
            let is_written = || !it.is_closed();
            // Asked again: between the two it may have been carried and deleted.
            is_written() && !matches!(disk::length(&it.path), Ok(Some(_))) && is_written()
        })
    }

    /// Notes what the disk said last.
    pub(crate) fn note_disk(&self, said: &Result<(), JournalError>) {
        let is_well = said.is_ok();
        if self.is_disk_well.load(Ordering::Relaxed) != is_well {
            self.is_disk_well.store(is_well, Ordering::Relaxed);
        }
    }

    /// Asks a disk that said no whether it takes bytes again: the loop that
    /// met the error may have nothing to write, and all others wait for it.
    /// As far into a file as a segment is long, so that a limit on file sizes
    /// is met too.
    fn probe(&self) -> bool {
        if self.is_away.load(Ordering::Relaxed) {
            return false;
        }
        // Who finds it locked leaves the asking to whoever asks just now.
        let Ok(mut last) = self.last_probe.try_lock() else {
            return false;
        };
        if last.is_some_and(|at| at.elapsed() < PROBE_EVERY) {
            return false;
        }
        *last = Some(Instant::now());
        let path = self.folder.join("probe");
        let at = self.config.segment_bytes.saturating_sub(PROBE_BYTES as u64);
        let _ = std::fs::remove_file(&path);
        let took = disk::create(&path, self.config.segment_bytes).and_then(|file| {
            disk::write(&file, &[1; PROBE_BYTES], at).map_err(context("write", &path))
        });
        let _ = std::fs::remove_file(&path);
        self.note_disk(&took);
        took.is_ok()
    }
}

/// The promise that a request's records will be taken. Returned on drop.
#[derive(Debug)]
pub struct Slot {
    shared: Arc<Shared>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
