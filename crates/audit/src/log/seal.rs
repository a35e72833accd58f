//! Sealing: a signed checkpoint over all records so far. And deleting old
//! entries, which is said in a signed note before.

use std::ops::Range;

use domain::time::UnixMicros;

use super::Log;
use crate::checkpoint::Checkpoint;
use crate::error::AuditError;
use crate::note::{NoteError, Signer};
use crate::retention::Retention;
use crate::tile::{TILE_WIDTH, Tile, bytes, partial_tiles};

/// The longest that a record waits for a checkpoint, in microseconds.
const LATE: i64 = 1_000_000;
/// Records that do not wait longer.
const MANY: u64 = 1_000;

/// A log that was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The signed note, to be exported; `None` if the newest checkpoint had
    /// all records already.
    pub note: Option<String>,
}

impl Log {
    /// Whether records wait for a checkpoint for a second, or a thousand do.
    #[must_use]
    pub fn is_due(&self, now: UnixMicros) -> bool {
        let waiting = self.unsealed();
        let is_late = self
            .sealed_at
            .is_none_or(|at| now.0.saturating_sub(at.0) >= LATE || now < at);
        waiting >= MANY || waiting > 0 && is_late
    }

    /// Seals all records so far, if the newest checkpoint does not. `now` is
    /// for [`Log::is_due`] only: a checkpoint names no time.
    ///
    /// The signer is asked before anything is written.
    ///
    /// # Errors
    /// The signer's key has another name than the log, or it would not sign;
    /// or the disk would not, and the log is to be opened again.
    pub fn seal(&mut self, signer: &dyn Signer, now: UnixMicros) -> Result<Sealed, AuditError> {
        self.check_sure()?;
        self.check_signer(signer)?;
        let size = self.size();
        if let Some(sealed) = self.sealed.as_ref().filter(|sealed| sealed.size == size) {
            let checkpoint = sealed.clone();
            self.sealed_at = Some(now);
            return Ok(Sealed {
                checkpoint,
                note: None,
            });
        }
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size,
            root: self.root(),
        };
        let note = checkpoint.sign(signer)?.render();
        self.is_unsure = true;
        self.write_partial()?;
        self.settle()?;
        self.write_checkpoint(&note)?;
        self.is_unsure = false;
        self.sealed = Some(checkpoint.clone());
        self.sealed_at = Some(now);
        Ok(Sealed {
            checkpoint,
            note: Some(note),
        })
    }

    fn write_partial(&mut self) -> Result<(), AuditError> {
        let there = partial_tiles(self.sealed.as_ref().map_or(0, |sealed| sealed.size));
        for tile in partial_tiles(self.size()) {
            if there.contains(&tile) {
                continue;
            }
            let hashes = bytes(self.levels.open(tile.level));
            self.put(&tile.path(), &hashes)?;
            if tile.level == 0 {
                let open = std::mem::take(&mut self.open);
                let written = self.put(&tile.entries_path(), &open);
                self.open = open;
                written?;
            }
        }
        Ok(())
    }

    fn write_checkpoint(&mut self, note: &str) -> Result<(), AuditError> {
        let path = self.folder.at("checkpoints");
        let line = format!("{note}\n");
        self.disk
            .append(&path, self.history_bytes, line.as_bytes())
            .map_err(AuditError::io("append to", &path))?;
        self.history_bytes += line.len() as u64;
        self.settle()?;
        self.replace("checkpoint", note.as_bytes())
    }

    /// Deletes the entries of bundles, by their numbers (256 records each), and
    /// says so in a signed note first. The tree stays: every checkpoint and
    /// proof holds, and [`crate::verify`] counts the records as expired.
    ///
    /// # Errors
    /// A checkpoint does not cover all of them; the signer would not sign; or
    /// the disk would not, and the log is to be opened again.
    pub fn expire(&mut self, bundles: Range<u64>, signer: &dyn Signer) -> Result<(), AuditError> {
        self.check_sure()?;
        self.check_signer(signer)?;
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.size);
        if bundles.end > sealed / TILE_WIDTH {
            return Err(AuditError::NotSealed {
                record: bundles.end.saturating_mul(TILE_WIDTH) - 1,
                size: sealed,
            });
        }
        let mut retention = match self.folder.text("retention")? {
            Some(note) => Retention::verified(&note, signer.verifier())?,
            None => Retention::new(&self.origin),
        };
        retention.add(bundles.clone());
        let note = retention.sign(signer)?.render();
        self.is_unsure = true;
        self.replace("retention", note.as_bytes())?;
        for bundle in bundles {
            let path = self.folder.at(&Tile::full(0, bundle).entries_path());
            self.disk
                .remove(&path)
                .map_err(AuditError::io("delete", &path))?;
        }
        self.settle()?;
        self.is_unsure = false;
        Ok(())
    }

    fn check_signer(&self, signer: &dyn Signer) -> Result<(), AuditError> {
        let name = signer.verifier().name();
        if name == self.origin {
            return Ok(());
        }
        let why = format!("its key is of {name}, the log of {}", self.origin);
        Err(NoteError::Signer(why).into())
    }
}
