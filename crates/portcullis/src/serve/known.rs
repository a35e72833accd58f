//! What is known from elsewhere, and what did not work there the last time.

use std::sync::{Mutex, PoisonError};

use domain::party::Party;
use store::StoredKey;

use crate::build;

/// Why something did not work the last time; nothing if it did.
#[derive(Debug, Default)]
pub(super) struct Stale(Mutex<Option<String>>);

impl Stale {
    /// It ended so.
    pub(super) fn set(&self, why: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The reason, in one line.
    pub(super) fn reason(&self) -> Option<String> {
        let why = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let why = why.as_ref()?;
        let mut lines = why.lines().filter(|line| !line.starts_with("  "));
        let first = lines.next().unwrap_or_default();
        Some(match lines.count() {
            0 => first.to_owned(),
            more => format!("{first} (and {more} more: see the log)"),
        })
    }
}

/// What the store has that the world is built of.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) parties: Vec<Party>,
    pub(super) keys: Vec<StoredKey>,
}

impl Kept {
    /// As the world is built of it.
    pub(super) fn told(&self) -> build::Stored<'_> {
        build::Stored {
            parties: &self.parties,
            keys: &self.keys,
        }
    }
}
