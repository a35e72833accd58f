//! The tiles that are not full yet, of every level: what a log needs of its
//! tree to go on.

use crate::tile::{TILE_WIDTH, Tile};
use crate::tree::{self, Edge, Hash};

/// A tile that has become full, with its hashes.
pub(crate) type Full = (Tile, Vec<Hash>);

/// The open tiles of a tree, from the leaves up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    size: u64,
    open: Vec<Vec<Hash>>,
}

impl Levels {
    /// The open tiles of a tree of `size` leaves: `open(level, count)` gives a
    /// level's last `count` hashes.
    pub(crate) fn load<E>(
        size: u64,
        mut open: impl FnMut(u8, u64, u16) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, E> {
        let mut levels = Self {
            size,
            open: Vec::new(),
        };
        let (mut level, mut left) = (0, size);
        while left > 0 {
            let width = (left % TILE_WIDTH) as u16;
            levels.open.push(match width {
                0 => Vec::new(),
                width => open(level, left / TILE_WIDTH, width)?,
            });
            left /= TILE_WIDTH;
            level += 1;
        }
        Ok(levels)
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// A level's open tile.
    pub(crate) fn open(&self, level: u8) -> &[Hash] {
        self.open.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Appends a leaf; tiles that it fills go to `full`, the lowest first.
    pub(crate) fn push(&mut self, leaf: Hash, full: &mut Vec<Full>) {
        self.size += 1;
        self.push_at(0, leaf, full);
    }

    /// Appends a whole bundle's leaves by their root.
    pub(crate) fn push_bundle(&mut self, root: Hash, full: &mut Vec<Full>) {
        self.size += TILE_WIDTH;
        self.push_at(1, root, full);
    }

    fn push_at(&mut self, from: u8, hash: Hash, full: &mut Vec<Full>) {
        let mut hash = hash;
        for level in from.. {
            let place = usize::from(level);
            if self.open.len() <= place {
                self.open.resize_with(place + 1, Vec::new);
            }
            self.open[place].push(hash);
            if (self.open[place].len() as u64) < TILE_WIDTH {
                return;
            }
            let hashes = std::mem::take(&mut self.open[place]);
            hash = tree::root(&hashes);
            let span = 8 * (u32::from(level) + 1);
            let index = (self.size >> span) - 1;
            full.push((Tile::full(level, index), hashes));
        }
    }

    /// The right edge of the tree.
    pub(crate) fn edge(&self) -> Edge {
        let mut edge = Edge::new();
        for (level, hashes) in self.open.iter().enumerate().rev() {
            for hash in hashes {
                edge.push_subtree(8 * level as u32, *hash);
            }
        }
        edge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_the_root_of_their_leaves_at_every_size() {
        let mut levels = Levels::default();
        let mut edge = Edge::new();
        let mut full = Vec::new();
        for number in 0..70_000_u32 {
            let leaf = tree::leaf(&number.to_be_bytes());
            levels.push(leaf, &mut full);
            edge.push(leaf);
            if number % 997 == 0 || number % 256 > 253 {
                assert_eq!(levels.edge(), edge);
            }
        }
        let paths: Vec<_> = full.iter().map(|(tile, _)| tile.path()).collect();
        assert_eq!(paths.len(), 274);
        assert_eq!(paths[255..258], ["tile/0/255", "tile/1/000", "tile/0/256"]);
    }
}
