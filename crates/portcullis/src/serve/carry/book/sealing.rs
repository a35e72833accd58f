//! Sealing: at least every second, and every thousand records.

use std::time::Duration;

use tokio::time::Instant;

use super::Book;

/// How long whoever signs is left alone after it would not.
const PAUSE: Duration = Duration::from_secs(5);

impl Book {
    /// Seals if records wait for long, or many do.
    pub(in crate::serve::carry) async fn seal_if_due(&mut self) {
        let now = crate::clock::now();
        let is_due = |open: &super::Open| open.log.is_due(now);
        if self.open.as_ref().is_some_and(is_due) {
            self.seal().await;
        }
    }

    /// Seals all records so far. That it does not work is told, and tried again: it
    /// keeps no record out of the log.
    pub(in crate::serve::carry) async fn seal(&mut self) {
        if self.not_sealed.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        self.not_sealed = None;
        let signer = std::sync::Arc::clone(&self.place.signer);
        let now = crate::clock::now();
        let sealed = match self.with_log(move |log| log.seal(&*signer, now)).await {
            Ok(sealed) => self.unless_unsure(sealed),
            Err(error) => Err(error),
        };
        match sealed {
            Ok(sealed) => {
                if let Some(note) = sealed.note {
                    self.sealed.send_replace(Some(note));
                }
            }
            Err(error) => {
                self.not_sealed = Some(Instant::now());
                tracing::error!(
                    "audit: records are not sealed; it is tried again: {}",
                    crate::output::chain(&error)
                );
            }
        }
    }

    /// Why records are not sealed, if they are not.
    pub(in crate::serve::carry) fn is_unsealed(&self) -> bool {
        self.not_sealed.is_some()
    }
}
