//! What was used, request by request: what another price would have made of it.

use domain::calendar::Period;
use domain::money::NanoUsd;
use domain::usage::Usage;

use super::report::{column, sum, value};
use super::rollups::{DAY, TIME, expression};
use super::{Dimension, Store, StoreError, sums};
use crate::sql::{Row, built};

/// Requests that used the same at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// What they are told apart by.
    pub key: Vec<Option<String>>,
    /// Who answered; nothing, if nobody did.
    pub provider: String,
    /// By which deployment.
    pub deployment: String,
    /// How many there were.
    pub requests: u64,
    /// What each of them used; nothing, if nobody was asked.
    pub used: Option<Usage>,
    /// What all of them cost, as booked.
    pub cost: NanoUsd,
}

const USAGE: &str = "input, cached_input, cache_write, cache_write_1h, audio_input, output, \
     reasoning, audio_output";

impl Store {
    /// Shows `each` what the requests of a period used, told apart by `by`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn used(
        &self,
        period: Period,
        by: &[Dimension],
        mut each: impl FnMut(Alike),
    ) -> Result<(), StoreError> {
        let mut columns: Vec<&str> = by.iter().map(column).collect();
        columns.extend(["provider", "deployment", "usage_source"]);
        columns.sort_unstable();
        columns.dedup();
        let of = format!("{}, {USAGE}", columns.join(", "));
        let told = columns.iter();
        let told = told.map(|it| format!("{} AS {it}", expression(it)));
        let told = told.collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT {of}, COUNT(*) AS requests, CAST(SUM(COALESCE(cost, 0)) AS BIGINT) AS cost, \
             CAST(0 AS BIGINT) AS saved, CAST(0 AS BIGINT) AS unpriced, \
             CAST(0 AS BIGINT) AS estimated, CAST(0 AS BIGINT) AS overrun \
             FROM (SELECT {told}, {USAGE}, cost FROM requests r WHERE {}) AS each_request \
             GROUP BY {of}",
            sums::ROWS
        );
        let (first, last) = self.span_of(period).await?;
        // A day at once: groups are as many as prompts are long.
        let mut start = first;
        while start < last {
            let end = start.saturating_add(DAY).min(last);
            let mut read = self.pool.read().await?;
            let rows = sums::rows(&mut read, built(sql.clone()), (start, end)).await?;
            for row in &rows.fetch_all(&mut read).await? {
                each(alike(row, by)?);
            }
            start = end;
        }
        Ok(())
    }

    /// The part of a period that has any requests.
    async fn span_of(&self, period: Period) -> Result<(i64, i64), StoreError> {
        let all = built(format!(
            "SELECT MIN({TIME}) AS first, MAX({TIME}) AS last FROM requests r \
             WHERE {TIME} >= ? AND {TIME} < ?"
        ));
        let rows = all.bind(period.start.0).bind(period.end.0);
        let rows = rows.fetch_all(&self.pool).await?;
        let read = |name| -> Result<Option<i64>, StoreError> {
            match rows.first() {
                Some(row) => Ok(row.try_get(name)?),
                None => Ok(None),
            }
        };
        Ok(match (read("first")?, read("last")?) {
            (Some(first), Some(last)) => (first, last + 1),
            _ => (0, 0),
        })
    }
}

fn alike(row: &Row, by: &[Dimension]) -> Result<Alike, StoreError> {
    let key: Result<_, StoreError> = by.iter().map(|it| value(row, it)).collect();
    let sum = sum(row)?;
    let source: String = row.try_get("usage_source")?;
    Ok(Alike {
        key: key?,
        provider: row.try_get("provider")?,
        deployment: row.try_get("deployment")?,
        requests: sum.requests,
        used: (source != "none").then_some(sum.usage),
        cost: sum.cost,
    })
}
