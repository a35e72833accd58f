//! A folder that goes away, and records to put into it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use journal::{Config, Journal};

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portcullis-journal-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn open(&self, generation: u64) -> Journal {
        Journal::open(&self.0, small(), generation).expect("opens")
    }

    pub(crate) fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).expect("readable");
        let mut files: Vec<_> = entries
            .map(|entry| entry.expect("entry").path())
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect();
        files.sort();
        files
    }

    pub(crate) fn segment(&self) -> PathBuf {
        let files = self.files(".journal");
        assert_eq!(files.len(), 1, "one segment");
        files[0].clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Segments of a page and a slot bound of twenty.
pub(crate) fn small() -> Config {
    Config {
        segment_bytes: 4096,
        max_bytes: 1 << 20,
        max_in_flight: 20,
    }
}

pub(crate) fn ticket(generation: u64, core: u16, sequence: u64) -> TicketId {
    TicketId {
        generation,
        core,
        sequence,
    }
}

pub(crate) fn opened(ticket: TicketId) -> Record {
    Record::Opened(Opened {
        ticket,
        at: UnixMicros(1_000),
        tenant: "default".into(),
        key: "key_1".into(),
        operation: "chat".into(),
        model: "demo".into(),
        reserved_tokens: 100,
        asked: None,
        who: None,
        from: None,
    })
}

pub(crate) fn settled(ticket: TicketId) -> Record {
    let Record::Opened(opened) = opened(ticket) else {
        unreachable!()
    };
    let settled = Settled {
        outcome: Outcome::Complete,
        status: 200,
        ..journal::lost(&opened)
    };
    Record::Settled(Box::new(settled))
}
