//! The ledger: one row a request.

use domain::ids::{DeploymentId, ModelName, ProviderName};
use domain::record::Settled;
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite};

use super::rows::signed;
use super::{StoreError, Write};

/// Rows in one statement: going to the database's thread and back costs more
/// than a row. 29 values each stay far below the most that SQLite takes.
const ROWS: usize = 256;

const COLUMNS: &str = "INSERT OR IGNORE INTO requests (ticket, opened_at, duration_us, \
     first_content_us, tenant, key_id, operation, streamed, model, provider, deployment, \
     answered_model, attempts, outcome, status, error, input, cached_input, cache_write, \
     audio_input, output, reasoning, audio_output, usage_source, cost, price_missing, \
     cache_hit, saved, findings) ";

/// Keeps rows. A ticket that stands there already stays as it is.
pub(super) async fn insert(write: &mut Write, settled: &[&Settled]) -> Result<(), StoreError> {
    for rows in settled.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push_values(rows, |row, record| values(row, record));
        let query = query.build().persistent(rows.len() == ROWS);
        query.execute(&mut **write).await?;
    }
    Ok(())
}

fn values(mut row: Separated<'_, Sqlite, &str>, r: &Settled) {
    let usage = &r.usage;
    row.push_bind(r.ticket.to_bytes().to_vec())
        .push_bind(r.opened.0)
        .push_bind(signed(r.duration_us))
        .push_bind(r.first_content_us.map(signed))
        .push_bind(r.tenant.to_string())
        .push_bind(r.key.to_string())
        .push_bind(r.operation.clone())
        .push_bind(r.streamed)
        .push_bind(r.model.as_ref().map(ModelName::to_string))
        .push_bind(r.provider.as_ref().map(ProviderName::to_string))
        .push_bind(r.deployment.as_ref().map(DeploymentId::to_string))
        .push_bind(r.answered_model.clone())
        .push_bind(i64::from(r.attempts))
        .push_bind(r.outcome.as_str())
        .push_bind(i64::from(r.status))
        .push_bind(r.error.clone())
        .push_bind(signed(usage.input))
        .push_bind(signed(usage.cached_input))
        .push_bind(signed(usage.cache_write))
        .push_bind(signed(usage.audio_input))
        .push_bind(signed(usage.output))
        .push_bind(signed(usage.reasoning))
        .push_bind(signed(usage.audio_output))
        .push_bind(r.usage_source.as_str())
        .push_bind(r.cost.map(|cost| cost.0))
        .push_bind(r.price_missing)
        .push_bind(r.cache_hit)
        .push_bind(r.saved.map(|saved| saved.0))
        .push_bind(serde_json::json!(r.findings).to_string());
}
