//! A folder, and what a process that ends leaves in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Dice;

/// Bytes in front of a block's payload.
const HEADER: usize = 13;

pub(crate) struct Folder(PathBuf);

/// Segments by name.
pub(crate) type Image = BTreeMap<PathBuf, Vec<u8>>;

impl Folder {
    pub(crate) fn new(number: u64) -> Self {
        // In memory where there is such a place: a history makes many files.
        let memory = Path::new("/dev/shm");
        let base = match memory.is_dir() {
            true => memory.to_path_buf(),
            false => std::env::temp_dir(),
        };
        let name = format!("portcullis-simulation-{}-{number}", std::process::id());
        Self(base.join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn empty(&self) {
        let _ = std::fs::remove_dir_all(&self.0);
        std::fs::create_dir_all(&self.0).expect("a folder");
    }

    /// Paths of segments whose name begins like this.
    fn segments(&self, prefix: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).expect("readable");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.starts_with(prefix) && name.ends_with(".journal"))
            .map(|name| self.0.join(name))
            .collect()
    }

    /// The segments of a process as they are; of all, without a prefix.
    pub(crate) fn image(&self, prefix: &str) -> Image {
        let paths = self.segments(prefix).into_iter();
        paths
            // One that was made ahead and came too late is gone again.
            .filter_map(|path| {
                let bytes = std::fs::read(&path).ok()?;
                Some((path, bytes))
            })
            .collect()
    }

    /// Puts a process' segments back as they were.
    pub(crate) fn restore(&self, prefix: &str, image: &Image) {
        for path in self.segments(prefix) {
            std::fs::remove_file(path).expect("removed");
        }
        for (path, bytes) in image {
            std::fs::write(path, bytes).expect("written");
        }
    }

    /// Lets the disk say no until what is returned is dropped: the folder
    /// cannot be read, or one of its segments cannot.
    pub(crate) fn fails(&self, dice: &mut Dice) -> Failing {
        let segments = self.segments("");
        let which = dice.below(2 * segments.len() as u64 + 1) as usize;
        let away = |path: &PathBuf| path.with_extension("away");
        if let Some(path) = segments.get(which)
            && std::fs::rename(path, away(path)).is_ok()
        {
            // It leads to itself: it is there, and cannot be looked at.
            std::os::unix::fs::symlink(path, path).expect("a link");
            return Failing {
                away: away(path),
                path: path.clone(),
            };
        }
        std::fs::rename(&self.0, away(&self.0)).expect("moved");
        Failing {
            away: away(&self.0),
            path: self.0.clone(),
        }
    }
}

/// A disk that says no.
pub(crate) struct Failing {
    path: PathBuf,
    away: PathBuf,
}

impl Drop for Failing {
    fn drop(&mut self) {
        let is_removed = self.away.is_file() && self.path.symlink_metadata().is_err();
        match is_removed {
            true => std::fs::remove_file(&self.away).expect("removed"),
            false => std::fs::rename(&self.away, &self.path).expect("moved back"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where each block ends, from the beginning to the first that is none.
pub(crate) fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + HEADER)
        && head.starts_with(&[0xFF, b'P', b'J', 0xFE])
    {
        let length = head[4..8].try_into().expect("four bytes");
        at += HEADER + u32::from_le_bytes(length) as usize;
        ends.push(at);
    }
    ends
}

/// The process ended in the middle of the write that turned `before` into
/// `after`: some of it is there, some is not or is rubbish.
pub(crate) fn tear(before: &Image, after: &mut Image, dice: &mut Dice) {
    for (path, bytes) in after {
        let old = before.get(path).map_or(0, |old| last(old));
        let new = last(bytes);
        if new <= old {
            continue;
        }
        let kept = old + dice.below((new - old + 1) as u64) as usize;
        match dice.below(3) {
            0 => bytes.truncate(kept),
            1 => bytes[kept..].fill(0),
            _ => {
                let rubbish = dice.below(256) as u8;
                bytes[kept..new].fill(rubbish);
            }
        }
    }
}

fn last(bytes: &[u8]) -> usize {
    ends(bytes).last().copied().unwrap_or(0)
}

/// Damages one block that has another behind it; gives it back as it was.
pub(crate) fn damage(image: &mut Image, dice: &mut Dice) -> Option<Vec<u8>> {
    let candidates: Vec<&mut Vec<u8>> = image
        .values_mut()
        .filter(|bytes| ends(bytes).len() > 1)
        .collect();
    let count = candidates.len() as u64;
    let bytes = candidates.into_iter().nth(dice.below(count) as usize)?;
    let ends = ends(bytes);
    let which = dice.below(ends.len() as u64 - 1) as usize;
    let from = which.checked_sub(1).map_or(0, |before| ends[before]);
    let whole = bytes[from..ends[which]].to_vec();
    let at = from + dice.below(whole.len() as u64) as usize;
    bytes[at] ^= 1 << dice.below(8);
    Some(whole)
}
