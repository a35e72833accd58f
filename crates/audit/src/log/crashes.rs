//! A process may end at any step, and within any write.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::time::UnixMicros;
use proptest::prelude::*;

use super::Log;
use crate::disk::{Disk, Durability, Files};
use crate::error::AuditError;
use crate::note::{Signer as _, SignerKey, VerifierKey};
use crate::{Hash, NoteError, Work, tree, verify};

const ORIGIN: &str = "audit.example/crashes";

/// A disk that does `left` steps, half of the next if it writes, and no more.
struct Ending {
    files: Files,
    left: Arc<AtomicU64>,
}

impl Ending {
    fn step(&self) -> Result<(), io::Error> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::other("the process has ended"));
        }
        self.left.store(left - 1, Ordering::Relaxed);
        Ok(())
    }
}

impl Disk for Ending {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.step() {
            Ok(()) => self.files.write(path, bytes),
            Err(error) => {
                self.files.write(path, &bytes[..bytes.len() / 2])?;
                Err(error)
            }
        }
    }

    fn append(&mut self, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        match self.step() {
            Ok(()) => self.files.append(path, at, bytes),
            Err(error) => {
                self.files.append(path, at, &bytes[..bytes.len() / 2])?;
                Err(error)
            }
        }
    }

    fn swap(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        self.files.swap(from, to)
    }

    fn cut(&mut self, path: &Path, to: u64) -> io::Result<()> {
        self.step()?;
        self.files.cut(path, to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.files.remove(path)
    }

    fn remove_folder(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.files.remove_folder(path)
    }

    fn settle(&mut self) -> io::Result<()> {
        self.step()
    }
}

struct Key(SignerKey);

impl crate::Signer for Key {
    fn verifier(&self) -> &VerifierKey {
        self.0.verifier()
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], NoteError> {
        Ok(self.0.sign(text))
    }
}

/// A folder of its own, deleted at the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("audit-crashes-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the world knows: the entries of batches in order, as a carrier would
/// read them from its journal, and how far each process came.
struct World {
    place: Place,
    key: Key,
    batches: Vec<Vec<Vec<u8>>>,
    exported: Rc<RefCell<Option<String>>>,
}

impl World {
    fn new(sizes: &[usize]) -> Self {
        let batches = sizes.iter().enumerate().map(|(batch, size)| {
            let entry = |number: usize| format!("batch {batch} record {number}").into_bytes();
            (0..*size).map(entry).collect()
        });
        Self {
            place: Place::new(),
            key: Key(SignerKey::generate(ORIGIN).unwrap()),
            batches: batches.collect(),
            exported: Rc::default(),
        }
    }

    fn root_after(&self, batches: usize) -> Hash {
        let entries = self.batches[..batches].iter().flatten();
        let leaves: Vec<Hash> = entries.map(|entry| tree::leaf(entry)).collect();
        tree::root(&leaves)
    }

    /// One process' life: it goes on where the marks say, seals after every
    /// second batch, and ends after so many steps.
    fn live(&self, steps: u64) -> Result<(), AuditError> {
        let left = Arc::new(AtomicU64::new(steps));
        let disk = Ending {
            files: Files::new(Durability::System),
            left: Arc::clone(&left),
        };
        let mut log = Log::open_on(&self.place.0, ORIGIN, Box::new(disk))?;
        let done = done(log.marks());
        assert_eq!(
            log.root(),
            self.root_after(done),
            "old or new, nothing between"
        );
        // A carrier that was behind hands its last batch in again.
        for batch in done.saturating_sub(1)..self.batches.len() {
            let marks = (batch as u32 + 1).to_be_bytes();
            let appended = log.append(&self.batches[batch], Some(&marks))?;
            assert_eq!(appended.is_repeated, batch < done);
            if batch % 2 == 1 {
                let sealed = log.seal(&self.key, UnixMicros(0))?;
                if let Some(note) = sealed.note {
                    *self.exported.borrow_mut() = Some(note);
                }
            }
        }
        log.seal(&self.key, UnixMicros(0))?;
        Ok(())
    }

    fn check(&self) {
        let log = Log::open(&self.place.0, ORIGIN, Durability::System).unwrap();
        assert_eq!(log.root(), self.root_after(self.batches.len()));
        let exported = self.exported.borrow();
        let work = Work {
            key: self.key.verifier(),
            anchor: exported.as_deref(),
            threads: 2,
        };
        let report = verify(&self.place.0, work).unwrap();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(report.records, log.size());
        assert_eq!(report.unsealed, 0);
    }
}

fn done(marks: &[u8]) -> usize {
    marks
        .try_into()
        .map_or(0, |marks| u32::from_be_bytes(marks) as usize)
}

#[test]
fn a_process_may_end_at_every_single_step() {
    let sizes = [3, 250, 10, 0, 600, 1, 255, 1];
    for steps in 0.. {
        let world = World::new(&sizes);
        let is_done = world.live(steps).is_ok();
        world.live(u64::MAX).unwrap();
        world.check();
        if is_done {
            assert!(steps > 30, "the drill saw {steps} steps only");
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn processes_that_end_again_and_again_lose_and_repeat_nothing(
        sizes in proptest::collection::vec(0_usize..700, 1..12),
        ends in proptest::collection::vec(0_u64..40, 0..8),
    ) {
        let world = World::new(&sizes);
        for steps in ends {
            let _ = world.live(steps);
        }
        world.live(u64::MAX).unwrap();
        world.check();
    }
}

#[test]
fn after_a_failed_write_a_log_wants_to_be_opened_again() {
    let world = World::new(&[3]);
    let left = Arc::new(AtomicU64::new(u64::MAX));
    let disk = Ending {
        files: Files::new(Durability::System),
        left: Arc::clone(&left),
    };
    let mut log = Log::open_on(&world.place.0, ORIGIN, Box::new(disk)).unwrap();
    left.store(0, Ordering::Relaxed);
    let failed = log.append(&world.batches[0], Some(b"1"));
    assert!(matches!(failed, Err(AuditError::Io { .. })), "{failed:?}");
    left.store(u64::MAX, Ordering::Relaxed);
    let refused = log.append(&world.batches[0], Some(b"1"));
    assert!(matches!(refused, Err(AuditError::Unsure)), "{refused:?}");
    let refused = log.seal(&world.key, UnixMicros(0));
    assert!(matches!(refused, Err(AuditError::Unsure)), "{refused:?}");
}
