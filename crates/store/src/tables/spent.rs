//! What was spent in a time, by whom: what limits and budgets count from after a
//! restart.

use std::collections::HashMap;

use domain::calendar::Period;
use domain::counters::Used;
use domain::ids::KeyId;
use domain::record::Outcome;
use domain::time::UnixMicros;

use super::report::usage;
use super::rows::unsigned;
use super::{Store, StoreError, sums};
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

/// What is told apart.
const APART: [&str; 10] = [
    "key_id", "tenant", "team", "app", "user_id", "model", "end_user", "session", "tags", "outcome",
];

impl Store {
    /// What was spent in a period, from the sums of it: rows of it may be gone. Of
    /// whom `latest` is the period's beginning.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent(&self, period: Period) -> Result<Vec<Spent>, StoreError> {
        let mut at_one_moment = self.pool.read().await?;
        let found = sums::of(&mut at_one_moment, period, &APART).await?;
        let all = found.rows.iter().map(|row| read(row, Some(period.start)));
        all.filter_map(Result::transpose).collect()
    }

    /// The same, apart for each `step` of time, in microseconds: from rows, which are
    /// kept for a day at least.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_by(&self, period: Period, step: i64) -> Result<Vec<Spent>, StoreError> {
        let mut at_one_moment = self.pool.read().await?;
        let range = (period.start.0, period.end.0);
        let rows = sums::by_steps(&mut at_one_moment, range, &APART, step).await?;
        let all = rows.iter().map(|row| read(row, None));
        all.filter_map(Result::transpose).collect()
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

/// What a row says; nothing of those that were refused.
fn read(row: &Row, latest: Option<UnixMicros>) -> Result<Option<Spent>, StoreError> {
    if row.try_get::<String>("outcome")? == Outcome::Refused.as_str() {
        return Ok(None);
    }
    let some = |column| -> Result<Option<String>, StoreError> {
        let text: String = row.try_get(column)?;
        Ok((!text.is_empty()).then_some(text))
    };
    let unreadable = |value: String| StoreError::Unreadable {
        what: "a request's tags",
        value,
    };
    let tags: HashMap<String, String> = match some("tags")? {
        None => HashMap::new(),
        Some(text) => serde_json::from_str(&text).map_err(|_| unreadable(text))?,
    };
    let mut owners = vec![row.try_get::<String>("tenant")?];
    for level in ["team", "app", "user_id"] {
        owners.extend(some(level)?);
    }
    let latest = match latest {
        Some(latest) => latest,
        None => UnixMicros(row.try_get("latest")?),
    };
    let usage = usage(row)?;
    Ok(Some(Spent {
        key: KeyId::from(row.try_get::<String>("key_id")?.as_str()),
        owners,
        latest,
        model: row.try_get("model")?,
        end_user: some("end_user")?,
        session: some("session")?,
        tags: tags.into_iter().collect(),
        requests: unsigned(row.try_get("requests")?),
        used: Used {
            tokens: usage.prompt() + usage.completion(),
            cost: unsigned(row.try_get("cost")?),
        },
    }))
}
