//! A log in a folder of its own, with a key.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use audit::{Durability, KeyFile, Log, Report, Signer as _, VerifierKey, Work, verify};
use domain::time::UnixMicros;

pub(crate) const ORIGIN: &str = "audit.example/node-1";

/// A folder that is deleted at the end.
pub(crate) struct Scene {
    pub(crate) folder: PathBuf,
    pub(crate) key: KeyFile,
}

impl Scene {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("audit-scene-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let key = KeyFile::open_or_make(&folder.join("key"), ORIGIN).unwrap();
        Self { folder, key }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub(crate) fn open(&self) -> Log {
        Log::open(&self.path(), ORIGIN, Durability::System).unwrap()
    }

    /// A log of so many records, sealed after every `seal_every`.
    pub(crate) fn filled(&self, records: u64, seal_every: u64) -> Log {
        let mut log = self.open();
        for first in (0..records).step_by(seal_every as usize) {
            let entries: Vec<_> = (first..records.min(first + seal_every))
                .map(entry)
                .collect();
            log.append(&entries, Some(&first.to_be_bytes())).unwrap();
            log.seal(&self.key, UnixMicros(0)).unwrap();
        }
        log
    }

    pub(crate) fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    pub(crate) fn verify(&self, anchor: Option<&str>) -> Report {
        let work = Work {
            key: self.verifier(),
            anchor,
            threads: 2,
        };
        verify(&self.path(), work).unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn entry(number: u64) -> Vec<u8> {
    format!("record {number}").into_bytes()
}

/// All files below a folder, by their paths from there.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(next).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                found.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
