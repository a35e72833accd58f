//! One event loop's end of the journal.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::record::Record;

use crate::JournalError;
use crate::block;
use crate::disk::{self, context};
use crate::journal::Shared;
use crate::segment::Segment;

/// How much of the buffer is kept after a debt is paid.
const KEPT_BUFFER: usize = 256 << 10;
/// A debt larger than this is not tried again with every byte that leaves, or
/// a full disk would cost more than a good one.
const LARGE_DEBT: usize = 64 << 10;
/// But so often.
const RETRY_EVERY: Duration = Duration::from_millis(10);

/// Appends records to segments of its own. It belongs to one thread; what it
/// shares with the carrier is a segment's published end.
///
/// A loop *stages* what happens and *flushes* before it tells anybody: all
/// records of one turn go out in one `write`.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    core: u16,
    /// Records in the buffer.
    staged: Cell<u64>,
    is_in_debt: Cell<bool>,
    // Never borrowed over a call to anybody else.
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    segment: Arc<Segment>,
    file: File,
    /// Where the next block goes.
    position: u64,
    /// The blocks that wait for the next write. A write that failed leaves
    /// them here, and the next one covers every byte that it may have left.
    buffer: Vec<u8>,
    /// The next segment is being made.
    is_next_wanted: bool,
    /// When the disk last said no.
    refused: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, core: u16) -> Result<Self, JournalError> {
        shared.enter_writer(core)?;
        match shared.add_segment(core, 0) {
            Ok((segment, file)) => {
                let state = State {
                    segment,
                    file,
                    position: 0,
                    buffer: Vec::new(),
                    is_next_wanted: false,
                    refused: None,
                };
                Ok(Self {
                    shared,
                    core,
                    staged: Cell::new(0),
                    is_in_debt: Cell::new(false),
                    state: RefCell::new(state),
                })
            }
            Err(error) => {
                shared.leave_writer(core);
                Err(error)
            }
        }
    }

    /// Puts a record behind those that wait for [`Writer::flush`]. Until then
    /// it is in memory only: nobody may be told of it.
    ///
    /// # Errors
    /// The format cannot hold the record; nothing is staged.
    pub fn stage(&self, record: &Record) -> Result<(), JournalError> {
        block::encode(record, &mut self.state.borrow_mut().buffer)?;
        self.staged.set(self.staged.get() + 1);
        Ok(())
    }

    /// Writes all that is staged, by one `write`. When this returns, it
    /// survives the end of the process.
    ///
    /// # Errors
    /// The disk would not take it. It stays staged, and is *owed*: the next
    /// flush tries again, and the journal gives out no slots until the disk
    /// takes bytes.
    #[inline]
    pub fn flush(&self) -> Result<(), JournalError> {
        if self.staged.get() == 0 {
            return Ok(());
        }
        self.flush_staged()
    }

    /// Whether records wait for [`Writer::flush`].
    #[inline]
    #[must_use]
    pub fn has_staged(&self) -> bool {
        self.staged.get() > 0
    }

    /// Whether a flush failed and none has worked since.
    #[inline]
    #[must_use]
    pub fn is_in_debt(&self) -> bool {
        self.is_in_debt.get()
    }

    /// Whether whoever cannot be recorded goes on.
    #[must_use]
    pub fn is_lenient(&self) -> bool {
        self.shared
            .is_lenient
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Stages all records and flushes.
    ///
    /// # Errors
    /// As [`Writer::stage`] and [`Writer::flush`] say.
    pub fn append(&self, records: &[Record]) -> Result<(), JournalError> {
        for record in records {
            self.stage(record)?;
        }
        self.flush()
    }

    fn flush_staged(&self) -> Result<(), JournalError> {
        let mut state = self.state.borrow_mut();
        if state.buffer.len() > LARGE_DEBT
            && state.refused.is_some_and(|at| at.elapsed() < RETRY_EVERY)
        {
            return Err(JournalError::Owed);
        }
        let records = self.staged.get();
        let written = self.write(&mut state, records);
        self.shared.note_disk(&written);
        state.refused = written.is_err().then(Instant::now);
        match &written {
            Ok(()) => {
                self.staged.set(0);
                if self.is_in_debt.replace(false) {
                    tracing::info!(records, "journal: the disk has taken what was owed");
                }
            }
            // Said once, not with every attempt.
            Err(error) if !self.is_in_debt.replace(true) => {
                tracing::error!(%error, records, "journal: records are owed");
            }
            Err(_) => {}
        }
        written
    }

    fn write(&self, state: &mut State, records: u64) -> Result<(), JournalError> {
        let length = state.buffer.len() as u64;
        if state.position + length > state.segment.length() {
            self.roll(state, length)?;
        }
        disk::write(&state.file, &state.buffer, state.position)
            .map_err(context("write", &state.segment.path))?;
        state.position += length;
        state.segment.publish(state.position, records);
        state.buffer.clear();
        // After a long debt.
        state.buffer.shrink_to(KEPT_BUFFER);
        if !state.is_next_wanted && state.position > state.segment.length() / 2 {
            state.is_next_wanted = true;
            self.shared.ahead.want(self.core);
        }
        Ok(())
    }

    /// Goes on in a fresh segment that holds at least `needed` bytes.
    fn roll(&self, state: &mut State, needed: u64) -> Result<(), JournalError> {
        let (segment, file) = self.shared.add_segment(self.core, needed)?;
        close(&self.shared, state);
        state.segment = segment;
        state.file = file;
        state.position = 0;
        state.is_next_wanted = false;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The last chance of what is owed; an error was said.
        let _ = self.flush();
        close(&self.shared, self.state.get_mut());
        self.shared.leave_writer(self.core);
    }
}

