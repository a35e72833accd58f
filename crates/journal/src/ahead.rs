//! The next segment of every writer, made before it is needed and by a thread
//! of its own: an event loop never waits for a file to be made, unless it
//! fills two segments while the disk makes one.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::disk;
use crate::segment::{Name, Segment};
use crate::{JournalError, journal::Config};

/// Makes segments, and knows what all of them take on disk.
#[derive(Debug)]
pub(crate) struct Ahead {
    folder: PathBuf,
    config: Config,
    generation: u64,
    next_number: AtomicU32,
    /// What all segments take, spare ones too: every newcomer asks.
    bytes: AtomicU64,
    /// What the spare ones take.
    spare_bytes: AtomicU64,
    desk: Mutex<Desk>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct Desk {
    spares: HashMap<u16, Spare>,
    is_over: bool,
}

#[derive(Debug)]
enum Spare {
    Wanted,
    /// Of this number. Who does not find it any more when the file is there
    /// was too late: the writer went on in a segment with a higher number.
    InWork(u32),
    Ready(Arc<Segment>, File),
}

impl Ahead {
    pub(crate) fn new(folder: PathBuf, config: Config, generation: u64, bytes: u64) -> Self {
        Self {
            folder,
            config,
            generation,
            next_number: AtomicU32::new(1),
            bytes: AtomicU64::new(bytes),
            spare_bytes: AtomicU64::new(0),
            desk: Mutex::default(),
            work: Condvar::new(),
        }
    }

    /// What all segments take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What the ones take that are made and not begun.
    pub(crate) fn spare_bytes(&self) -> u64 {
        self.spare_bytes.load(Ordering::Relaxed)
    }

    /// A segment that takes `now` bytes took `before`.
    pub(crate) fn resized(&self, before: u64, now: u64) {
        self.bytes.fetch_add(now, Ordering::Relaxed);
        self.bytes.fetch_sub(before, Ordering::Relaxed);
    }

    /// The next segment of a core, at least `needed` bytes long: the spare
    /// one, or one made now.
    pub(crate) fn next(
        &self,
        core: u16,
        needed: u64,
    ) -> Result<(Arc<Segment>, File), JournalError> {
        let spare = self.desk().spares.remove(&core);
        if let Some(Spare::Ready(segment, file)) = spare {
            let length = segment.length();
            self.spare_bytes.fetch_sub(length, Ordering::Relaxed);
            if needed > length {
                // A record larger than a segment: rare enough to wait for.
                if let Err(error) = disk::lengthen(&file, &segment.path, needed) {
                    self.discard(&segment);
                    return Err(error);
                }
                segment.lengthen(needed);
                self.resized(length, needed);
            }
            return Ok((segment, file));
        }
        self.make(core, self.number(), needed)
    }

    fn number(&self) -> u32 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    fn make(
        &self,
        core: u16,
        number: u32,
        needed: u64,
    ) -> Result<(Arc<Segment>, File), JournalError> {
        let name = Name {
            generation: self.generation,
            core,
            number,
        };
        let path = self.folder.join(name.to_string());
        let length = self.config.segment_bytes.max(needed);
        let file = disk::create(&path, length)?;
        self.resized(0, length);
        Ok((Arc::new(Segment::fresh(name, path, length)), file))
    }

    fn discard(&self, segment: &Segment) {
        if let Err(error) = std::fs::remove_file(&segment.path) {
            // Empty: the next start removes it.
            tracing::warn!(%error, segment = %segment.name, "journal: a spare segment stays");
        }
        self.resized(segment.length(), 0);
    }

    /// A writer will soon need its next segment.
    pub(crate) fn want(&self, core: u16) {
        self.desk().spares.entry(core).or_insert(Spare::Wanted);
        self.work.notify_one();
    }

    /// A writer goes away.
    pub(crate) fn leave(&self, core: u16) {
        let spare = self.desk().spares.remove(&core);
        if let Some(Spare::Ready(segment, _)) = spare {
            self.spare_bytes
                .fetch_sub(segment.length(), Ordering::Relaxed);
            self.discard(&segment);
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The core whose spare is wanted, and its number; `None` at the end.
    fn await_work(&self) -> Option<(u16, u32)> {
        let mut desk = self.desk();
        loop {
            if desk.is_over {
                return None;
            }
            let wanted = desk
                .spares
                .iter_mut()
                .find(|(_, spare)| matches!(spare, Spare::Wanted));
            if let Some((core, spare)) = wanted {
                let number = self.number();
                *spare = Spare::InWork(number);
                return Some((*core, number));
            }
            desk = self.work.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self) {
        while let Some((core, number)) = self.await_work() {
            let made = self.make(core, number, 0);
            let mut desk = self.desk();
            let place = desk
                .spares
                .get_mut(&core)
                .filter(|spare| matches!(spare, Spare::InWork(is) if *is == number));
            match (made, place) {
                (Ok((segment, file)), Some(place)) => {
                    self.spare_bytes
                        .fetch_add(segment.length(), Ordering::Relaxed);
                    *place = Spare::Ready(segment, file);
                }
                (Ok((segment, _)), None) => self.discard(&segment),
                (Err(error), place) => {
                    // The writer will try by itself, and say so.
                    tracing::debug!(%error, "journal: no spare segment");
                    if place.is_some() {
                        desk.spares.remove(&core);
                    }
                }
            }
        }
    }
}

/// The thread that makes spare segments. It ends with the journal.
#[derive(Debug)]
pub(crate) struct Maker {
    ahead: Arc<Ahead>,
    thread: Option<JoinHandle<()>>,
}

impl Maker {
    /// Starts the thread. Without one, writers make their segments themselves.
    pub(crate) fn start(ahead: &Arc<Ahead>) -> Self {
        let shared = Arc::clone(ahead);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || shared.run());
        if let Err(error) = &thread {
            tracing::warn!(%error, "journal: segments are not made ahead");
        }
        Self {
            ahead: Arc::clone(ahead),
            thread: thread.ok(),
        }
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.ahead.desk().is_over = true;
        self.ahead.work.notify_all();
        if let Some(thread) = self.thread.take() {
            // It made nothing but files: a panic there changes nothing here.
            let _ = thread.join();
        }
    }
}
