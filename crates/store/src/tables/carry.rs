//! What the journal hands over: the ledger's rows.
//!
//! Records and the marks up to which the journal was read are one
//! transaction: whatever stops in between, each request stands here once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::ids::TicketId;
use domain::record::{Opened, Record, Settled};
use domain::time::UnixMicros;
use journal::Batch;

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
        self.read_only.noted(self.carried(batch).await)
    }

    async fn carried(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut write = self.ledger.write_beside().await?;
        let locked = books::locked_until(&mut write).await?;
        // A request that begins and ends within the batch was never open.
        let mut opened: HashMap<TicketId, &Opened> = HashMap::new();
        let mut settled: Vec<&Settled> = Vec::new();
        let mut closed: Vec<TicketId> = Vec::new();
        for record in &batch.records {
            match record {
                Record::Opened(record) => {
                    opened.insert(record.ticket, record);
                }
                Record::Settled(record) => {
                    settled.push(record);
                    // One that was announced again may stand in the database.
                    if opened
                        .remove(&record.ticket)
                        .is_none_or(Opened::is_repeated)
                    {
                        closed.push(record.ticket);
                    }
                }
            }
        }
        let mut conflicts = requests::insert(&mut write, &settled, locked).await?;
        open_requests::delete(&mut write, &closed).await?;
        open_requests::insert(&mut write, &self.node, opened.values().copied()).await?;
        if let Some(generation) = batch.alive {
            conflicts.extend(end_lost(&mut write, &self.node, generation, locked).await?);
            running_turns::lose_all_but(&mut write, &self.node, generation).await?;
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
        let opened = match open_requests::read(&text) {
            Ok(opened) => opened,
            // Of another version, most likely, which may come back. One such
            // row must not keep all that follows out of the ledger.
            Err(error) => {
                tracing::error!(%error, record = text, "store: an open request cannot be read and stays");
                continue;
            }
        };
        if opened.ticket.generation != alive {
            ended.push(journal::lost(&opened));
        }
    }
    let tickets: Vec<TicketId> = ended.iter().map(|lost| lost.ticket).collect();
    let lost: Vec<&Settled> = ended.iter().collect();
    let conflicts = requests::insert(write, &lost, locked).await?;
    open_requests::delete(write, &tickets).await?;
    Ok(conflicts)
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
