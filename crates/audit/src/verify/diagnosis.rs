//! What became of records, by the hashes that they have and should have.

use super::Kind;
use crate::tree::Hash;

/// What a bundle's entries hash to.
pub(super) struct Read {
    pub(super) leaves: Vec<Hash>,
    /// They end within an entry.
    pub(super) is_torn: bool,
}

pub(super) struct Found {
    /// The first bad record, from the bundle's beginning.
    pub(super) place: usize,
    pub(super) kind: Kind,
    pub(super) why: String,
}

/// The first place where entries and the hashes that were stored part, and
/// what was done there.
pub(super) fn of(stored: &[Hash], read: &Read) -> Found {
    let leaves = &read.leaves;
    let same = stored.iter().zip(leaves).take_while(|(a, b)| a == b);
    let place = same.count();
    let (kind, why) = match (stored.get(place), leaves.get(place)) {
        (Some(_), None) if read.is_torn => (Kind::Edited, "an entry's length is wrong".to_owned()),
        (Some(_), None) => (
            Kind::Truncated,
            format!("{place} entries, {} hashes", stored.len()),
        ),
        (None, _) => (
            Kind::Inserted,
            format!("{} entries, {} hashes", leaves.len(), stored.len()),
        ),
        (Some(hash), Some(leaf)) => (
            parted(&stored[place..], &leaves[place..]),
            format!("the entry's hash is {leaf}, not {hash}"),
        ),
    };
    Found { place, kind, why }
}

/// Both begin with something else.
fn parted(stored: &[Hash], leaves: &[Hash]) -> Kind {
    let mut sorted = (stored.to_vec(), leaves.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    if sorted.0 == sorted.1 {
        Kind::Reordered
    } else if (1..stored.len()).any(|by| begin_alike(&stored[by..], leaves)) {
        Kind::Deleted
    } else if (1..leaves.len()).any(|by| begin_alike(stored, &leaves[by..])) {
        Kind::Inserted
    } else {
        Kind::Edited
    }
}

/// Whether two agree as far as both go, and for more than by chance.
fn begin_alike(one: &[Hash], other: &[Hash]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b)
}
