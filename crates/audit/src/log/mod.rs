//! One node's log: a folder that one thread appends to.

#[cfg(test)]
mod crashes;
mod open;
mod seal;

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;

use domain::time::UnixMicros;

use crate::bundle;
use crate::checkpoint::Checkpoint;
use crate::disk::Disk;
use crate::error::AuditError;
use crate::folder::Folder;
use crate::levels::Levels;
use crate::tail::{self, Batch};
use crate::tile::{TILE_WIDTH, Tile, bytes};
use crate::tree::{self, Hash};

pub use seal::Sealed;

/// Blocks that a tail may have before it is written anew: batches without
/// entries fill no bundle that would end it.
const MOST_BLOCKS: u64 = 512;

/// A log that is open for writing. Other processes are kept out as long as it
/// lives; readers ([`Folder`], [`crate::verify`], [`crate::prove`]) are not.
///
/// The order that loses nothing: [`Log::append`] with the marks up to which
/// the batch's source was read; then whatever else keeps that batch; then
/// [`Log::seal`]. At the next start [`Log::marks`] says how far the log is,
/// and the same batch handed in again appends nothing.
pub struct Log {
    folder: Folder,
    disk: Box<dyn Disk>,
    origin: String,
    levels: Levels,
    /// The bundle that is not full.
    open: Vec<u8>,
    batch: Batch,
    /// Of the tail's file.
    tail_bytes: u64,
    tail_blocks: u64,
    sealed: Option<Checkpoint>,
    sealed_at: Option<UnixMicros>,
    history_bytes: u64,
    /// A step failed, so what the files hold is not what this knows.
    is_unsure: bool,
    /// Locked for as long as it is open.
    _lock: File,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The numbers of its records, from 0.
    pub records: Range<u64>,
    /// It had been appended before, with the same marks; nothing was now.
    pub is_repeated: bool,
}

impl Log {
    /// Appends entries, all or none, and with them keeps the marks. Without
    /// marks, or with empty ones, those before stay, and nothing says whether
    /// the batch was there already.
    ///
    /// # Errors
    /// An entry is too long; the marks are the last ones, but the entries are
    /// not; or the disk would not. After the last the log is to be opened
    /// again, and then has all of the batch or none of it.
    pub fn append<T: AsRef<[u8]>>(
        &mut self,
        entries: &[T],
        marks: Option<&[u8]>,
    ) -> Result<Appended, AuditError> {
        self.check_sure()?;
        let entries = || entries.iter().map(AsRef::as_ref);
        if let Some(long) = entries().find(|entry| entry.len() > bundle::MOST_BYTES) {
            return Err(AuditError::EntryTooLong(long.len()));
        }
        let mut buffer = Vec::new();
        let leaves: Vec<Hash> = entries()
            .map(|entry| tree::leaf_with(&mut buffer, entry))
            .collect();
        let first = self.size();
        let marks = marks.filter(|marks| !marks.is_empty());
        let batch = match marks {
            None => self.batch.clone(),
            Some(marks) => {
                let digest = tree::sha256(&bytes(&leaves));
                if marks == self.batch.marks {
                    return self.repeated(leaves.len() as u64, digest);
                }
                Batch {
                    first,
                    digest,
                    marks: marks.to_vec(),
                }
            }
        };
        self.is_unsure = true;
        self.write(entries(), &leaves, batch)?;
        self.is_unsure = false;
        Ok(Appended {
            records: first..self.size(),
            is_repeated: false,
        })
    }

    fn repeated(&self, count: u64, digest: Hash) -> Result<Appended, AuditError> {
        if digest != self.batch.digest {
            return Err(AuditError::OtherEntries);
        }
        Ok(Appended {
            records: self.batch.first..self.batch.first + count,
            is_repeated: true,
        })
    }

