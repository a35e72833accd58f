//! Inclusion and consistency (RFC 6962, sections 2.1.1 and 2.1.2), and how
//! they are checked (RFC 9162, sections 2.1.3.2 and 2.1.4.2).

use super::{Hash, empty, node};

/// The hashes that lead from leaf `index` to the root over `size` leaves, the
/// leaf's sibling first. `nodes` gives the root of the complete subtree of
/// `2^height` leaves that begins at leaf `n * 2^height`, for `(height, n)`.
///
/// # Errors
/// Those of `nodes`.
///
/// # Panics
/// The leaf is not in the tree.
pub fn inclusion<E>(
    index: u64,
    size: u64,
    nodes: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    assert!(index < size, "the leaf is in the tree");
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + left_of(to - from);
        if index < middle {
            path.push(range(middle, to, nodes)?);
            to = middle;
        } else {
            path.push(range(from, middle, nodes)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that show a tree of `old` leaves to be the beginning of one of
/// `new` leaves; `nodes` as for [`inclusion`].
///
/// # Errors
/// Those of `nodes`.
///
/// # Panics
/// `old` is 0 or more than `new`.
pub fn consistency<E>(
    old: u64,
    new: u64,
    nodes: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    assert!(0 < old && old <= new, "the older tree is the smaller one");
    let (mut from, mut to) = (0, new);
    let mut path = Vec::new();
    while to != old {
        let middle = from + left_of(to - from);
        if old <= middle {
            path.push(range(middle, to, nodes)?);
            to = middle;
        } else {
            path.push(range(from, middle, nodes)?);
            from = middle;
        }
    }
    // A whole older tree is known to who checks.
    if from > 0 {
        path.push(range(from, to, nodes)?);
    }
    path.reverse();
    Ok(path)
}

/// The root over leaves `from..to`, which stand where a subtree does.
fn range<E>(
    from: u64,
    to: u64,
    nodes: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let count = to - from;
    if count.is_power_of_two() {
        let height = count.trailing_zeros();
        return nodes(height, from >> height);
    }
    let middle = from + left_of(count);
    let left = range(from, middle, nodes)?;
    Ok(node(left, range(middle, to, nodes)?))
}

/// The largest power of two below `count`, which is at least 2.
fn left_of(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The root that a leaf and its path make; `None` if the path has not the
/// length that index and size ask for.
#[must_use]
pub fn root_of_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node(*sibling, hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(hash, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Whether a leaf stands at `index` of the tree of `size` leaves with `root`.
#[must_use]
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    root_of_inclusion(leaf, index, size, path) == Some(root)
}

/// Whether the tree `old` (leaves and root) is the beginning of `new`.
#[must_use]
pub fn verify_consistency(old: (u64, Hash), new: (u64, Hash), path: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == new_size || old_size == 0 {
        let is_known = old_size == new_size && old_root == new_root
            || old_size == 0 && new_size > 0 && old_root == empty();
        return path.is_empty() && is_known;
    }
    let mut path = path.iter();
    let first = if old_size.is_power_of_two() {
        Some(&old_root)
    } else {
        path.next()
    };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut is_old, mut is_new) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            is_old = node(*sibling, is_old);
            is_new = node(*sibling, is_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            is_new = node(is_new, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && is_old == old_root && is_new == new_root
}
