//! Files that are written whole or not at all.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Who may read a new file that holds no secret, if they may see its folder.
const READABLE: u32 = 0o644;
/// What of a mode is its owner's.
const OWNER: u32 = 0o700;

/// Writes a file without secrets, and makes it and its folder if they are not
/// there.
///
/// # Errors
/// It cannot be written; the old one stays as it was.
pub(super) fn write(file: &Path, new: &str) -> std::io::Result<()> {
    if file.exists() {
        return replace(file, new);
    }
    if let Some(folder) = file.parent() {
        let mut make = DirBuilder::new();
        make.recursive(true).mode(0o700).create(folder)?;
    }
    swap(file, new, READABLE)
}

/// The whole new text or the whole old one, whatever happens. A link stays a
/// link, and who may read the file stays the same.
pub(super) fn replace(file: &Path, new: &str) -> std::io::Result<()> {
    let file = file.canonicalize()?;
    swap(&file, new, mode(&file)?)
}

/// The same for a text with a key in it: its owner alone may read it from then on.
pub(super) fn replace_secret(file: &Path, new: &str) -> std::io::Result<()> {
    let file = file.canonicalize()?;
    swap(&file, new, mode(&file)? & OWNER)
}

/// Whether others than its owner may read the file.
pub(super) fn is_shared(file: &Path) -> std::io::Result<bool> {
    Ok(mode(file)? & !OWNER != 0)
}

fn mode(file: &Path) -> std::io::Result<u32> {
    Ok(std::fs::metadata(file)?.permissions().mode() & 0o777)
}

fn swap(file: &Path, new: &str, mode: u32) -> std::io::Result<()> {
    let next = beside(file, ".portcullis.new");
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut to = fresh(&next)?;
    to.write_all(new.as_bytes())?;
    to.set_permissions(Permissions::from_mode(mode))?;
    to.sync_all()?;
    std::fs::rename(&next, file)
}

/// A new file for its owner alone: it may hold a key.
pub(super) fn fresh(file: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
}

/// The file of this name with `suffix` behind it.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    PathBuf::from(name)
}
