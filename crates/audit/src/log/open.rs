//! Opening: what a sudden end left is taken back, and what a checkpoint says
//! must be there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::Log;
use crate::checkpoint::{self, Checkpoint};
use crate::disk::{Disk, Durability, Files};
use crate::error::AuditError;
use crate::folder::Folder;
use crate::note::{Note, NoteError};
use crate::tail::{Batch, Tail};
use crate::tile::{TILE_WIDTH, Tile};
use crate::tree;

impl Log {
    /// Opens the log in a folder, which is made if it is not there. `origin`
    /// is the name of the key that seals it.
    ///
    /// Records of a batch that was not appended whole are taken back.
    ///
    /// # Errors
    /// Another process has it open; a file is not what a log writes; the files
    /// do not hold what the newest checkpoint says, or it is of another log:
    /// then nothing is written, and [`crate::verify`] says more.
    pub fn open(path: &Path, origin: &str, durability: Durability) -> Result<Self, AuditError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(AuditError::io("make", path))?;
        Self::open_on(path, origin, Box::new(Files::new(durability)))
    }

    pub(super) fn open_on(
        path: &Path,
        origin: &str,
        mut disk: Box<dyn Disk>,
    ) -> Result<Self, AuditError> {
        let lock = lock(path)?;
        let folder = Folder::new(path);
        let tail = match folder.tail()? {
            Some(tail) => tail,
            None => fresh(&folder)?,
        };
        let history = History::read(&folder, origin)?;
        if let Some(sealed) = &history.sealed {
            bear_out(&folder, &tail, sealed)?;
        }
        take_back(&folder, &tail, disk.as_mut())?;
        let levels = folder.levels(tail.size, &tail)?;
        let mut log = Self {
            folder,
            disk,
            origin: origin.to_owned(),
            levels,
            open: tail.entries,
            batch: tail.batch,
            tail_bytes: tail.whole,
            tail_blocks: tail.blocks,
            sealed: history.sealed,
            sealed_at: None,
            history_bytes: history.whole,
            is_unsure: false,
            _lock: lock,
        };
        if log.tail_blocks == 0 {
            log.replace_tail()?;
        }
        log.cut("tail", log.tail_bytes)?;
        log.cut("checkpoints", log.history_bytes)?;
        if let Some(note) = history.unfinished {
            log.replace("checkpoint", note.as_bytes())?;
        }
        Ok(log)
    }

    /// Shortens a file that a sudden end left too long.
    fn cut(&mut self, file: &str, to: u64) -> Result<(), AuditError> {
        let path = self.folder.at(file);
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > to) {
            self.disk
                .cut(&path, to)
                .map_err(AuditError::io("cut", &path))?;
        }
        Ok(())
    }
}

fn lock(path: &Path) -> Result<File, AuditError> {
    let file = path.join("lock");
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&file)
        .map_err(AuditError::io("open", &file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(AuditError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(AuditError::io("lock", &file)(error)),
    }
}

/// A log that is not there yet: of what one leaves, there is nothing.
fn fresh(folder: &Folder) -> Result<Tail, AuditError> {
    for file in ["tile", "checkpoint", "checkpoints", "retention"] {
        if folder.at(file).exists() {
            let why = format!("it is not there, and {file} is");
            return Err(AuditError::damaged(&folder.at("tail"), why));
        }
    }
    Ok(Tail {
        size: 0,
        batch: Batch {
            first: 0,
            digest: tree::empty(),
            marks: Vec::new(),
        },
        entries: Vec::new(),
        leaves: Vec::new(),
        whole: 0,
        blocks: 0,
    })
}

fn bear_out(folder: &Folder, tail: &Tail, sealed: &Checkpoint) -> Result<(), AuditError> {
    let not = |why: String| AuditError::NotBorneOut {
        size: sealed.size,
        why,
    };
    if sealed.size > tail.size {
        return Err(not(format!("there are {}", tail.size)));
    }
    let root = match folder.levels(sealed.size, tail) {
        Ok(levels) => levels.edge().root(),
        Err(error @ AuditError::Damaged { .. }) => return Err(not(error.to_string())),
        Err(error) => return Err(error),
    };
    if root != sealed.root {
        return Err(not(format!("their root is {root}, not {}", sealed.root)));
    }
    Ok(())
}

/// Deletes full tiles of a batch that the tail does not know.
fn take_back(folder: &Folder, tail: &Tail, disk: &mut dyn Disk) -> Result<(), AuditError> {
    let mut remove = |file: &str| {
        let path = folder.at(file);
        let is_there = path.exists();
        disk.remove(&path)
            .map_err(AuditError::io("delete", &path))
            .map(|()| is_there)
    };
    remove("tail.new")?;
    remove("checkpoint.new")?;
    remove("retention.new")?;
    let mut of_level = tail.size / TILE_WIDTH;
    for level in 0..8 {
        for index in of_level.. {
            let tile = Tile::full(level, index);
            let mut is_there = remove(&tile.path())?;
            if level == 0 {
                is_there |= remove(&tile.entries_path())?;
            }
            if !is_there {
                break;
            }
        }
        of_level /= TILE_WIDTH;
    }
    Ok(())
}

/// What the files of checkpoints say.
struct History {
    sealed: Option<Checkpoint>,
    /// Bytes of whole notes.
    whole: u64,
    /// The newest note, if `checkpoint` does not have it yet.
    unfinished: Option<String>,
}

impl History {
    fn read(folder: &Folder, origin: &str) -> Result<Self, AuditError> {
        let all = folder.history()?;
        let (notes, whole) = checkpoint::history(&all);
        let newest = folder.checkpoint()?;
        let last = notes.last().copied();
        let before = notes.len().checked_sub(2).map(|place| notes[place]);
        let newest = newest.as_deref();
        // The history is written first, so it may be one ahead.
        if newest != last && newest != before {
            let why = "it is not the newest of `checkpoints`";
            return Err(AuditError::damaged(&folder.at("checkpoint"), why));
        }
        let sealed = last
            .map(|note| Checkpoint::parse(Note::parse(note)?.unverified_text()))
            .transpose()?;
        if let Some(sealed) = &sealed
            && sealed.origin != origin
        {
            return Err(NoteError::Malformed("a checkpoint of another log").into());
        }
        Ok(Self {
            sealed,
            whole: whole as u64,
            unfinished: last.filter(|_| newest != last).map(str::to_owned),
        })
    }
}

impl Folder {
    /// The file of all checkpoints, as far as it is text: a sudden end may
    /// leave a character torn.
    pub(crate) fn history(&self) -> Result<String, AuditError> {
        let mut bytes = self.bytes("checkpoints")?.unwrap_or_default();
        if let Err(error) = std::str::from_utf8(&bytes) {
            bytes.truncate(error.valid_up_to());
        }
        Ok(String::from_utf8(bytes).unwrap_or_default())
    }
}
