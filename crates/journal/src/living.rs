//! Other processes that still write into the folder: while one hands its work
//! over to the next, it finishes its requests and keeps their records in
//! segments of its own generation.
//!
//! A process says that it lives by a lock on `<generation>.alive`, which the
//! system gives back when the process ends, however it ends. Segments of a
//! living process are read as far as they are written, and neither cut nor
//! deleted; once it has ended, they are those of any earlier process.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::JournalError;
use crate::disk::context;

/// The sign of life of one process.
#[derive(Debug)]
pub(crate) struct Sign {
    path: PathBuf,
    file: File,
}

impl Sign {
    fn open(folder: &Path, generation: u64) -> Result<Self, JournalError> {
        let path = folder.join(format!("{generation:016x}.alive"));
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(context("open", &path))?;
        Ok(Self { path, file })
    }

    /// Says that this process lives.
    pub(crate) fn set(folder: &Path, generation: u64) -> Result<Self, JournalError> {
        let sign = Self::open(folder, generation)?;
        match sign.file.try_lock() {
            Ok(()) => Ok(sign),
            Err(TryLockError::WouldBlock) => Err(JournalError::GenerationTaken(generation)),
            Err(TryLockError::Error(error)) => Err(context("lock", &sign.path)(error)),
        }
    }

    /// Whether whoever set it lives.
    fn holds(&self) -> bool {
        matches!(self.file.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Whether it lies where it was set.
    pub(crate) fn is_there(&self) -> bool {
        self.path.exists()
    }

    fn remove(&self) {
        // What stays is removed by a later start.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for Sign {
    fn drop(&mut self) {
        // Of one's own, or of one who has ended: nobody asks for it any more.
        if self.file.try_lock().is_ok() {
            self.remove();
        }
    }
}

/// Reads a sign's file name.
fn generation(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(".alive")?, 16).ok()
}

/// The processes that live, by generation; signs of others are removed.
pub(crate) fn find(folder: &Path) -> Result<HashMap<u64, Sign>, JournalError> {
    let mut living = HashMap::new();
    for entry in std::fs::read_dir(folder).map_err(context("read", folder))? {
        let name = entry.map_err(context("read", folder))?.file_name();
        let Some(generation) = name.to_str().and_then(generation) else {
            continue;
        };
        let sign = Sign::open(folder, generation)?;
        if sign.holds() {
            living.insert(generation, sign);
        }
    }
    Ok(living)
}

/// Those of `living` that have ended, by generation.
pub(crate) fn ended(living: &HashMap<u64, Sign>) -> Vec<u64> {
    let ended = living.iter().filter(|(_, sign)| !sign.holds());
    ended.map(|(generation, _)| *generation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_as_long_as_its_sign_is_held() {
        let name = format!("portcullis-living-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let sign = Sign::set(&folder, 7).expect("set");
        let living = find(&folder).expect("found");
        assert!(living.contains_key(&7));
        assert!(ended(&living).is_empty());
        drop(sign);
        assert_eq!(ended(&living), [7]);
        drop(living);
        assert!(find(&folder).expect("found").is_empty());
        assert_eq!(std::fs::read_dir(&folder).expect("read").count(), 0);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
