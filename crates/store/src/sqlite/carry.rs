//! What the journal hands over: the ledger's rows.
//!
//! Records and the marks up to which the journal was read are one
//! transaction: whatever stops in between, each request stands here once.

use std::collections::HashMap;

use domain::ids::TicketId;
use domain::record::{Opened, Record, Settled};
use journal::Batch;
use sqlx::{Row, Sqlite, Transaction};

use super::rows::signed;
use super::{Store, StoreError};

type Write = Transaction<'static, Sqlite>;

impl Store {
    /// Keeps a batch of the journal, all or nothing.
    ///
    /// # Errors
    /// The database would not write, or into a file that is gone; the batch
    /// may be handed in again.
    pub async fn carry(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        // A request that begins and ends within the batch was never open.
        let mut opened: HashMap<TicketId, &Opened> = HashMap::new();
        for record in &batch.records {
            match record {
                Record::Opened(record) => {
                    opened.insert(record.ticket, record);
                }
                Record::Settled(record) => {
                    settle(&mut write, record).await?;
                    if opened.remove(&record.ticket).is_none() {
                        close(&mut write, record.ticket).await?;
                    }
                }
            }
        }
        for record in opened.values() {
            open(&mut write, record).await?;
        }
        if let Some(generation) = batch.alive {
            end_lost(&mut write, generation).await?;
        }
        mark(&mut write, batch).await?;
        write.commit().await?;
        // Asked last: between an earlier question and the commit it may go.
        if self.is_in_place() {
            Ok(())
        } else {
            Err(StoreError::Gone)
        }
    }
}

async fn open(write: &mut Write, record: &Opened) -> Result<(), StoreError> {
    let text = serde_json::to_string(record).map_err(|error| StoreError::Unreadable {
        what: "an open request",
        value: error.to_string(),
    })?;
    sqlx::query("INSERT OR IGNORE INTO open_requests (ticket, record) VALUES (?, ?)")
        .bind(record.ticket.to_bytes().to_vec())
        .bind(text)
        .execute(&mut **write)
        .await?;
    Ok(())
}

async fn close(write: &mut Write, ticket: TicketId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM open_requests WHERE ticket = ?")
        .bind(ticket.to_bytes().to_vec())
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// Ends the requests of processes that are no more.
async fn end_lost(write: &mut Write, alive: u64) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT record FROM open_requests")
        .fetch_all(&mut **write)
        .await?;
    for row in rows {
        let text: String = row.try_get(0)?;
        let opened: Opened = match serde_json::from_str(&text) {
            Ok(opened) => opened,
            // Of another version, most likely, which may come back. One such
            // row must not keep all that follows out of the ledger.
            Err(error) => {
                tracing::error!(%error, record = text, "store: an open request cannot be read and stays");
                continue;
            }
        };
        if opened.ticket.generation != alive {
            settle(write, &journal::lost(&opened)).await?;
            close(write, opened.ticket).await?;
        }
    }
    Ok(())
}

async fn mark(write: &mut Write, batch: &Batch) -> Result<(), StoreError> {
    for (segment, mark) in &batch.marks {
        sqlx::query(
            "INSERT INTO marks (segment, mark) VALUES (?, ?) \
             ON CONFLICT (segment) DO UPDATE SET mark = excluded.mark",
        )
        .bind(segment)
        .bind(signed(*mark))
        .execute(&mut **write)
        .await?;
    }
    for segment in &batch.gone {
        sqlx::query("DELETE FROM marks WHERE segment = ?")
            .bind(segment)
            .execute(&mut **write)
            .await?;
    }
    Ok(())
}

/// One row a request. A ticket that stands there already stays as it is.
async fn settle(write: &mut Write, r: &Settled) -> Result<(), StoreError> {
    let findings = serde_json::json!(r.findings).to_string();
    let usage = &r.usage;
    sqlx::query(
        "INSERT OR IGNORE INTO requests (ticket, opened_at, duration_us, first_content_us, \
         tenant, key_id, operation, streamed, model, provider, deployment, answered_model, \
         attempts, outcome, status, error, input, cached_input, cache_write, audio_input, \
         output, reasoning, audio_output, usage_source, cost, price_missing, cache_hit, saved, \
         findings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
         ?, ?, ?, ?, ?, ?)",
    )
    .bind(r.ticket.to_bytes().to_vec())
    .bind(r.opened.0)
    .bind(signed(r.duration_us))
    .bind(r.first_content_us.map(signed))
    .bind(r.tenant.as_str())
    .bind(r.key.as_str())
    .bind(&r.operation)
    .bind(r.streamed)
    .bind(r.model.as_ref().map(domain::ids::ModelName::as_str))
    .bind(r.provider.as_ref().map(domain::ids::ProviderName::as_str))
    .bind(r.deployment.as_ref().map(domain::ids::DeploymentId::as_str))
    .bind(&r.answered_model)
    .bind(i64::from(r.attempts))
    .bind(r.outcome.as_str())
    .bind(i64::from(r.status))
    .bind(&r.error)
    .bind(signed(usage.input))
    .bind(signed(usage.cached_input))
    .bind(signed(usage.cache_write))
    .bind(signed(usage.audio_input))
    .bind(signed(usage.output))
    .bind(signed(usage.reasoning))
    .bind(signed(usage.audio_output))
    .bind(r.usage_source.as_str())
    .bind(r.cost.map(|cost| cost.0))
    .bind(r.price_missing)
    .bind(r.cache_hit)
    .bind(r.saved.map(|saved| saved.0))
    .bind(findings)
    .execute(&mut **write)
    .await?;
    Ok(())
}
