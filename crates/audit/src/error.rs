//! What can go wrong with a log.

use std::io;
use std::path::{Path, PathBuf};

use crate::note::NoteError;

/// Why a log would not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk or the folder would not.
    #[error("audit: cannot {what} {path}: {source}")]
    Io {
        /// What was tried: `read`, `write`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes this log.
    #[error("audit: {0} is in use by another process")]
    InUse(PathBuf),
    /// An entry is longer than [`crate::bundle::MOST_BYTES`]; nothing of its
    /// batch was appended.
    #[error("audit: an entry of {0} bytes is longer than a log takes")]
    EntryTooLong(usize),
    /// A file does not hold what only this crate writes into it.
    #[error("audit: {path}: {why}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The newest checkpoint speaks of a tree that the files do not hold.
    /// Nothing is appended to such a log.
    #[error("audit: the files do not bear out the checkpoint over {size} records: {why}")]
    NotBorneOut {
        /// The checkpoint's size, in records.
        size: u64,
        /// What differs.
        why: String,
    },
    /// A batch came with the last one's marks and other entries.
    #[error("audit: other entries came with marks that were there already")]
    OtherEntries,
    /// A write failed earlier, so that what is in the files is not known for
    /// certain. Open the log again.
    #[error("audit: the log must be opened again after a failed write")]
    Unsure,
    /// A record that no checkpoint covers, or none of this log.
    #[error("audit: no checkpoint covers record {record}; {size} records are sealed")]
    NotSealed {
        /// The record's number, from 0.
        record: u64,
        /// How many records the newest checkpoint covers.
        size: u64,
    },
    /// The signer or the note would not.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl AuditError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            why: why.into(),
        }
    }
}
