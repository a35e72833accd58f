//! Verifying a log offline: its files against each other, and against what
//! its key has signed.

mod chunk;
mod diagnosis;
mod history;
mod merge;
mod report;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::chunk::Chunk;
use self::history::History;
pub use self::report::{Finding, Kind, Report};
use crate::error::AuditError;
use crate::folder::Folder;
use crate::note::VerifierKey;
use crate::retention::Retention;
use crate::tile::TILE_WIDTH;

/// What a log is verified against, and how.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// The log's public key, from where nobody could change it.
    pub key: &'a VerifierKey,
    /// The newest checkpoint that was exported. Without one nobody can say
    /// whether the log was cut back to an earlier checkpoint of its own.
    pub anchor: Option<&'a str>,
    /// How many threads read and hash.
    pub threads: usize,
}

/// What the threads share.
struct Case<'a> {
    folder: Folder,
    retention: Retention,
    history: &'a History,
}

/// Verifies all sealed records of the log in a folder.
///
/// # Errors
/// The exported checkpoint is not of this key, or a file cannot be read. What
/// is wrong with the log itself is in the report.
pub fn verify(path: &Path, work: Work<'_>) -> Result<Report, AuditError> {
    let folder = Folder::new(path);
    let mut report = Report::default();
    let history = History::read(&folder, work, &mut report)?;
    let retention = match folder.text("retention")? {
        None => Retention::new(work.key.name()),
        Some(note) => Retention::verified(&note, work.key).unwrap_or_else(|error| {
            report.find(None, Kind::Retention, error.to_string());
            Retention::new(work.key.name())
        }),
    };
    let case = Case {
        folder,
        retention,
        history: &history,
    };
    let chunks = case.chunks(work.threads)?;
    merge::merge(&case, chunks, &mut report)?;
    report.in_order();
    Ok(report)
}

impl Case<'_> {
    /// Every chunk's outcome: a chunk is the bundles under one tile of level 1.
    fn chunks(&self, threads: usize) -> Result<Vec<Chunk>, AuditError> {
        let count = self.history.size.div_ceil(TILE_WIDTH * TILE_WIDTH);
        let next = AtomicU64::new(0);
        let done = Mutex::new(Vec::new());
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return;
                }
                let chunk = Chunk::check(self, index);
                if let Ok(mut done) = done.lock() {
                    done.push((index, chunk));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let mut done = done.into_inner().unwrap_or_else(|lock| lock.into_inner());
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, chunk)| chunk).collect()
    }
}
