//! Hashes of leaves and nodes (RFC 6962, section 2.1).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A SHA-256 hash of the tree. Shown in base64, as checkpoints write it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Reads 44 characters of base64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The root of a tree without leaves: the hash of nothing.
#[must_use]
pub fn empty() -> Hash {
    sha256(&[])
}

/// The hash of a leaf: of a zero byte and the entry.
#[must_use]
pub fn leaf(entry: &[u8]) -> Hash {
    leaf_with(&mut Vec::new(), entry)
}

/// [`leaf`], in a buffer that many calls share: one call of the hash is
/// quicker than two, and a copy is cheap beside it.
pub(crate) fn leaf_with(buffer: &mut Vec<u8>, entry: &[u8]) -> Hash {
    buffer.clear();
    buffer.push(0);
    buffer.extend_from_slice(entry);
    sha256(buffer)
}

/// The hash of a node: of a one byte and both children.
#[must_use]
pub fn node(left: Hash, right: Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    sha256(&bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Hash(hash)
}
