//! The right edge of a growing tree: all that is needed to go on.

use super::{Hash, empty, node};

/// The roots of the complete subtrees that a tree falls into, from left to
/// right: one for each bit of its size that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    peaks: Vec<Hash>,
}

impl Edge {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Appends a complete subtree of `2^height` leaves by its root.
    ///
    /// # Panics
    /// The size is no multiple of `2^height`: that subtree would not be one of
    /// the tree's.
    pub fn push_subtree(&mut self, height: u32, root: Hash) {
        assert!(
            height < 64 && self.size.trailing_zeros() >= height,
            "a subtree stands where its size divides the place"
        );
        let mut hash = root;
        let mut left = self.size >> height;
        while left & 1 == 1
            && let Some(peak) = self.peaks.pop()
        {
            hash = node(peak, hash);
            left >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1 << height;
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        match self.peaks.split_last() {
            None => empty(),
            Some((last, before)) => fold(before, *last),
        }
    }

    /// The root if leaves whose own root is `rest`, fewer than any subtree
    /// here has, came after these.
    #[must_use]
    pub(crate) fn root_before(&self, rest: Hash) -> Hash {
        fold(&self.peaks, rest)
    }
}

fn fold(peaks: &[Hash], last: Hash) -> Hash {
    peaks
        .iter()
        .rev()
        .fold(last, |right, left| node(*left, right))
}
