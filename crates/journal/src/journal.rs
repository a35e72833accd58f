//! The folder: which segments there are, and whose it is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::ahead::{Ahead, Maker};
use crate::disk::{self, context};
use crate::living::{self, Sign};
use crate::recover::Damage;
use crate::segment::{Name, Segment};
use crate::{JournalError, Writer};

/// Bounds of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Length of a segment, preallocated.
    pub segment_bytes: u64,
    /// How much all segments together may take before newcomers are turned
    /// away. Those already admitted may always write to the end.
    pub max_bytes: u64,
    /// How many requests may be in flight.
    pub max_in_flight: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            max_bytes: 4 << 30,
            max_in_flight: 100_000,
        }
    }
}

/// The journal of one process. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(crate) shared: Arc<Shared>,
}

/// What writers, slots and carriers have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    pub(crate) config: Config,
    pub(crate) generation: u64,
    // Asked for once a segment and once a batch, never once a record.
    segments: Mutex<BTreeMap<Name, Arc<Segment>>>,
    pub(crate) ahead: Arc<Ahead>,
    // Started with the first writer: who only reads needs no thread.
    maker: OnceLock<Maker>,
    writers: Mutex<HashSet<u16>>,
    pub(crate) writer_count: AtomicU64,
    pub(crate) in_flight: AtomicUsize,
    // Relaxed everywhere: a newcomer who reads the old value meets the error
    // itself.
    pub(crate) is_disk_well: AtomicBool,
    /// The files that are written are not where a start would look for them.
    pub(crate) is_away: AtomicBool,
    /// Requests go on that cannot be recorded.
    pub(crate) is_lenient: AtomicBool,
    /// Records that were not kept by that.
    pub(crate) lost_records: AtomicU64,
    pub(crate) last_probe: Mutex<Option<Instant>>,
    damage: Mutex<Vec<Damage>>,
    /// Processes that write here too, until they end.
    living: Mutex<HashMap<u64, Sign>>,
    // Held for as long as anything of this journal lives.
    sign: Sign,
    // Until another process goes on with the folder.
    lock: Mutex<Option<File>>,
}

impl Journal {
    /// Opens the folder. What earlier processes left in it is read by the
    /// carrier: this takes no longer for a million records than for none.
    ///
    /// # Errors
    /// Another process has the folder, `generation` was used before, or the
    /// disk would not do it.
    pub fn open(folder: &Path, config: Config, generation: u64) -> Result<Self, JournalError> {
        disk::create_folder(folder).map_err(context("create", folder))?;
        Self::open_locked(folder, config, generation, lock(folder)?)
    }

