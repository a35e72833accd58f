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

    /// The segments as they are.
    pub(crate) fn image(&self) -> Image {
        let entries = std::fs::read_dir(&self.0).expect("readable");
        entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|e| e == "journal"))
            .map(|path| {
                let bytes = std::fs::read(&path).expect("readable");
                (path, bytes)
            })
            .collect()
    }

    /// Puts segments back as they were.
    pub(crate) fn restore(&self, image: &Image) {
        self.empty();
        for (path, bytes) in image {
            std::fs::write(path, bytes).expect("written");
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
