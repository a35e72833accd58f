//! What the log keeps with each batch: how far the journal is read, so that after a
//! sudden end the same batch can be read once more.

use serde::{Deserialize, Serialize};

/// The marks of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// The number of its first record: no two batches have the same marks.
    pub(crate) first: u64,
    /// How far each segment is read.
    pub(crate) segments: Vec<(String, u64)>,
    /// The generation that said that all earlier ones are over, if one did.
    pub(crate) alive: Option<u64>,
}

impl Marks {
    pub(crate) fn written(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// # Errors
    /// They are of another version.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}
