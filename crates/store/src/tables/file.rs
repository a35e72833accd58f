//! SQLite's file: whose it is, whether it is still there, and which connections
//! may be used.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::sqlite::SqlitePoolOptions;

use super::StoreError;

/// When a connection could last read and not write. One that was opened while
/// the file could not be written never writes again, whatever becomes of the
/// file: those of before then are not used any more.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadOnly(Arc<Mutex<Option<Instant>>>);

impl ReadOnly {
    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection of this age may be used.
    pub(super) fn allows(&self, age: Duration) -> bool {
        self.last().is_none_or(|last| last.elapsed() > age)
    }

    /// Takes note of what became of writing.
    pub(super) fn noted<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.as_ref().is_err_and(StoreError::is_read_only) {
            *self.last() = Some(Instant::now());
        }
        done
    }
}

pub(super) fn connections(most: u32, read_only: &ReadOnly) -> SqlitePoolOptions {
    let read_only = read_only.clone();
    SqlitePoolOptions::new()
        .max_connections(most)
        // On a full disk SQLite ends a transaction by itself, and the
        // connection goes on believing that it is in one: for ever.
        .before_acquire(move |connection, about| {
            let is_well = !connection.is_in_transaction() && read_only.allows(about.age);
            Box::pin(async move { Ok(is_well) })
        })
}

/// A file by its path and by itself.
#[derive(Debug)]
pub(super) struct Place {
    file: PathBuf,
    id: (u64, u64),
}

impl Place {
    pub(super) fn of(file: &Path) -> std::io::Result<Self> {
        Ok(Self {
            file: file.to_path_buf(),
            id: id_of(file)?,
        })
    }

    pub(super) fn holds(&self) -> bool {
        id_of(&self.file).is_ok_and(|id| id == self.id)
    }
}

/// Device and number of a file.
#[cfg(unix)]
fn id_of(file: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(file)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn id_of(_: &Path) -> std::io::Result<(u64, u64)> {
    Ok((0, 0))
}

/// Makes the file, or closes it to others. SQLite gives the files that it
/// makes beside it the same mode.
pub(super) fn keep_private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}
