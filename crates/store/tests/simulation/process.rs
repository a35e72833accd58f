//! One process: two event loops and the limits of its requests.

use domain::record::{Opened, Record};
use journal::{Journal, Writer};

use super::limits::{Hold, Limits};

pub(crate) struct Process {
    // Before the journal: a writer ends its segment.
    pub(crate) loops: Vec<Loop>,
    pub(crate) limits: Limits,
    pub(crate) generation: u64,
    pub(crate) journal: Journal,
}

/// One event loop.
pub(crate) struct Loop {
    pub(crate) writer: Writer,
    /// Said and not flushed.
    pub(crate) staged: Vec<Record>,
    pub(crate) open: Vec<(Opened, Hold)>,
    pub(crate) sequence: u64,
}

impl Process {
    pub(crate) fn new(journal: Journal, generation: u64) -> Self {
        let one = |core| Loop {
            writer: journal.writer(core).expect("a writer"),
            staged: Vec::new(),
            open: Vec::new(),
            sequence: 0,
        };
        Self {
            loops: [0, 1].map(one).into(),
            limits: Limits::new(),
            generation,
            journal,
        }
    }
}
