//! Every step by which a log changes its folder, in one place, so that a test
//! can stop it between any two.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// What a log waits for before it says that records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The system has them: `kill -9` loses nothing. A power cut may leave
    /// files that do not fit each other; opening the log says so.
    System,
    /// The disk has them, at every append.
    Disk,
}

/// The steps.
pub(crate) trait Disk: Send + Sync {
    /// Makes a file with these bytes, or gives it these bytes, and its folders.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Puts bytes at the end of a file that is `at` bytes long.
    fn append(&mut self, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Puts a file in another's place. The other, if there was one, may stand
    /// in its own place then.
    fn swap(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Shortens a file.
    fn cut(&mut self, path: &Path, to: u64) -> io::Result<()>;
    /// Deletes a file, if it is there.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
    /// Deletes a folder with all its files, if it is there.
    fn remove_folder(&mut self, path: &Path) -> io::Result<()>;
    /// Waits until all steps so far are kept, if that was asked for.
    fn settle(&mut self) -> io::Result<()>;
}

/// The system's files.
pub(crate) struct Files {
    durability: Durability,
    unsettled: BTreeSet<PathBuf>,
}

impl Files {
    pub(crate) fn new(durability: Durability) -> Self {
        Self {
            durability,
            unsettled: BTreeSet::new(),
        }
    }

    fn note(&mut self, path: &Path) {
        if self.durability == Durability::Disk {
            self.unsettled.insert(path.to_owned());
        }
    }
}

impl Disk for Files {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.note(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut folder = path.parent();
                while let Some(made) = folder.filter(|folder| !folder.exists()) {
                    self.note(made);
                    folder = made.parent();
                }
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                options.open(path)?
            }
            opened => opened?,
        };
        file.write_all(bytes)
    }

    fn append(&mut self, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.note(path);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)
    }

    /// An exchange, where the system has it: for a rename over another file
    /// ext4 waits until the new one's bytes are on their way to the disk, tens
    /// of milliseconds. What is to be on disk was brought there before.
    fn swap(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.unsettled.remove(from);
        self.note(to);
        match renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(()),
            Err(_) => fs::rename(from, to),
        }
    }

    fn cut(&mut self, path: &Path, to: u64) -> io::Result<()> {
        self.note(path);
        OpenOptions::new().write(true).open(path)?.set_len(to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.unsettled.remove(path);
        if_there(fs::remove_file(path))
    }

    fn remove_folder(&mut self, path: &Path) -> io::Result<()> {
        self.unsettled.retain(|file| !file.starts_with(path));
        if_there(fs::remove_dir_all(path))
    }

    fn settle(&mut self) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        for path in &self.unsettled {
            File::open(path)?.sync_all()?;
            folders.extend(path.parent());
        }
        for folder in folders {
            File::open(folder)?.sync_all()?;
        }
        self.unsettled.clear();
        Ok(())
    }
}

fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
