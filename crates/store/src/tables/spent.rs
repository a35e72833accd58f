//! What was spent in a time, by whom: what limits and budgets count from after a
//! restart.

use std::collections::HashMap;

use domain::calendar::Period;
use domain::counters::Used;
use domain::ids::KeyId;
use domain::time::UnixMicros;

use super::rows::unsigned;
use super::{Store, StoreError};
use crate::sql::{Row, query};

/// What one key has spent, as far as limits count apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The key.
    pub key: KeyId,
    /// Whom it belonged to then: its tenant, and of team, app and user those that
    /// there were.
    pub owners: Vec<String>,
    /// The model that was asked for; nothing where none was.
    pub model: String,
    /// The end user.
    pub end_user: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// Requests that were not refused.
    pub requests: u64,
    /// What they used.
    pub used: Used,
    /// When the last of them came.
    pub latest: UnixMicros,
}

/// Sums of a time, but for the requests of one process.
const SUMS: &str = "SELECT key_id, tenant, team, app, user_id, model, end_user, session, tags, \
     COUNT(*) AS requests, CAST(MAX(opened_at) AS BIGINT) AS latest, \
     CAST(SUM(input + cached_input + cache_write + cache_write_1h + audio_input + output \
     + reasoning + audio_output) AS BIGINT) AS tokens, \
     CAST(SUM(COALESCE(cost, 0)) AS BIGINT) AS cost \
     FROM (SELECT key_id, tenant, team, app, user_id, COALESCE(model, '') AS model, end_user, \
     session, tags, input, cached_input, cache_write, cache_write_1h, audio_input, output, \
     reasoning, audio_output, cost, opened_at, opened_at / ? AS slot \
     FROM requests WHERE opened_at >= ? AND opened_at < ? AND outcome <> 'refused' \
     AND substr(ticket, 1, 8) <> ?) AS each_request \
     GROUP BY key_id, tenant, team, app, user_id, model, end_user, session, tags, slot";

impl Store {
    /// What was spent in a period by the requests of all processes but this one,
    /// whose generation it is: it counts its own.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent(&self, period: Period, own: u64) -> Result<Vec<Spent>, StoreError> {
        self.spent_by(period, i64::MAX, own).await
    }

    /// The same, apart for each `step` of time, in microseconds.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_by(
        &self,
        period: Period,
        step: i64,
        own: u64,
    ) -> Result<Vec<Spent>, StoreError> {
        let rows = query(SUMS)
            .bind(step.max(1))
            .bind(period.start.0)
            .bind(period.end.0)
            .bind(own.to_be_bytes().as_slice())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Since when the budgets of these subjects count that nobody said it of: for
    /// those that were not there before, since now.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn budget_starts(
        &self,
        subjects: &[&str],
        now: UnixMicros,
    ) -> Result<HashMap<String, UnixMicros>, StoreError> {
        let known = self.known_starts().await?;
        let is_new = |subject: &&&str| !known.contains_key(**subject);
        let new: Vec<&&str> = subjects.iter().filter(is_new).collect();
        // The usual case takes no lock: a reload waits for no other writer.
        if new.is_empty() {
            return Ok(known);
        }
        let mut write = self.pool.write().await?;
        for subject in new {
            query(
                "INSERT INTO budget_starts (subject, since) VALUES (?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(*subject)
            .bind(now.0)
            .execute(&mut write)
            .await?;
        }
        write.commit().await?;
        // Another process may have been first.
        self.known_starts().await
    }

    async fn known_starts(&self) -> Result<HashMap<String, UnixMicros>, StoreError> {
        let all = query("SELECT subject, since FROM budget_starts");
        let rows = all.fetch_all(&self.pool).await?;
        let since = |row: &Row| Ok((row.try_get("subject")?, UnixMicros(row.try_get("since")?)));
        rows.iter().map(since).collect()
    }
}

fn read(row: &Row) -> Result<Spent, StoreError> {
    let tags: Option<String> = row.try_get("tags")?;
    let unreadable = |value: String| StoreError::Unreadable {
        what: "a request's tags",
        value,
    };
    let tags: HashMap<String, String> = match tags {
        None => HashMap::new(),
        Some(text) => serde_json::from_str(&text).map_err(|_| unreadable(text))?,
    };
    let mut owners = vec![row.try_get::<String>("tenant")?];
    for level in ["team", "app", "user_id"] {
        owners.extend(row.try_get::<Option<String>>(level)?);
    }
    Ok(Spent {
        key: KeyId::from(row.try_get::<String>("key_id")?.as_str()),
        owners,
        latest: UnixMicros(row.try_get("latest")?),
        model: row.try_get("model")?,
        end_user: row.try_get("end_user")?,
        session: row.try_get("session")?,
        tags: tags.into_iter().collect(),
        requests: unsigned(row.try_get("requests")?),
        used: Used {
            tokens: unsigned(row.try_get("tokens")?),
            cost: unsigned(row.try_get("cost")?),
        },
    })
}
