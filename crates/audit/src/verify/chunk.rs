//! Up to 65,536 records: entries against tiles of level 0, and these against
//! the tile of level 1 above them.

use std::cmp::Ordering;

use super::diagnosis::{self, Read};
use super::{Case, Finding, Kind};
use crate::bundle;
use crate::error::AuditError;
use crate::tile::{self, TILE_WIDTH, Tile};
use crate::tree::{self, Edge, Hash};

/// What came of the bundles under one tile of level 1.
pub(super) struct Chunk {
    pub(super) bundles: Vec<Bundle>,
    pub(super) findings: Vec<Finding>,
    pub(super) expired: u64,
}

/// What came of one bundle.
#[derive(Default)]
pub(super) struct Bundle {
    /// Its leaves, as far as anything says them.
    pub(super) leaves: Vec<Hash>,
    /// The root over them, if it is full and all are known.
    pub(super) root: Option<Hash>,
    /// What the tile above says of it.
    pub(super) above: Option<Hash>,
    /// The root over what of it a checkpoint covers, by the checkpoint's place.
    pub(super) at: Vec<(usize, Hash)>,
    /// The same by its entries, where these disagree with the tile.
    pub(super) at_by_entries: Vec<(usize, Hash)>,
    /// And those leaves.
    pub(super) by_entries: Vec<Hash>,
    pub(super) findings: Vec<Finding>,
}

impl Chunk {
    pub(super) fn check(case: &Case<'_>, index: u64) -> Result<Self, AuditError> {
        let size = case.history.size;
        let first = index * TILE_WIDTH;
        let end = size.div_ceil(TILE_WIDTH).min(first + TILE_WIDTH);
        let full = (size / TILE_WIDTH - first).min(TILE_WIDTH);
        let mut chunk = Self {
            bundles: Vec::new(),
            findings: Vec::new(),
            expired: 0,
        };
        let mut above = Vec::new();
        if full > 0 {
            let tile = Tile {
                level: 1,
                index,
                width: full as u16,
            };
            match case.hashes(tile)? {
                Ok(hashes) => above = hashes,
                Err(why) => chunk.findings.push(Finding {
                    record: Some(first * TILE_WIDTH),
                    kind: Kind::Tile,
                    why,
                }),
            }
        }
        let mut buffer = Vec::new();
        for number in first..end {
            let tile = Tile {
                level: 0,
                index: number,
                width: (size - number * TILE_WIDTH).min(TILE_WIDTH) as u16,
            };
            let above = above.get((number - first) as usize).copied();
            let (mut bundle, is_expired) = case.bundle(tile, above, &mut buffer)?;
            chunk.expired += if is_expired { TILE_WIDTH } else { 0 };
            // Only the last one's are needed, for the tail.
            if u64::from(tile.width) == TILE_WIDTH {
                bundle.leaves = Vec::new();
                bundle.by_entries = Vec::new();
            }
            chunk.bundles.push(bundle);
        }
        Ok(chunk)
    }
}

