//! The checkpoints of a log: each is signed, and each is larger than the one
//! before. Whether the records bear them out is seen when those are read.

use super::{Kind, Report, Work};
use crate::checkpoint::{self, Checkpoint};
use crate::error::AuditError;
use crate::folder::Folder;
use crate::note::NoteError;

/// What a log's key has signed.
pub(super) struct History {
    /// By size.
    pub(super) checkpoints: Vec<Signed>,
    /// Of the newest in the log's own files.
    pub(super) size: u64,
}

pub(super) struct Signed {
    pub(super) checkpoint: Checkpoint,
    pub(super) whose: &'static str,
}

impl History {
    pub(super) fn read(
        folder: &Folder,
        work: Work<'_>,
        report: &mut Report,
    ) -> Result<Self, AuditError> {
        // The newest is read first: it is written last.
        let newest = folder.checkpoint()?;
        let all = folder.history()?;
        let (notes, _) = checkpoint::history(&all);
        report.checkpoints = notes.len() as u64;
        let mut checkpoints = Vec::new();
        let mut size = 0;
        for (place, read) in read_all(&notes, work).into_iter().enumerate() {
            match read {
                Ok(checkpoint) if place > 0 && checkpoint.size <= size => {
                    let why = format!("{} comes after one over {size} records", place + 1);
                    report.find(Some(checkpoint.size), Kind::Checkpoint, of_history(&why));
                }
                Ok(checkpoint) => {
                    size = checkpoint.size;
                    checkpoints.push(Signed {
                        checkpoint,
                        whose: "of the log's history",
                    });
                }
                Err(error) => {
                    let why = format!("{}, after one over {size} records: {error}", place + 1);
                    report.find(Some(size), Kind::Checkpoint, of_history(&why));
                }
            }
        }
        let mut history = Self { checkpoints, size };
        history.add_newest(newest.as_deref(), &notes, work, report);
        report.records = history.size;
        if let Some(anchor) = work.anchor {
            history.add_anchor(Checkpoint::verified(anchor, work.key)?, report);
        }
        history
            .checkpoints
            .sort_by_key(|signed| signed.checkpoint.size);
        Ok(history)
    }

    /// `checkpoint` is the last of the history, or, when a process ended
    /// between the two writes, the one before.
    fn add_newest(
        &mut self,
        newest: Option<&str>,
        notes: &[&str],
        work: Work<'_>,
        report: &mut Report,
    ) {
        let Some(note) = newest else {
            if notes.len() > 1 {
                report.find(
                    None,
                    Kind::Checkpoint,
                    "`checkpoint` is not there".to_owned(),
                );
            }
            return;
        };
        if notes.iter().rev().take(2).any(|last| *last == note) {
            return;
        }
        match Checkpoint::verified(note, work.key) {
            Ok(checkpoint) => {
                let why = format!(
                    "`checkpoint`, over {} records, is not the newest of `checkpoints`",
                    checkpoint.size
                );
                let record = self.size.min(checkpoint.size);
                report.find(Some(record), Kind::Checkpoint, why);
                self.size = self.size.max(checkpoint.size);
                self.checkpoints.push(Signed {
                    checkpoint,
                    whose: "`checkpoint`",
                });
            }
            Err(error) => {
                let why = format!("`checkpoint`: {error}");
                report.find(Some(self.size), Kind::Checkpoint, why);
            }
        }
    }

    fn add_anchor(&mut self, anchor: Checkpoint, report: &mut Report) {
        report.anchored = Some(anchor.size);
        if anchor.size > self.size {
            let why = format!(
                "the exported checkpoint covers {} records, the log's newest {}",
                anchor.size, self.size
            );
            report.find(Some(self.size), Kind::Truncated, why);
        } else {
            self.checkpoints.push(Signed {
                checkpoint: anchor,
                whose: "that was exported",
            });
        }
    }

    /// Those that cover from `from` on and less than all before `to`, with
    /// their places.
    pub(super) fn within(&self, from: u64, to: u64) -> impl Iterator<Item = (usize, &Checkpoint)> {
        let sizes = &self.checkpoints;
        let first = sizes.partition_point(|signed| signed.checkpoint.size < from);
        let signed = sizes[first..].iter().enumerate();
        signed
            .map(move |(place, signed)| (first + place, &signed.checkpoint))
            .take_while(move |(_, checkpoint)| checkpoint.size < to)
    }
}

fn of_history(what: &str) -> String {
    format!("in `checkpoints`, number {what}")
}

/// Reads notes and checks their signatures, on several threads.
fn read_all(notes: &[&str], work: Work<'_>) -> Vec<Result<Checkpoint, NoteError>> {
    let read = |notes: &[&str]| -> Vec<_> {
        notes
            .iter()
            .map(|note| Checkpoint::verified(note, work.key))
            .collect()
    };
    let share = notes.len().div_ceil(work.threads.max(1)).max(64);
    std::thread::scope(|scope| {
        let threads: Vec<_> = notes
            .chunks(share)
            .map(|notes| scope.spawn(move || read(notes)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(read) => read,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}
