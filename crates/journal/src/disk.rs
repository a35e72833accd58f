//! The few things that the journal asks of the system. Tests put a full disk
//! behind them.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::JournalError;

/// Names what was tried when the system says no; costs nothing if it does not.
pub(crate) fn context<'a>(
    what: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> JournalError + use<'a> {
    move |source| JournalError::Io {
        what,
        path: path.to_path_buf(),
        source,
    }
}

/// Makes the folder, or closes it to others: who calls whom is nobody's
/// business either.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    if std::fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes a file of `length` bytes, readable by nobody else. Half a file does
/// not stay behind.
pub(crate) fn create(path: &Path, length: u64) -> Result<File, JournalError> {
    let made = make(path, length);
    if made
        .as_ref()
        .is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists)
    {
        // Best effort: what remains is an empty segment, which a start removes.
        let _ = std::fs::remove_file(path);
    }
    made.map_err(context("create", path))
}

fn make(path: &Path, length: u64) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.set_len(length)?;
    Ok(file)
}

/// Length, and how much of it was ever written.
pub(crate) fn extent(path: &Path) -> Result<(u64, u64), JournalError> {
    let metadata = std::fs::metadata(path).map_err(context("read", path))?;
    // Blocks of 512 bytes, by POSIX; preallocated space has none.
    let filled = metadata.blocks().saturating_mul(512);
    Ok((metadata.len(), filled.min(metadata.len())))
}

/// A file's length; `None` if there is none.
pub(crate) fn length(path: &Path) -> Result<Option<u64>, JournalError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(context("read", path)(error)),
    }
}

/// Whether anything was written at a file's beginning.
pub(crate) fn is_begun(path: &Path) -> bool {
    let mut first = [0; 16];
    let read = File::open(path).and_then(|file| file.read_at(&mut first, 0));
    read.is_ok() && first != [0; 16]
}

/// Cuts a file that nobody has open.
pub(crate) fn cut(path: &Path, length: u64) -> Result<(), JournalError> {
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.set_len(length))
        .map_err(context("cut", path))
}

/// Makes a file longer.
pub(crate) fn lengthen(file: &File, path: &Path, length: u64) -> Result<(), JournalError> {
    file.set_len(length).map_err(context("lengthen", path))
}

/// Writes all of `bytes` at `at`.
pub(crate) fn write(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    #[cfg(test)]
    if let Some(room) = room::left() {
        let fits = bytes.len().min(room);
        file.write_all_at(&bytes[..fits], at)?;
        room::take(fits);
        if fits < bytes.len() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        return Ok(());
    }
    file.write_all_at(bytes, at)
}

/// Up to `length` bytes from `at`; fewer where the file ends.
pub(crate) fn read(path: &Path, at: u64, length: usize) -> Result<Vec<u8>, JournalError> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    let file = File::open(path).map_err(context("open", path))?;
    while filled < length {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(context("read", path)(error)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// A disk that is full after so many bytes, for this thread's tests.
#[cfg(test)]
pub(crate) mod room {
    use std::cell::Cell;

    thread_local!(static ROOM: Cell<Option<usize>> = const { Cell::new(None) });

    pub(crate) fn set(bytes: Option<usize>) {
        ROOM.set(bytes);
    }

    pub(super) fn left() -> Option<usize> {
        ROOM.get()
    }

    pub(super) fn take(bytes: usize) {
        ROOM.set(ROOM.get().map(|room| room - bytes));
    }
}
