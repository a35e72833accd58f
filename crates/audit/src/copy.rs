//! A copy of a log that somebody may be writing meanwhile.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::bundle::{self, Torn};
use crate::checkpoint::{self, Checkpoint};
use crate::error::AuditError;
use crate::folder::Folder;
use crate::note::Note;
use crate::tile::{Tile, partial_tiles};

/// Copies a log into an empty folder, which is made; says how many records the copy
/// has. It is a log of its own, sound by its newest checkpoint, whatever is written
/// meanwhile: each file is read before those that it leads to.
///
/// # Errors
/// A file cannot be read or written, or is none of a log.
pub fn copy(from: &Path, to: &Path) -> Result<u64, AuditError> {
    let log = Folder::new(from);
    make(to)?;
    let history = log.history()?;
    let partial = partial(&log, &history)?;
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

/// The partial tiles of the newest checkpoint. One goes when its full one has come,
/// which may be long before the next checkpoint: then it is the beginning of that.
fn partial(log: &Folder, history: &str) -> Result<Vec<Held>, AuditError> {
    let (notes, _) = checkpoint::history(history);
    let Some(newest) = notes.last() else {
        return Ok(Vec::new());
    };
    let newest = Checkpoint::parse(Note::parse(newest)?.unverified_text())?;
    let mut held = Vec::new();
    for tile in partial_tiles(newest.size) {
        let full = Tile::full(tile.level, tile.index);
        let width = usize::from(tile.width);
        let (path, whole) = (tile.path(), full.path());
        held.push(beginning(log, path, &whole, |all| all.get(..32 * width))?);
        if tile.level == 0 {
            let (path, whole) = (tile.entries_path(), full.entries_path());
            held.push(beginning(log, path, &whole, |all| first(all, width))?);
        }
    }
    Ok(held)
}

/// A file, or as much of the `whole` one as it was.
fn beginning(
    log: &Folder,
    path: String,
    whole: &str,
    of: impl Fn(&[u8]) -> Option<&[u8]>,
) -> Result<Held, AuditError> {
    if let Some(bytes) = log.bytes(&path)? {
        return Ok((path, bytes));
    }
    let whole = log.bytes(whole)?;
    let bytes = whole.as_deref().and_then(of).map(<[u8]>::to_vec);
    let bytes = bytes.ok_or_else(|| AuditError::damaged(&log.at(&path), "it is not there"))?;
    Ok((path, bytes))
}

/// So many entries of a bundle.
fn first(bundle: &[u8], count: usize) -> Option<&[u8]> {
    let lengths = bundle::entries(bundle).take(count);
    let lengths: Result<Vec<usize>, Torn> = lengths.map(|it| Ok(2 + it?.len())).collect();
    let lengths: Vec<usize> = lengths.ok().filter(|all: &Vec<usize>| all.len() == count)?;
    bundle.get(..lengths.iter().sum())
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
