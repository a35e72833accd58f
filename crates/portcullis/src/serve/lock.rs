//! One process owns a data folder.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The folder, owned until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    /// Holds the lock. Whoever has a clone of it holds it too.
    pub(super) file: File,
    dir: PathBuf,
    /// Whether the folder was not there before.
    is_new: bool,
}

impl Lock {
    /// The folder's lock, from the process that had it.
    pub(super) fn of(file: File, dir: &Path) -> Self {
        Self {
            file,
            dir: dir.to_owned(),
            is_new: false,
        }
    }

    /// Says in the file who owns the folder now, for people who look.
    pub(super) fn sign(&self, generation: u64) {
        let text = format!(
            "process {} generation {generation:016x}\n",
            std::process::id()
        );
        let signed = self.file.set_len(0);
        if let Err(error) = signed.and_then(|()| self.file.write_all_at(text.as_bytes(), 0)) {
            tracing::debug!(%error, "the lock could not be signed");
        }
    }

    /// Takes a folder away that this start made and did not use.
    pub(super) fn undo(self) {
        if self.is_new {
            // What cannot be removed, or is in use by now, may stay.
            let _ = std::fs::remove_file(self.dir.join("lock"));
            let _ = std::fs::remove_dir(&self.dir);
        }
    }
}

/// Makes the folder (0700) if it is not there and locks it for this process.
/// The lock ends with the process, however it ends.
pub(super) fn take(dir: &Path) -> anyhow::Result<Lock> {
    let is_new = !dir.exists();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot create the data folder {}", dir.display()))?;
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock {
            file,
            dir: dir.to_owned(),
            is_new,
        }),
        Err(TryLockError::WouldBlock) => bail!(
            "another portcullis{} uses the data folder {}. Stop it, take over from it with --takeover, or name another folder with --data-dir.",
            owner(&path),
            dir.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Who holds the lock, as far as it has said so.
fn owner(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("process"), Some(pid)) => format!(" (process {pid})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_fails_leaves_no_folder_that_it_made() {
        let root = std::env::temp_dir().join(format!("portcullis-lock-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("a folder");
        let made = root.join("made");
        take(&made).expect("locks").undo();
        assert!(!made.exists());
        take(&root).expect("locks").undo();
        assert!(root.exists());
        std::fs::remove_dir_all(&root).expect("removed");
    }
}