impl Case<'_> {
    fn bundle(
        &self,
        tile: Tile,
        above: Option<Hash>,
        buffer: &mut Vec<u8>,
    ) -> Result<(Bundle, bool), AuditError> {
        let mut bundle = Bundle {
            above,
            ..Bundle::default()
        };
        let first = tile.index * TILE_WIDTH;
        let stored = self.hashes(tile)?;
        let read = self.read(tile, buffer)?;
        let is_expired = read.is_none() && self.retention.has(tile.index);
        match (stored, read) {
            (Ok(stored), Some(read)) => {
                if read.is_torn || read.leaves != stored {
                    bundle.decide(tile, &stored, &read);
                    bundle.at_by_entries = self.at(tile, &read.leaves).0;
                    bundle.by_entries = read.leaves;
                }
                if bundle.leaves.is_empty() {
                    bundle.leaves = stored;
                }
            }
            (Ok(stored), None) => {
                if !is_expired {
                    bundle.find(first, Kind::Missing, is_gone(tile));
                }
                bundle.leaves = stored;
            }
            (Err(why), Some(read)) => {
                bundle.find(first, Kind::Tile, why);
                match read.leaves.len().cmp(&usize::from(tile.width)) {
                    Ordering::Equal => bundle.leaves = read.leaves,
                    unequal => {
                        let kind = match unequal {
                            Ordering::Less => Kind::Truncated,
                            _ => Kind::Inserted,
                        };
                        let count = read.leaves.len().min(usize::from(tile.width));
                        let why = format!("{} entries", read.leaves.len());
                        bundle.find(first + count as u64, kind, why);
                    }
                }
            }
            (Err(why), None) => {
                bundle.find(first, Kind::Tile, why);
                if !is_expired {
                    bundle.find(first, Kind::Missing, is_gone(tile));
                }
            }
        }
        let (at, root) = self.at(tile, &bundle.leaves);
        bundle.at = at;
        bundle.root = root;
        Ok((bundle, is_expired))
    }

    /// The first hashes of a tile, as many as its width; or why they are not to
    /// be had.
    pub(super) fn hashes(&self, tile: Tile) -> Result<Result<Vec<Hash>, String>, AuditError> {
        let full = Tile::full(tile.level, tile.index);
        let Some((path, bytes)) = self.either(&full.path(), &tile.path())? else {
            return Ok(Err(format!("{} is not there", tile.path())));
        };
        let mut hashes = tile::hashes(&bytes);
        let is_full = path == full.path();
        let width = if is_full { full.width } else { tile.width };
        if bytes.len() != 32 * usize::from(width) {
            return Ok(Err(format!("{path} has {} bytes", bytes.len())));
        }
        hashes.truncate(usize::from(tile.width));
        Ok(Ok(hashes))
    }

    /// The leaves of a bundle's entries.
    fn read(&self, tile: Tile, buffer: &mut Vec<u8>) -> Result<Option<Read>, AuditError> {
        let full = Tile::full(0, tile.index).entries_path();
        let (path, bytes) = match self.either(&full, &tile.entries_path())? {
            Some(found) => found,
            None => match self.widest(&full)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        // A full bundle holds more than a checkpoint within it covers.
        let most = if path == full && tile.entries_path() != full {
            usize::from(tile.width)
        } else {
            usize::MAX
        };
        let mut read = Read {
            leaves: Vec::with_capacity(usize::from(tile.width)),
            is_torn: false,
        };
        for entry in bundle::entries(&bytes).take(most) {
            match entry {
                Ok(entry) => read.leaves.push(tree::leaf_with(buffer, entry)),
                Err(_) => read.is_torn = true,
            }
        }
        Ok(Some(read))
    }

    /// A file's path and bytes: the partial one, else the full one, for which
    /// the partial one goes. A full one beside it may be what a sudden end left.
    fn either(&self, full: &str, partial: &str) -> Result<Option<(String, Vec<u8>)>, AuditError> {
        for path in [partial, full] {
            if let Some(bytes) = self.folder.bytes(path)? {
                return Ok(Some((path.to_owned(), bytes)));
            }
        }
        Ok(None)
    }

    /// What is left of a bundle that is gone: as of an earlier checkpoint.
    fn widest(&self, full: &str) -> Result<Option<(String, Vec<u8>)>, AuditError> {
        let Ok(folder) = std::fs::read_dir(self.folder.at(&format!("{full}.p"))) else {
            return Ok(None);
        };
        let names = folder.flatten().map(|item| item.file_name());
        let widths = names.filter_map(|name| name.to_str()?.parse::<u16>().ok());
        let Some(width) = widths.max() else {
            return Ok(None);
        };
        let path = format!("{full}.p/{width}");
        let bytes = self.folder.bytes(&path)?;
        Ok(bytes.map(|bytes| (path, bytes)))
    }

    /// The roots at checkpoints within a bundle, and that over all of it if it
    /// is full.
    fn at(&self, tile: Tile, leaves: &[Hash]) -> (Vec<(usize, Hash)>, Option<Hash>) {
        let first = tile.index * TILE_WIDTH;
        let mut within = self
            .history
            .within(first + 1, first + TILE_WIDTH)
            .peekable();
        let mut at = Vec::new();
        let mut edge = Edge::new();
        for leaf in leaves {
            edge.push(*leaf);
            while let Some((place, _)) =
                within.next_if(|(_, checkpoint)| checkpoint.size == first + edge.size())
            {
                at.push((place, edge.root()));
            }
        }
        let is_full = edge.size() == TILE_WIDTH;
        (at, is_full.then(|| edge.root()))
    }
}

impl Bundle {
    /// Entries and tile disagree: which of them does the tile above know?
    fn decide(&mut self, tile: Tile, stored: &[Hash], read: &Read) {
        let first = tile.index * TILE_WIDTH;
        let found = diagnosis::of(stored, read);
        let is_known = |leaves: &[Hash]| {
            self.above.is_some()
                && leaves.len() == stored.len()
                && Some(tree::root(leaves)) == self.above
        };
        if is_known(&read.leaves) && !is_known(stored) {
            let why = format!("{} is not what its entries hash to", tile.path());
            self.find(first + found.place as u64, Kind::Tile, why);
            self.leaves.clone_from(&read.leaves);
            return;
        }
        let why = format!("{} and {}: {}", tile.entries_path(), tile.path(), found.why);
        self.find(first + found.place as u64, found.kind, why);
    }

    fn find(&mut self, record: u64, kind: Kind, why: String) {
        self.findings.push(Finding {
            record: Some(record),
            kind,
            why,
        });
    }
}

fn is_gone(tile: Tile) -> String {
    let first = tile.index * TILE_WIDTH;
    let last = first + u64::from(tile.width) - 1;
    format!(
        "{} is not there, with records {first} to {last}",
        tile.entries_path()
    )
}
