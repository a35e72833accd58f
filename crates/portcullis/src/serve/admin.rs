//! What the operators' listener shows.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use control::{Admin, Readiness};
use gateway::plane::Shared;
use telemetry::prometheus::{Exposition, Registry, gauge};

use super::credentials::Fresh;
use super::world::{Stale, World};

/// The operators' view of the running gateway.
pub(super) struct Desk {
    shared: Arc<Shared>,
    stale: Arc<Stale>,
    uncarried: Arc<Stale>,
    unread: Arc<Stale>,
    unusable: Arc<Stale>,
    credentials: Arc<Fresh>,
    page: Exposition,
}

impl Desk {
    pub(super) fn new(world: &World) -> Self {
        let mut registry = Registry::default();
        world.shared.metrics.register(&mut registry);
        let journal = world.shared.journal.clone();
        gauge(
            &mut registry,
            "portcullis_journal_lag_records",
            "Records that the database does not have yet.",
            move || journal.lag_records(),
        );
        let journal = world.shared.journal.clone();
        gauge(
            &mut registry,
            "portcullis_journal_bytes",
            "What the journal takes on disk; newcomers are turned away at its bound.",
            move || journal.bytes_on_disk(),
        );
        let journal = world.shared.journal.clone();
        gauge(
            &mut registry,
            "portcullis_records_lost",
            "Requests that were answered without a record, by `journal.when_full: continue`.",
            move || journal.lost_records(),
        );
        let store = world.store.clone();
        gauge(
            &mut registry,
            "portcullis_ledger_conflicts",
            "Records that said something else than the ledger had of the same request; the log names them.",
            move || store.conflicts(),
        );
        let stale = Arc::clone(&world.stale);
        gauge(
            &mut registry,
            "portcullis_config_is_current",
            "1 if the configuration file is in force as it is, 0 if its last change was refused.",
            move || u64::from(stale.reason().is_none()),
        );
        Self {
            stale: Arc::clone(&world.stale),
            uncarried: Arc::clone(&world.uncarried),
            unread: Arc::clone(&world.unread),
            unusable: Arc::clone(&world.unusable),
            credentials: Arc::clone(&world.credentials),
            shared: Arc::clone(&world.shared),
            page: Exposition::new(registry),
        }
    }
}

impl Admin for Desk {
    fn ready(&self) -> Readiness {
        let draining = self.shared.draining.load(Ordering::Relaxed);
        let journal = if self.shared.journal.is_writable() {
            Ok(())
        } else {
            let lost = self.shared.journal.lost_records();
            Err(match self.shared.journal.is_lenient() {
                true => format!("requests go on without records; {lost} are lost so far"),
                false if self.shared.journal.is_away() => {
                    "its files were moved or removed; put them back, or restart".to_owned()
                }
                false => "the disk takes no more records".to_owned(),
            })
        };
        let accepting = if draining {
            Err("shutting down".to_owned())
        } else {
            Ok(())
        };
        Readiness {
            ready: !draining && (journal.is_ok() || self.shared.journal.is_lenient()),
            // The old configuration serves well: a refused one is told, no more.
            parts: vec![
                (
                    "configuration".to_owned(),
                    self.stale.reason().map_or(Ok(()), Err),
                ),
                ("accepting".to_owned(), accepting),
                ("journal".to_owned(), journal),
                // Requests are answered by what is known, and kept in the
                // journal until it is back.
                (
                    "store".to_owned(),
                    self.uncarried
                        .reason()
                        .or_else(|| self.unread.reason())
                        .map_or(Ok(()), Err),
                ),
                // What is built in counts, and every line that can be read.
                (
                    "models".to_owned(),
                    self.unusable.reason().map_or(Ok(()), Err),
                ),
                // Other providers go on.
                (
                    "credentials".to_owned(),
                    self.credentials.missing().map_or(Ok(()), Err),
                ),
            ],
        }
    }

    fn metrics(&self) -> String {
        self.page.render()
    }
}
