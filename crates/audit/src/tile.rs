//! Coordinates and paths of tiles (C2SP tlog-tiles, "Merkle Tree").

use crate::tree::Hash;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// A tile of the tree: the `width` hashes from `index * 256` on of a level.
/// The level's hashes are the roots of subtrees of `256^level` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// 0 for the leaves' hashes; at most 63.
    pub level: u8,
    /// Which tile of the level, from 0.
    pub index: u64,
    /// How many hashes, from 1; 256 in a full tile.
    pub width: u16,
}

impl Tile {
    /// A full tile.
    #[must_use]
    pub fn full(level: u8, index: u64) -> Self {
        Self {
            level,
            index,
            width: TILE_WIDTH as u16,
        }
    }

    /// Its path below the log's folder: `tile/0/x001/x234/067`, and
    /// `tile/0/x001/x234/067.p/8` for one that is not full.
    #[must_use]
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, self.place())
    }

    /// The path of the bundle whose entries this tile of level 0 hashes:
    /// `tile/entries/x001/x234/067`.
    #[must_use]
    pub fn entries_path(self) -> String {
        format!("tile/entries/{}", self.place())
    }

    /// Reads what [`Tile::path`] writes, and nothing else.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level: u8 = number(level)?.try_into().ok()?;
        let (place, width) = match rest.split_once(".p/") {
            Some((place, width)) => (place, number(width)?.try_into().ok()?),
            None => (rest, TILE_WIDTH as u16),
        };
        let mut index: u64 = 0;
        for part in place.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self {
            level,
            index,
            width,
        };
        // Whatever could be written otherwise is no path of a tile.
        (level <= 63 && width > 0 && tile.path() == path).then_some(tile)
    }

    fn place(self) -> String {
        let mut place = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            place = format!("x{:03}/{place}", rest % 1000);
            rest /= 1000;
        }
        if u64::from(self.width) < TILE_WIDTH {
            place.push_str(&format!(".p/{}", self.width));
        }
        place
    }
}

/// The tiles of a tree of `size` leaves that are not full, from level 0 up.
pub(crate) fn partial_tiles(size: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let (mut level, mut left) = (0, size);
    while left > 0 {
        let width = (left % TILE_WIDTH) as u16;
        if width > 0 {
            tiles.push(Tile {
                level,
                index: left / TILE_WIDTH,
                width,
            });
        }
        left /= TILE_WIDTH;
        level += 1;
    }
    tiles
}

/// A tile's bytes: its hashes, one after the other.
pub(crate) fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The whole hashes in a tile's bytes.
pub(crate) fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let whole = bytes.chunks_exact(32);
    whole
        .filter_map(|hash| hash.try_into().ok().map(Hash))
        .collect()
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_the_specification() {
        let tile = Tile::full(0, 1_234_067);
        assert_eq!(tile.path(), "tile/0/x001/x234/067");
        assert_eq!(tile.entries_path(), "tile/entries/x001/x234/067");
        let tile = Tile {
            level: 2,
            index: 0,
            width: 1,
        };
        assert_eq!(tile.path(), "tile/2/000.p/1");
        assert_eq!(Tile::full(0, 1000).path(), "tile/0/x001/000");
    }

    #[test]
    fn a_tree_of_70000_has_the_partial_tiles_of_the_specification() {
        let widths: Vec<_> = partial_tiles(70_000)
            .iter()
            .map(|tile| (tile.level, tile.index, tile.width))
            .collect();
        assert_eq!(widths, [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
        assert_eq!(partial_tiles(256)[0].path(), "tile/1/000.p/1");
    }

    #[test]
    fn only_what_is_written_is_read_as_a_path() {
        for index in [0, 9, 255, 999, 1000, 1_234_067, 999_999_999, u64::MAX / 256] {
            for width in [1, 17, 255, 256] {
                let tile = Tile {
                    level: 3,
                    index,
                    width,
                };
                assert_eq!(Tile::parse(&tile.path()), Some(tile));
            }
        }
        for path in [
            "tile/0/1",
            "tile/0/x000/001",
            "tile/00/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/07",
            "tile/64/001",
            "tile/0/x001/234/067",
            "tile/0/+01",
            "tile/0/",
            "0/001",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }
}
