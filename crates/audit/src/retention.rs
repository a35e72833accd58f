//! Which bundles' entries were deleted: a signed note of the log's own key.
//!
//! ```text
//! portcullis audit retention v1
//! audit.example/node-1
//! 0 17
//! 20 21
//! ```
//!
//! After the origin come ranges of bundles, first and one past the last. The
//! first line has spaces, so that no such note passes for a checkpoint.

use std::fmt::Write as _;
use std::ops::Range;

use crate::note::{Note, NoteError, Signer, VerifierKey};

const TITLE: &str = "portcullis audit retention v1";

/// The bundles of a log whose entries were deleted on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    origin: String,
    /// Ascending, and none touches the next.
    bundles: Vec<Range<u64>>,
}

impl Retention {
    /// None were deleted.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            bundles: Vec::new(),
        }
    }

    /// Adds bundles to those that were deleted.
    pub fn add(&mut self, bundles: Range<u64>) {
        if bundles.is_empty() {
            return;
        }
        self.bundles.push(bundles);
        self.bundles.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in self.bundles.drain(..) {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        self.bundles = joined;
    }

    /// Whether a bundle's entries were deleted.
    #[must_use]
    pub fn has(&self, bundle: u64) -> bool {
        let after = self.bundles.partition_point(|range| range.start <= bundle);
        after > 0 && self.bundles[after - 1].contains(&bundle)
    }

    /// The ranges, ascending.
    #[must_use]
    pub fn bundles(&self) -> &[Range<u64>] {
        &self.bundles
    }

    /// Signs it.
    ///
    /// # Errors
    /// The signer would not.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Note, NoteError> {
        let mut text = format!("{TITLE}\n{}\n", self.origin);
        for range in &self.bundles {
            let _ = writeln!(text, "{} {}", range.start, range.end);
        }
        Note::sign(&text, signer)
    }

    /// Reads a note that `key` has signed, of the log of the key's name.
    ///
    /// # Errors
    /// It is not signed by the key, or none of that log.
    pub fn verified(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let note = Note::parse(note)?;
        let text = note.verified(key)?;
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) || lines.next() != Some(key.name()) {
            return Err(NoteError::Malformed("no retention of this log"));
        }
        let mut retention = Self::new(key.name());
        for line in lines {
            let range = line
                .split_once(' ')
                .and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
            retention.add(range.ok_or(NoteError::Malformed("a range of bundles"))?);
        }
        Ok(retention)
    }
}