/// Cuts what was preallocated and not used, and what a failed write left.
fn close(shared: &Shared, state: &State) {
    let length = match state.file.set_len(state.position) {
        Ok(()) => state.position,
        Err(error) => {
            tracing::warn!(%error, segment = %state.segment.name, "journal: cannot cut a segment");
            state.segment.length()
        }
    };
    shared.close_segment(&state.segment, length);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::PathBuf;

    use domain::ids::TicketId;
    use domain::record::Opened;
    use domain::time::UnixMicros;

    use super::*;
    use crate::disk::room;
    use crate::{Carrier, Config, Journal};

    fn opened(sequence: u64) -> Record {
        Record::Opened(Opened {
            ticket: TicketId {
                generation: 1,
                core: 0,
                sequence,
            },
            at: UnixMicros(3),
            tenant: "t".into(),
            key: "k".into(),
            operation: "chat".into(),
            model: "m".into(),
            reserved_tokens: 300,
            asked: None,
            who: None,
            from: None,
        })
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("portcullis-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    fn carried(journal: &Journal) -> Vec<Record> {
        let mut carrier = Carrier::new(journal, HashMap::new());
        carrier
            .next(1000)
            .expect("readable")
            .expect("a batch")
            .records
    }

    /// The disk is full after every possible number of bytes of a write of
    /// three records; then it has room again.
    #[test]
    fn what_a_full_disk_took_half_is_owed_and_found_once() {
        let folder = folder("half");
        let mut one = Vec::new();
        block::encode(&opened(1), &mut one).expect("encodes");
        for fits in 0..3 * one.len() {
            let config = Config {
                segment_bytes: 4096,
                ..Config::default()
            };
            let journal = Journal::open(&folder, config, 1).expect("opens");
            let writer = journal.writer(0).expect("a writer");
            writer.append(&[opened(1)]).expect("written");
            room::set(Some(fits));
            let refused = writer.append(&[opened(2), opened(3), opened(4)]);
            assert!(matches!(
                refused,
                Err(JournalError::Io { what: "write", .. })
            ));
            assert!(journal.reserve().is_none());
            assert!(writer.is_in_debt());
            assert_eq!(carried(&journal), [opened(1)], "{fits} bytes fit");
            room::set(None);
            writer.append(&[opened(5)]).expect("written");
            assert!(!writer.is_in_debt());
            assert!(journal.reserve().is_some(), "a flush that works ends it");
            writer.append(&[opened(6)]).expect("written");
            let expected = [1, 2, 3, 4, 5, 6].map(opened);
            assert_eq!(carried(&journal), expected, "{fits} bytes fit");
            // The same after a kill: nothing cuts the segment.
            let path = std::fs::read_dir(&folder)
                .expect("readable")
                .map(|entry| entry.expect("entry").path())
                .find(|path| path.extension().is_some_and(|e| e == "journal"))
                .expect("a segment");
            let bytes = std::fs::read(&path).expect("readable");
            drop((writer, journal));
            std::fs::write(&path, bytes).expect("written");
            let next = Journal::open(&folder, config, 2).expect("opens");
            assert_eq!(carried(&next), expected, "{fits} bytes fit, restarted");
            assert!(next.damage().is_empty());
            drop(next);
            std::fs::remove_dir_all(&folder).expect("removed");
        }
    }

    #[test]
    fn a_large_debt_is_not_tried_with_every_byte_but_soon() {
        let folder = folder("debt");
        let journal = Journal::open(&folder, Config::default(), 1).expect("opens");
        let writer = journal.writer(0).expect("a writer");
        let count = 2 * LARGE_DEBT as u64 / 40;
        for sequence in 1..=count {
            writer.stage(&opened(sequence)).expect("staged");
        }
        room::set(Some(0));
        let refused = writer.flush();
        assert!(matches!(refused, Err(JournalError::Io { .. })));
        room::set(None);
        let give_up = Instant::now() + Duration::from_secs(10);
        while let Err(error) = writer.flush() {
            assert!(matches!(error, JournalError::Owed), "{error}");
            assert!(Instant::now() < give_up, "tried again");
            std::thread::yield_now();
        }
        assert!(!writer.is_in_debt());
        assert_eq!(journal.lag_records(), count);
        drop((writer, journal));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
