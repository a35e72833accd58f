//! The carrier's way by the audit log. Each batch goes into the log's files first,
//! then into the store, then it is sealed: so nothing is signed that the store does
//! not have, and after a sudden end the log is at most one batch ahead. That batch is
//! read once more from the journal, and its entries from the log.

mod catch_up;
mod expiry;
mod sealing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use audit::{AuditError, Durability, Log, entry};
use domain::audit::{Entry, Start};
use domain::time::UnixMicros;
use gateway::settle::Strangers;
use journal::{Batch, Carrier};
use store::{LogIndex, Store, Written};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::audit_log::AuditLog;
use crate::audit_log::marks::Marks;
use crate::serve::alerts::Alerts;

/// Records of the journal in one batch: no more entries than one checkpoint may wait
/// for.
pub(super) const BATCH: usize = 1000;
/// How often changes by people are looked for.
const CHANGES: Duration = Duration::from_secs(1);

/// The log, and what it is between.
pub(super) struct Book {
    place: AuditLog,
    generation: u64,
    durability: Durability,
    strangers: Arc<Strangers>,
    /// Who looks at records before the ledger has them.
    alerts: Option<Arc<Alerts>>,
    /// The newest checkpoint's note, for whoever exports it.
    sealed: watch::Sender<Option<String>>,
    open: Option<Open>,
    pending: Option<Pending>,
    /// How far each segment of the journal is read, all batches together.
    marks: BTreeMap<String, u64>,
    has_begun: bool,
    looked_for_changes: Option<Instant>,
    not_sealed: Option<Instant>,
    looked_for_old: Option<Instant>,
    /// Bundles that are known to be gone.
    expired_bundles: u64,
    /// Nobody is refused any more: what there is of strangers is all.
    is_last: bool,
}

/// A log that is open for writing, and its number in the store.
struct Open {
    log: Log,
    number: i64,
}

/// A batch that is not everywhere yet.
struct Pending {
    batch: Batch,
    entries: Vec<Entry>,
    bytes: Vec<Vec<u8>>,
    marks: Vec<u8>,
    /// The number of its first record, once the log has it.
    first: Option<u64>,
}

impl Book {
    pub(super) fn new(
        place: &AuditLog,
        generation: u64,
        strangers: &Arc<Strangers>,
        sealed: watch::Sender<Option<String>>,
    ) -> Self {
        Self {
            place: place.clone(),
            generation,
            durability: Durability::Disk,
            strangers: Arc::clone(strangers),
            alerts: None,
            sealed,
            open: None,
            pending: None,
            marks: BTreeMap::new(),
            has_begun: false,
            looked_for_changes: None,
            not_sealed: None,
            looked_for_old: None,
            expired_bundles: 0,
            is_last: false,
        }
    }

    /// Has these look at records before the ledger has them.
    pub(super) fn telling(mut self, alerts: &Arc<Alerts>) -> Self {
        self.alerts = Some(Arc::clone(alerts));
        self
    }

    /// The process ends: a minute of strangers that is not over is taken too.
    pub(super) fn last(&mut self) {
        self.is_last = true;
    }

    /// Carries one batch: how many of the journal's records it had; `None` if there
    /// was nothing.
    ///
    /// # Errors
    /// The log or the store would not; what is begun is gone on with the next time.
    pub(super) async fn carry(
        &mut self,
        carrier: &mut Carrier,
        store: &Store,
    ) -> anyhow::Result<Option<usize>> {
        self.open(carrier, store).await?;
        if self.pending.is_none() {
            self.compose(carrier, store).await?;
        }
        if self.pending.is_none() {
            self.seal_if_due().await;
            self.expire_if_due().await;
            return Ok(None);
        }
        self.append().await?;
        self.keep(store).await?;
        let records = self.done(carrier);
        self.seal_if_due().await;
        Ok(records)
    }

