//! What the journal hands over: the ledger's rows.
//!
//! Records and the marks up to which the journal was read are one
//! transaction: whatever stops in between, each request stands here once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::ids::TicketId;
use domain::record::{Opened, Record, Settled};
use domain::time::UnixMicros;
use journal::Batch;

use super::audit::{self, Written};
use super::requests::Kept;
use super::rows::signed;
use super::{Store, StoreError, Write, books, open_requests, requests, running_turns};
use crate::sql::query;

impl Store {
    /// Keeps a batch of the journal, all or nothing.
    ///
    /// # Errors
    /// The database would not write, or into a file that is gone; the batch
    /// may be handed in again.
    pub async fn carry(&self, batch: &Batch) -> Result<(), StoreError> {
        self.read_only.noted(self.carried(batch, None).await)
    }

    /// Keeps a batch of the journal that the audit log has already: its calls are
    /// those of the log's entries, those included that [`Store::lost`] said are lost.
    ///
    /// # Errors
    /// As [`Store::carry`].
    pub async fn carry_logged(
        &self,
        batch: &Batch,
        written: &Written<'_>,
    ) -> Result<(), StoreError> {
        self.read_only
            .noted(self.carried(batch, Some(written)).await)
    }

    async fn carried(
        &self,
        batch: &Batch,
        written: Option<&Written<'_>>,
    ) -> Result<(), StoreError> {
        let mut write = self.ledger.write_beside().await?;
        let locked = books::locked_until(&mut write).await?;
        let calls = match written {
            None => ended(batch),
            Some(written) => written.calls(),
        };
        // A request that begins and ends within the batch was never open.
        let mut opened = begun(batch);
        let mut closed: Vec<TicketId> = Vec::new();
        for Kept { call, .. } in &calls {
            // One that was announced again may stand in the database.
            if opened.remove(&call.ticket).is_none_or(Opened::is_repeated) {
                closed.push(call.ticket);
            }
        }
        let mut conflicts = requests::insert(&mut write, &calls, locked).await?;
        open_requests::delete(&mut write, &closed).await?;
        open_requests::insert(&mut write, &self.node, opened.values().copied()).await?;
        if let Some(generation) = batch.alive {
            if written.is_none() {
                conflicts.extend(end_lost(&mut write, &self.node, generation, locked).await?);
            }
            running_turns::lose_all_but(&mut write, &self.node, generation).await?;
        }
        if let Some(written) = written {
            audit::note(&mut write, written).await?;
        }
        mark(&mut write, &self.node, batch).await?;
        write.commit().await?;
        self.note_conflicts(&conflicts);
        // Asked last: between an earlier question and the commit it may go.
        if self.is_in_place() {
            Ok(())
        } else {
            Err(StoreError::Gone)
        }
    }

    /// The requests that are lost once this batch is kept: open ones of processes
    /// that are no more, in the batch or before it. None unless it says who lives.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn lost(&self, batch: &Batch) -> Result<Vec<Settled>, StoreError> {
        let Some(alive) = batch.alive else {
            return Ok(Vec::new());
        };
        let mut read = self.pool.read().await?;
        let texts = open_requests::all(&mut read, &self.node).await?;
        let before: Vec<Opened> = texts.iter().filter_map(|text| readable(text)).collect();
        let mut open: BTreeMap<TicketId, &Opened> =
            before.iter().map(|it| (it.ticket, it)).collect();
        open.extend(begun(batch));
        for Kept { call, .. } in ended(batch) {
            open.remove(&call.ticket);
        }
        open.retain(|ticket, _| ticket.generation != alive);
        Ok(open.into_values().map(journal::lost).collect())
    }

    /// How many records since the start said something else than what the
    /// ledger had of the same request: it was copied, or something is wrong.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    fn note_conflicts(&self, tickets: &[TicketId]) {
        for ticket in tickets {
            tracing::error!(
                %ticket,
                "store: a record says something else than the ledger, which stays as it is"
            );
        }
        let count = tickets.len() as u64;
        self.conflicts.fetch_add(count, Ordering::Relaxed);
    }
}

/// Ends the requests of this node's processes that are no more; returns whose end stands
/// there already, and is another.
async fn end_lost(
    write: &mut Write,
    node: &Arc<str>,
    alive: u64,
    locked: UnixMicros,
) -> Result<Vec<TicketId>, StoreError> {
    let mut ended = Vec::new();
    for text in open_requests::all(write, node).await? {
        let Some(opened) = readable(&text) else {
            continue;
        };
        if opened.ticket.generation != alive {
            ended.push(journal::lost(&opened));
        }
    }
    let tickets: Vec<TicketId> = ended.iter().map(|lost| lost.ticket).collect();
    let calls: Vec<Kept<'_>> = ended.iter().map(unlogged).collect();
    let conflicts = requests::insert(write, &calls, locked).await?;
    open_requests::delete(write, &tickets).await?;
    Ok(conflicts)
}

/// An open request; nothing, and a word in the log, if it cannot be read.
fn readable(text: &str) -> Option<Opened> {
    // Of another version, most likely, which may come back. One such row must not
    // keep all that follows out of the ledger.
    open_requests::read(text)
        .inspect_err(|error| {
            tracing::error!(%error, record = text, "store: an open request cannot be read and stays");
        })
        .ok()
}

/// What a batch says of requests that went upstream; of each the last.
fn begun(batch: &Batch) -> HashMap<TicketId, &Opened> {
    let opened = batch.records.iter().filter_map(|record| match record {
        Record::Opened(opened) => Some((opened.ticket, opened)),
        Record::Settled(_) => None,
    });
    opened.collect()
}

/// The requests that ended in a batch.
fn ended(batch: &Batch) -> Vec<Kept<'_>> {
    let settled = batch.records.iter().filter_map(|record| match record {
        Record::Settled(settled) => Some(unlogged(settled)),
        Record::Opened(_) => None,
    });
    settled.collect()
}

fn unlogged(call: &Settled) -> Kept<'_> {
    Kept { call, place: None }
}

async fn mark(write: &mut Write, node: &Arc<str>, batch: &Batch) -> Result<(), StoreError> {
    for (segment, mark) in &batch.marks {
        query(
            "INSERT INTO marks (segment, mark, node) VALUES (?, ?, ?) \
             ON CONFLICT (segment) DO UPDATE SET mark = excluded.mark",
        )
        .bind(segment)
        .bind(signed(*mark))
        .bind(Arc::clone(node))
        .execute(&mut *write)
        .await?;
    }
    for segment in &batch.gone {
        query("DELETE FROM marks WHERE segment = ?")
            .bind(segment)
            .execute(&mut *write)
            .await?;
    }
    Ok(())
}