    /// As [`Journal::open`], with the folder's lock from the process that had
    /// it ([`Journal::lock`]) and goes on writing its own records until it
    /// ends.
    ///
    /// # Errors
    /// As there.
    pub fn open_locked(
        folder: &Path,
        config: Config,
        generation: u64,
        lock: File,
    ) -> Result<Self, JournalError> {
        let mut segments = BTreeMap::new();
        let living = living::find(folder)?;
        for (path, name) in list(folder)? {
            if name.generation == generation {
                return Err(JournalError::GenerationTaken(generation));
            }
            let (length, filled) = disk::extent(&path)?;
            let segment = match living.contains_key(&name.generation) {
                true => Segment::fresh(name, path, length),
                false => Segment::found(name, path, length, filled),
            };
            segments.insert(name, Arc::new(segment));
        }
        let bytes = segments.values().map(|segment| segment.length()).sum();
        let shared = Shared {
            folder: folder.to_path_buf(),
            config,
            generation,
            segments: Mutex::new(segments),
            ahead: Arc::new(Ahead::new(folder.to_path_buf(), config, generation, bytes)),
            maker: OnceLock::new(),
            writers: Mutex::default(),
            writer_count: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            is_disk_well: AtomicBool::new(true),
            is_away: AtomicBool::new(false),
            is_lenient: AtomicBool::new(false),
            lost_records: AtomicU64::new(0),
            last_probe: Mutex::new(None),
            damage: Mutex::default(),
            living: Mutex::new(living),
            sign: Sign::set(folder, generation)?,
            lock: Mutex::new(Some(lock)),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// A writer for one event loop; makes its first segment.
    ///
    /// # Errors
    /// The core has a writer already, or the disk takes no segment.
    pub fn writer(&self, core: u16) -> Result<Writer, JournalError> {
        Writer::new(Arc::clone(&self.shared), core)
    }

    /// Records that the store does not have yet. Those of earlier processes
    /// are estimated by their bytes until they are read.
    #[must_use]
    pub fn lag_records(&self) -> u64 {
        self.shared
            .segments()
            .values()
            .map(|segment| segment.lag())
            .sum()
    }

    /// What all segments take.
    #[must_use]
    pub fn bytes_on_disk(&self) -> u64 {
        self.shared.ahead.bytes()
    }

    /// How much of the journal's bound the records take that the store does not
    /// have yet, from 0 to 1; estimated by their number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share, not an account")]
    pub fn uncarried_share(&self) -> f64 {
        /// Bytes of a record, all kinds together.
        const TYPICAL: f64 = 128.0;
        self.lag_records() as f64 * TYPICAL / self.shared.config.max_bytes.max(1) as f64
    }

    /// The damage that the carrier has met so far.
    #[must_use]
    pub fn damage(&self) -> Vec<Damage> {
        self.shared.damage().clone()
    }

    /// The folder's lock, to be handed to the process that goes on with it.
    ///
    /// # Errors
    /// It was given up, or the process has no descriptor left.
    pub fn lock(&self) -> std::io::Result<File> {
        let lock = self.shared.lock();
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        lock.as_ref().ok_or_else(gone)?.try_clone()
    }

    /// Another process has the lock: this one only writes its records to the
    /// end.
    pub fn give_up_lock(&self) {
        *self.shared.lock() = None;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    pub(crate) fn segments(&self) -> MutexGuard<'_, BTreeMap<Name, Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the next segment of a core, at least `needed` bytes long.
    pub(crate) fn add_segment(
        &self,
        core: u16,
        needed: u64,
    ) -> Result<(Arc<Segment>, File), JournalError> {
        let (segment, file) = self.ahead.next(core, needed)?;
        self.segments().insert(segment.name, Arc::clone(&segment));
        Ok((segment, file))
    }

    /// Closes a segment whose file was cut to `length`.
    pub(crate) fn close_segment(&self, segment: &Segment, length: u64) {
        self.ahead.resized(segment.length(), length);
        segment.close(length);
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another process still writes segments of this generation.
    pub(crate) fn lives(&self, generation: u64) -> bool {
        self.living().contains_key(&generation)
    }

    /// Whether any other process still writes here.
    pub(crate) fn has_living(&self) -> bool {
        !self.living().is_empty()
    }

    fn living(&self) -> MutexGuard<'_, HashMap<u64, Sign>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for segments that other living processes have begun, and makes
    /// those of processes that have ended like any earlier one's.
    ///
    /// # Errors
    /// The folder or a file cannot be looked at. Nothing has changed then: who
    /// has ended lives on until all that it left is known, because a segment
    /// that is missing here would be taken for one without records.
    pub(crate) fn look_at_others(&self) -> Result<(), JournalError> {
        let mut living = self.living();
        if living.is_empty() {
            return Ok(());
        }
        // In this order: who has ended begins no more segments.
        let ended = living::ended(&living);
        let has_ended = |name: &Name| ended.contains(&name.generation);
        let is_news = |name: &Name| {
            living.contains_key(&name.generation) && !self.segments().contains_key(name)
        };
        let mut news = Vec::new();
        for (path, name) in list(&self.folder)? {
            if has_ended(&name) {
                let (length, filled) = disk::extent(&path)?;
                news.push(Segment::found(name, path, length, filled));
            } else if is_news(&name)
                && let Some(length) = disk::length(&path)?
            {
                news.push(Segment::fresh(name, path, length));
            }
        }
        // From here on nothing fails.
        living.retain(|generation, _| !ended.contains(generation));
        let mut segments = self.segments();
        let known = segments.extract_if(.., |name, _| has_ended(name));
        known.for_each(|(_, segment)| self.ahead.resized(segment.length(), 0));
        for segment in news {
            self.ahead.resized(0, segment.length());
            segments.insert(segment.name, Arc::new(segment));
        }
        Ok(())
    }

    fn damage(&self) -> MutexGuard<'_, Vec<Damage>> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes damage, once however often it is read.
    pub(crate) fn note_damage(&self, damage: Damage) {
        let mut all = self.damage();
        if !all.contains(&damage) {
            damage.say();
            all.push(damage);
        }
    }

    /// Cuts an earlier process's segment behind its last good block.
    pub(crate) fn cut_segment(&self, segment: &Segment, end: u64) {
        segment.end_at(end);
        match disk::cut(&segment.path, end) {
            Ok(()) => self.close_segment(segment, end),
            // It goes as a whole once it is carried.
            Err(error) => tracing::warn!(%error, "journal: a torn end stays"),
        }
    }

    /// Whether the folder is where it was: this process' sign of life lies in it.
    pub(crate) fn is_in_place(&self) -> bool {
        self.sign.is_there()
    }

    /// Deletes a segment that nobody needs any more.
    pub(crate) fn remove_segment(&self, segment: &Segment) -> Result<(), JournalError> {
        match std::fs::remove_file(&segment.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(context("delete", &segment.path)(error));
            }
            _ => {}
        }
        if self.segments().remove(&segment.name).is_some() {
            self.ahead.resized(segment.length(), 0);
        }
        Ok(())
    }

    /// Takes the place of a core's writer.
    pub(crate) fn enter_writer(&self, core: u16) -> Result<(), JournalError> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        if !writers.insert(core) {
            return Err(JournalError::CoreTaken(core));
        }
        self.writer_count
            .store(writers.len() as u64, Ordering::Relaxed);
        self.maker.get_or_init(|| Maker::start(&self.ahead));
        Ok(())
    }

    pub(crate) fn leave_writer(&self, core: u16) {
        self.ahead.leave(core);
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        writers.remove(&core);
        self.writer_count
            .store(writers.len() as u64, Ordering::Relaxed);
    }
}

/// Keeps a second process out: it would cut segments that this one writes.
/// The system gives the lock back when the process ends, however it ends.
fn lock(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(context("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse(folder.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(context("lock", &path)(error)),
    }
}

fn list(folder: &Path) -> Result<Vec<(PathBuf, Name)>, JournalError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(context("read", folder))? {
        let path = entry.map_err(context("read", folder))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(Name::parse);
        if let Some(name) = name {
            found.push((path, name));
        }
    }
    Ok(found)
}
