//! A log's folder, read only: tiles, bundles, roots of subtrees.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::AuditError;
use crate::levels::Levels;
use crate::tail::{self, Tail};
use crate::tile::{self, TILE_WIDTH, Tile};
use crate::tree::{self, Hash};

/// The files of a log. It may be read while another process writes it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The log in a folder, whether or not there is one.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The note of the newest checkpoint, as it stands there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>, AuditError> {
        self.text("checkpoint")
    }

    /// The stored bytes of a record; `None` if it is not there, or is no more.
    ///
    /// # Errors
    /// A file cannot be read, or is not what a log writes.
    pub fn entry(&self, record: u64) -> Result<Option<Vec<u8>>, AuditError> {
        let tile = Tile::full(0, record / TILE_WIDTH);
        let path = tile.entries_path();
        // What stands in full beyond the tail is what a sudden end left.
        let bytes = match self.tail()? {
            Some(tail) if tail.size <= record => return Ok(None),
            Some(tail) if tail.size / TILE_WIDTH == tile.index => tail.entries,
            _ => match self.bytes(&path)? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        let place = (record % TILE_WIDTH) as usize;
        match crate::bundle::entries(&bytes).nth(place) {
            Some(Ok(entry)) => Ok(Some(entry.to_vec())),
            Some(Err(torn)) => Err(AuditError::damaged(&self.at(&path), torn.to_string())),
            None => Ok(None),
        }
    }

    /// How many records the log has, sealed or not.
    ///
    /// # Errors
    /// The file that says so cannot be read.
    pub fn size(&self) -> Result<u64, AuditError> {
        Ok(self.tail()?.map_or(0, |tail| tail.size))
    }

    /// The stored bytes of all records from `first` on that stand in one bundle with
    /// it: at most 256, less if the log ends. Nothing if its entries are no more.
    ///
    /// # Errors
    /// A file cannot be read, or is not what a log writes.
    pub fn bundle_from(&self, first: u64) -> Result<Vec<Vec<u8>>, AuditError> {
        let index = first / TILE_WIDTH;
        let path = Tile::full(0, index).entries_path();
        let bytes = match self.tail()? {
            Some(tail) if tail.size <= first => return Ok(Vec::new()),
            Some(tail) if tail.size / TILE_WIDTH == index => Some(tail.entries),
            _ => self.bytes(&path)?,
        };
        let bytes = bytes.unwrap_or_default();
        let entries = crate::bundle::entries(&bytes).skip((first % TILE_WIDTH) as usize);
        entries
            .map(|entry| entry.map(<[u8]>::to_vec))
            .collect::<Result<_, _>>()
            .map_err(|torn| AuditError::damaged(&self.at(&path), torn.to_string()))
    }

    pub(crate) fn at(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn bytes(&self, file: &str) -> Result<Option<Vec<u8>>, AuditError> {
        let path = self.at(file);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AuditError::io("read", &path)(error)),
        }
    }

    /// A file's text. What is no UTF-8 in it is replaced: no signature fits
    /// the outcome.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, AuditError> {
        let bytes = self.bytes(file)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(crate) fn tail(&self) -> Result<Option<Tail>, AuditError> {
        let bytes = self.bytes("tail")?;
        bytes
            .map(|bytes| tail::read(&self.at("tail"), &bytes))
            .transpose()
    }

    /// The hashes of a tile of the tree that `tail` knows. Full tiles beyond it
    /// are what a sudden end left, and not looked at.
    fn known(&self, tile: Tile, tail: &Tail) -> Result<Vec<Hash>, AuditError> {
        let full = Tile::full(tile.level, tile.index);
        let full_tiles = tail.size >> (8 * (u32::from(tile.level) + 1));
        if tile.index < full_tiles {
            return self.stored(full, tile.width);
        }
        if tile.level == 0 {
            let leaves = tail.leaves.get(..usize::from(tile.width));
            let leaves = leaves.ok_or_else(|| self.is_missing(tile))?;
            return Ok(leaves.to_vec());
        }
        (0..u64::from(tile.width))
            .map(|place| {
                let below = Tile::full(tile.level - 1, tile.index * TILE_WIDTH + place);
                Ok(tree::root(&self.known(below, tail)?))
            })
            .collect()
    }

    /// The first `width` hashes of a tile's file.
    fn stored(&self, tile: Tile, width: u16) -> Result<Vec<Hash>, AuditError> {
        let path = tile.path();
        let bytes = self.bytes(&path)?.ok_or_else(|| self.is_missing(tile))?;
        let mut hashes = tile::hashes(&bytes);
        if bytes.len() != 32 * usize::from(tile.width) {
            return Err(AuditError::damaged(&self.at(&path), "it has another size"));
        }
        hashes.truncate(usize::from(width));
        Ok(hashes)
    }

    fn is_missing(&self, tile: Tile) -> AuditError {
        AuditError::damaged(&self.at(&tile.path()), "it is not there")
    }

    /// The open tiles of the tree as it was with `size` leaves, no more than
    /// `tail` knows.
    pub(crate) fn levels(&self, size: u64, tail: &Tail) -> Result<Levels, AuditError> {
        Levels::load(size, |level, index, width| {
            let tile = Tile {
                level,
                index,
                width,
            };
            self.known(tile, tail)
        })
    }

    /// The root of the complete subtree of `2^height` leaves that is the
    /// `n`-th of its height, within a tree of `size` leaves.
    pub(crate) fn node(&self, height: u32, n: u64, size: u64) -> Result<Hash, AuditError> {
        let (level, height) = ((height / 8) as u8, height % 8);
        let first = n << height;
        let index = first / TILE_WIDTH;
        // As wide as the tree has it: that is how it stands there.
        let of_level = size >> (8 * u32::from(level));
        let width = (of_level - index * TILE_WIDTH).min(TILE_WIDTH) as u16;
        let tile = Tile {
            level,
            index,
            width,
        };
        // A partial one may be gone once the full one is there.
        let hashes = match self.stored(tile, tile.width) {
            Err(_) if u64::from(width) < TILE_WIDTH => {
                self.stored(Tile::full(level, index), width)?
            }
            hashes => hashes?,
        };
        let from = (first % TILE_WIDTH) as usize;
        Ok(tree::root(&hashes[from..from + (1 << height)]))
    }
}
