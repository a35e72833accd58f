//! A copy of a log that somebody may be writing meanwhile.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::checkpoint::{self, Checkpoint};
use crate::error::AuditError;
use crate::folder::Folder;
use crate::note::Note;
use crate::tile::partial_tiles;

/// Times that a copy is begun: a partial tile goes when its full one has come.
const TRIES: u32 = 50;

/// Copies a log into an empty folder, which is made; says how many records the copy
/// has. It is a log of its own, sound by its newest checkpoint, whatever is written
/// meanwhile: each file is read before those that it leads to.
///
/// # Errors
/// A file cannot be read or written, or is none of a log.
pub fn copy(from: &Path, to: &Path) -> Result<u64, AuditError> {
    let log = Folder::new(from);
    make(to)?;
    let mut tries = 0;
    let (history, partial) = loop {
        let history = log.history()?;
        match partial(&log, &history)? {
            Some(partial) => break (history, partial),
            None if tries < TRIES => tries += 1,
            None => return Err(AuditError::damaged(from, "a partial tile is not there")),
        }
    };
    let (notes, whole) = checkpoint::history(&history);
    if let Some(newest) = notes.last() {
        put(&to.join("checkpoints"), &history.as_bytes()[..whole])?;
        put(&to.join("checkpoint"), newest.as_bytes())?;
    }
    for (file, bytes) in partial {
        put(&to.join(file), &bytes)?;
    }
    // What is sealed is in the tail by now, and what is in the tail is in full tiles.
    let tail = log.bytes("tail")?;
    if let Some(tail) = &tail {
        put(&to.join("tail"), tail)?;
    }
    full(&from.join("tile"), &to.join("tile"))?;
    // Last: it is written before what it names is deleted.
    if let Some(retention) = log.bytes("retention")? {
        put(&to.join("retention"), &retention)?;
    }
    let tail = tail.map(|tail| crate::tail::read(&from.join("tail"), &tail));
    Ok(tail.transpose()?.map_or(0, |tail| tail.size))
}

/// A file's path in the folder, and what it holds.
type Held = (String, Vec<u8>);

/// The partial tiles of the newest checkpoint; `None` if one is no more, and so a newer
/// checkpoint is near.
fn partial(log: &Folder, history: &str) -> Result<Option<Vec<Held>>, AuditError> {
    let (notes, _) = checkpoint::history(history);
    let Some(newest) = notes.last() else {
        return Ok(Some(Vec::new()));
    };
    let newest = Checkpoint::parse(Note::parse(newest)?.unverified_text())?;
    let mut held = Vec::new();
    for tile in partial_tiles(newest.size) {
        let entries = (tile.level == 0).then(|| tile.entries_path());
        for file in [tile.path()].into_iter().chain(entries) {
            match log.bytes(&file)? {
                Some(bytes) => held.push((file, bytes)),
                None => return Ok(None),
            }
        }
    }
    Ok(Some(held))
}

/// Copies a folder's files but for partial tiles.
fn full(from: &Path, to: &Path) -> Result<(), AuditError> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(AuditError::io("read", from)(error)),
    };
    for entry in entries {
        let name = entry.map_err(AuditError::io("read", from))?.file_name();
        let (source, target) = (from.join(&name), to.join(&name));
        if name.to_string_lossy().ends_with(".p") {
            continue;
        }
        if source.is_dir() {
            full(&source, &target)?;
            continue;
        }
        match fs::read(&source) {
            Ok(bytes) => put(&target, &bytes)?,
            // Its time was over.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(AuditError::io("read", &source)(error)),
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), AuditError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(AuditError::io("make", folder))
}

fn put(file: &Path, bytes: &[u8]) -> Result<(), AuditError> {
    use io::Write as _;
    if let Some(folder) = file.parent() {
        make(folder)?;
    }
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut out| {
            out.write_all(bytes)?;
            out.sync_all()
        });
    written.map_err(AuditError::io("write", file))
}