    /// The next batch, with its entries.
    async fn compose(&mut self, carrier: &mut Carrier, store: &Store) -> anyhow::Result<()> {
        let number = self.log()?.number;
        let batch = carrier.next(BATCH)?;
        let mut entries = Vec::new();
        if !self.has_begun {
            entries.push(Entry::Start(Start {
                at: crate::clock::now(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                generation: self.generation,
                unlogged: store.unlogged().await?,
                keep: self
                    .place
                    .keep
                    .map(|keep| u64::try_from(keep.as_micros()).unwrap_or(u64::MAX)),
            }));
        }
        if let Some(batch) = &batch {
            let settled = batch.records.iter().filter_map(|record| match record {
                domain::record::Record::Settled(call) => Some(Entry::Call(call.clone())),
                domain::record::Record::Opened(_) => None,
            });
            entries.extend(settled);
            let lost = store.lost(batch).await?;
            entries.extend(lost.into_iter().map(|it| Entry::Call(Box::new(it))));
        }
        let is_time = |at: Instant| at.elapsed() >= CHANGES;
        if self.looked_for_changes.is_none_or(is_time) {
            let changes = store.changes_for(number).await?;
            entries.extend(changes.into_iter().map(|it| Entry::Change(Box::new(it))));
            self.looked_for_changes = Some(Instant::now());
        }
        // Last: once they are taken, they are nowhere else.
        let until = match self.is_last {
            true => UnixMicros(i64::MAX),
            false => crate::clock::now(),
        };
        let strangers = self.strangers.take(until);
        entries.extend(strangers.into_iter().map(Entry::Strangers));
        if batch.is_none() && entries.is_empty() {
            return Ok(());
        }
        let batch = batch.unwrap_or_default();
        let bytes = entries.iter_mut().map(entry::encode).collect();
        self.marks.extend(batch.marks.iter().cloned());
        self.marks
            .retain(|segment, _| !batch.gone.contains(segment));
        let marks = Marks {
            first: self.log()?.log.size(),
            // All, and not those of the batch: a store that was put back from a backup
            // may lack several.
            segments: self.marks.clone().into_iter().collect(),
            alive: batch.alive,
        };
        self.has_begun = true;
        self.pending = Some(Pending {
            batch,
            entries,
            bytes,
            marks: marks.written(),
            first: None,
        });
        Ok(())
    }

    /// Puts the pending batch into the log's files.
    async fn append(&mut self) -> anyhow::Result<()> {
        let Some(pending) = &self.pending else {
            return Ok(());
        };
        if pending.first.is_some() {
            return Ok(());
        }
        let waiting = self.log()?.log.unsealed();
        if waiting > 0 && waiting + pending.bytes.len() as u64 > BATCH as u64 {
            self.seal().await;
        }
        let Some(pending) = &mut self.pending else {
            return Ok(());
        };
        let (bytes, marks) = (std::mem::take(&mut pending.bytes), pending.marks.clone());
        let (bytes, first) = self
            .with_log(move |log| {
                // What is only for the store needs no place of its own here.
                if bytes.is_empty() {
                    let first = log.size();
                    return (bytes, Ok(first));
                }
                let appended = log.append(&bytes, Some(&marks));
                (bytes, appended.map(|it| it.records.start))
            })
            .await?;
        if let Some(pending) = &mut self.pending {
            pending.bytes = bytes;
        }
        let first = self.unless_unsure(first)?;
        if let Some(pending) = &mut self.pending {
            pending.first = Some(first);
        }
        Ok(())
    }

    /// Puts it into the store.
    async fn keep(&self, store: &Store) -> anyhow::Result<()> {
        let Some(pending) = &self.pending else {
            return Ok(());
        };
        let written = Written {
            log: self.log()?.number,
            first: pending.first.context("the log does not have it")?,
            entries: &pending.entries,
        };
        if let Some(alerts) = &self.alerts {
            alerts.seen(&pending.batch.records).await?;
        }
        Ok(store.carry_logged(&pending.batch, &written).await?)
    }

    /// It is everywhere: how many of the journal's records it had.
    fn done(&mut self, carrier: &mut Carrier) -> Option<usize> {
        let pending = self.pending.take()?;
        carrier.done(&pending.batch);
        Some(pending.batch.records.len())
    }

    fn log(&self) -> anyhow::Result<&Open> {
        self.open.as_ref().context("the audit log is not open")
    }

    /// Lets the log work where it may wait for the disk.
    async fn with_log<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Log) -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let mut open = self.open.take().context("the audit log is not open")?;
        let (open, done) = tokio::task::spawn_blocking(move || {
            let done = work(&mut open.log);
            (open, done)
        })
        .await?;
        self.open = Some(open);
        Ok(done)
    }

    /// After an error that leaves it open what the files hold, the log is opened
    /// again with the next round.
    fn unless_unsure<T>(&mut self, done: Result<T, AuditError>) -> anyhow::Result<T> {
        done.map_err(|error| {
            if !matches!(error, AuditError::Note(_) | AuditError::EntryTooLong(_)) {
                self.open = None;
            }
            error.into()
        })
    }

    async fn open(&mut self, carrier: &mut Carrier, store: &Store) -> anyhow::Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        let (place, durability) = (self.place.clone(), self.durability);
        let opening = move || Log::open(&place.dir, place.signer.verifier().name(), durability);
        let log = tokio::task::spawn_blocking(opening).await??;
        let LogIndex { log: number, size } = store.audit_log(self.place.origin()).await?;
        let mut open = Open { log, number };
        // What waits here is what the log may have and the store has not.
        if self.pending.is_none() {
            catch_up::catch_up(&mut open, size, carrier, store).await?;
            self.marks = store.marks().await?.into_iter().collect();
        }
        self.open = Some(open);
        Ok(())
    }
}