    /// Full bundles and tiles first: nobody looks at them before the tail
    /// says so, in one step.
    fn write<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a [u8]>,
        leaves: &[Hash],
        batch: Batch,
    ) -> Result<(), AuditError> {
        let begun = self.open.len();
        let first_open = Tile::full(0, self.size() / TILE_WIDTH);
        let mut full = Vec::new();
        let mut ended = Vec::new();
        for (entry, leaf) in entries.zip(leaves) {
            bundle::push(&mut self.open, entry);
            self.levels.push(*leaf, &mut full);
            if full.is_empty() {
                continue;
            }
            for (tile, hashes) in full.drain(..) {
                if tile.level == 0 {
                    let filled = std::mem::take(&mut self.open);
                    self.put(&tile.entries_path(), &filled)?;
                }
                self.put(&tile.path(), &bytes(&hashes))?;
                if tile.level > 0 || tile == first_open {
                    ended.push(tile);
                }
            }
        }
        self.batch = batch;
        if ended.is_empty() && self.tail_blocks < MOST_BLOCKS {
            let block = tail::block(self.size(), &self.batch, &self.open[begun..]);
            let path = self.folder.at("tail");
            self.disk
                .append(&path, self.tail_bytes, &block)
                .map_err(AuditError::io("append to", &path))?;
            self.tail_bytes += block.len() as u64;
            self.tail_blocks += 1;
            return self.settle();
        }
        self.replace_tail()?;
        for tile in ended {
            self.drop_partial(tile)?;
        }
        Ok(())
    }

    fn replace_tail(&mut self) -> Result<(), AuditError> {
        let block = tail::block(self.size(), &self.batch, &self.open);
        self.replace("tail", &block)?;
        self.tail_bytes = block.len() as u64;
        self.tail_blocks = 1;
        Ok(())
    }

    /// What partial tiles held, the full one does now.
    fn drop_partial(&mut self, tile: Tile) -> Result<(), AuditError> {
        let mut folders = vec![format!("{}.p", tile.path())];
        if tile.level == 0 {
            folders.push(format!("{}.p", tile.entries_path()));
        }
        for folder in folders {
            let path = self.folder.at(&folder);
            self.disk
                .remove_folder(&path)
                .map_err(AuditError::io("delete", &path))?;
        }
        Ok(())
    }

    /// How many records it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.size()
    }

    /// The root over all records, sealed or not.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.levels.edge().root()
    }

    /// The marks that came with the last batch that had some; empty before.
    #[must_use]
    pub fn marks(&self) -> &[u8] {
        &self.batch.marks
    }

    /// The records of that batch.
    #[must_use]
    pub fn batch(&self) -> Range<u64> {
        self.batch.first..self.size()
    }

    /// How many records no checkpoint covers yet.
    #[must_use]
    pub fn unsealed(&self) -> u64 {
        self.size() - self.sealed.as_ref().map_or(0, |sealed| sealed.size)
    }

    /// The newest checkpoint.
    #[must_use]
    pub fn sealed(&self) -> Option<&Checkpoint> {
        self.sealed.as_ref()
    }

    /// The folder, for reading.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    fn check_sure(&self) -> Result<(), AuditError> {
        if self.is_unsure {
            Err(AuditError::Unsure)
        } else {
            Ok(())
        }
    }

    fn put(&mut self, file: &str, content: &[u8]) -> Result<(), AuditError> {
        let path = self.folder.at(file);
        self.disk
            .write(&path, content)
            .map_err(AuditError::io("write", &path))
    }

    /// Puts a file's new content in its place in one step, after all that was
    /// written before.
    fn replace(&mut self, file: &str, content: &[u8]) -> Result<(), AuditError> {
        let beside = format!("{file}.new");
        self.put(&beside, content)?;
        self.settle()?;
        let (from, to): (PathBuf, PathBuf) = (self.folder.at(&beside), self.folder.at(file));
        self.disk
            .swap(&from, &to)
            .map_err(AuditError::io("replace", &to))?;
        self.disk
            .remove(&from)
            .map_err(AuditError::io("delete", &from))?;
        self.settle()
    }

    fn settle(&mut self) -> Result<(), AuditError> {
        let path = self.folder.path();
        self.disk
            .settle()
            .map_err(AuditError::io("bring to disk", path))
    }
}
