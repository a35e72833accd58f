//! One event loop's end of the journal.

use std::cell::RefCell;
use std::fs::File;
use std::sync::Arc;

use domain::record::Record;

use crate::JournalError;
use crate::block;
use crate::disk::{self, context};
use crate::journal::Shared;
use crate::segment::Segment;

/// Appends records to segments of its own. It belongs to one thread; what it
/// shares with the carrier is a segment's published end.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    core: u16,
    // Never borrowed over a call to anybody else.
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    segment: Arc<Segment>,
    file: File,
    /// Where the next block goes.
    position: u64,
    /// Up to where a write that failed may have left bytes. They could hold
    /// whole blocks that the caller was told are not written.
    stale_to: u64,
    // Kept for its capacity.
    buffer: Vec<u8>,
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
                    stale_to: 0,
                    buffer: Vec::new(),
                };
                Ok(Self {
                    shared,
                    core,
                    state: RefCell::new(state),
                })
            }
            Err(error) => {
                shared.leave_writer(core);
                Err(error)
            }
        }
    }

    /// Appends all records, or none, by one `write`. When this returns they
    /// survive the end of the process.
    ///
    /// # Errors
    /// The disk would not take them. The journal gives out no slots until it
    /// takes bytes again, and the same records may be appended later.
    pub fn append(&self, records: &[Record]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        state.buffer.clear();
        for record in records {
            block::encode(record, &mut state.buffer)?;
        }
        let written = self.write(state, records.len() as u64);
        self.shared.note_disk(&written);
        written
    }

    fn write(&self, state: &mut State, records: u64) -> Result<(), JournalError> {
        let length = state.buffer.len() as u64;
        if state.position + length > state.segment.length() {
            self.roll(state, length)?;
        }
        let end = state.position + length;
        if state.stale_to > end {
            // In the same write, so that nobody ever reads the one without
            // the other.
            let padding = state.stale_to - end;
            state.buffer.resize(
                state.buffer.len() + usize::try_from(padding).unwrap_or(0),
                0,
            );
        }
        let written = disk::write(&state.file, &state.buffer, state.position);
        if let Err(error) = written {
            state.stale_to = state
                .stale_to
                .max(state.position + state.buffer.len() as u64);
            return Err(context("write", &state.segment.path)(error));
        }
        state.position = end;
        state.stale_to = 0;
        state.segment.publish(end, records);
        Ok(())
    }

    /// Goes on in a fresh segment that holds at least `needed` bytes.
    fn roll(&self, state: &mut State, needed: u64) -> Result<(), JournalError> {
        let (segment, file) = self.shared.add_segment(self.core, needed)?;
        close(&self.shared, state);
        state.segment = segment;
        state.file = file;
        state.position = 0;
        state.stale_to = 0;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
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
    /// three records; then it has room again for one shorter write.
    #[test]
    fn what_a_full_disk_took_half_is_neither_kept_nor_found_again() {
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
            room::set(None);
            writer.append(&[opened(5)]).expect("written");
            assert!(journal.reserve().is_some(), "an append that works ends it");
            writer.append(&[opened(6)]).expect("written");
            let expected = [opened(1), opened(5), opened(6)];
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
}
