//! The Merkle tree of RFC 6962, section 2.1, over SHA-256; pure.

mod edge;
mod hash;
mod proof;

pub use edge::Edge;
pub use hash::{Hash, empty, leaf, node};
pub(crate) use hash::{leaf_with, sha256};
pub use proof::{consistency, inclusion, root_of_inclusion, verify_consistency, verify_inclusion};

/// The root of complete leaves' hashes, in order.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut edge = Edge::new();
    for leaf in leaves {
        edge.push(*leaf);
    }
    edge.root()
}
