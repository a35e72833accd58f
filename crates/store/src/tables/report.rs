//! What was spent, by whom and for what: sums of the ledger.

use std::collections::BTreeMap;

use domain::calendar::Period;
use domain::money::NanoUsd;
use domain::usage::Usage;

use super::rows::unsigned;
use super::{Store, StoreError};
use crate::sql::{Row, built};

/// What sums may be told apart by, each with its column.
const COLUMNS: [(&str, &str); 13] = [
    ("tenant", "tenant"),
    ("team", "team"),
    ("app", "app"),
    ("user", "user_id"),
    ("end_user", "end_user"),
    ("session", "session"),
    ("key", "key_id"),
    ("model", "model"),
    ("provider", "provider"),
    ("deployment", "deployment"),
    ("operation", "operation"),
    ("outcome", "outcome"),
    ("usage_source", "usage_source"),
];

/// What sums are told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Column(&'static str, &'static str),
    Tag(String),
}

impl Dimension {
    /// As people write it: `team`, `model`, `tag:env`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Column(name, _) => (*name).to_owned(),
            Kind::Tag(tag) => format!("tag:{tag}"),
        }
    }
}

impl std::str::FromStr for Dimension {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(tag) = text.strip_prefix("tag:").filter(|tag| !tag.is_empty()) {
            return Ok(Self(Kind::Tag(tag.to_owned())));
        }
        let found = COLUMNS.iter().find(|(name, _)| *name == text);
        let names = || COLUMNS.map(|(name, _)| name).join(", ");
        found
            .map(|(name, column)| Self(Kind::Column(name, column)))
            .ok_or_else(|| format!("`{text}` is none of {}, tag:NAME", names()))
    }
}

/// A sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Requests, the refused ones too.
    pub requests: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What they cost.
    pub cost: NanoUsd,
    /// What the cache saved.
    pub saved: NanoUsd,
    /// How many have no price: their cost is missing in the sum.
    pub unpriced: u64,
    /// How many were not counted by their provider.
    pub estimated: u64,
    /// How many cost more than was reserved for them.
    pub overrun: u64,
}

impl Sum {
    /// Adds another.
    pub fn add(&mut self, more: &Self) {
        self.requests += more.requests;
        self.usage += more.usage;
        self.cost = self.cost + more.cost;
        self.saved = self.saved + more.saved;
        self.unpriced += more.unpriced;
        self.estimated += more.estimated;
        self.overrun += more.overrun;
    }
}

const SUMS: &str = "COUNT(*) AS requests, \
     CAST(SUM(input) AS BIGINT) AS input, CAST(SUM(cached_input) AS BIGINT) AS cached_input, \
     CAST(SUM(cache_write) AS BIGINT) AS cache_write, \
     CAST(SUM(cache_write_1h) AS BIGINT) AS cache_write_1h, \
     CAST(SUM(audio_input) AS BIGINT) AS audio_input, CAST(SUM(output) AS BIGINT) AS output, \
     CAST(SUM(reasoning) AS BIGINT) AS reasoning, \
     CAST(SUM(audio_output) AS BIGINT) AS audio_output, \
     CAST(SUM(COALESCE(cost, 0)) AS BIGINT) AS cost, \
     CAST(SUM(COALESCE(saved, 0)) AS BIGINT) AS saved, \
     CAST(SUM(price_missing) AS BIGINT) AS unpriced, \
     CAST(SUM(CASE WHEN usage_source = 'estimated' THEN 1 ELSE 0 END) AS BIGINT) AS estimated, \
     CAST(SUM(overrun) AS BIGINT) AS overrun";

impl Store {
    /// Sums over the requests that came in a period, told apart by these, the
    /// dearest first. What a request does not say is `None`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn report(
        &self,
        period: Period,
        by: &[Dimension],
    ) -> Result<Vec<(Vec<Option<String>>, Sum)>, StoreError> {
        let mut columns: Vec<&str> = by.iter().map(column).collect();
        columns.sort_unstable();
        columns.dedup();
        let all = columns.join(", ");
        let (select, group) = match columns.is_empty() {
            true => (String::new(), String::new()),
            false => (format!("{all}, "), format!(" GROUP BY {all}")),
        };
        let sql = format!(
            "SELECT {select}{SUMS} FROM requests WHERE opened_at >= ? AND opened_at < ?{group}"
        );
        let rows = built(sql).bind(period.start.0).bind(period.end.0);
        let rows = rows.fetch_all(&self.pool).await?;
        let mut sums: BTreeMap<Vec<Option<String>>, Sum> = BTreeMap::new();
        for row in &rows {
            if row.try_get::<i64>("requests")? == 0 {
                continue;
            }
            let key: Result<_, StoreError> = by.iter().map(|it| value(row, it)).collect();
            sums.entry(key?).or_default().add(&sum(row)?);
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|(_, sum)| std::cmp::Reverse((sum.cost, sum.requests)));
        Ok(sums)
    }
}

pub(super) fn column(of: &Dimension) -> &'static str {
    match of.0 {
        Kind::Column(_, column) => column,
        Kind::Tag(_) => "tags",
    }
}

pub(super) fn value(row: &Row, of: &Dimension) -> Result<Option<String>, StoreError> {
    let text: Option<String> = row.try_get(column(of))?;
    let Kind::Tag(tag) = &of.0 else {
        return Ok(text);
    };
    let Some(text) = text else { return Ok(None) };
    let tags: BTreeMap<String, String> =
        serde_json::from_str(&text).map_err(|_| StoreError::Unreadable {
            what: "a request's tags",
            value: text,
        })?;
    Ok(tags.get(tag).cloned())
}

pub(super) fn sum(row: &Row) -> Result<Sum, StoreError> {
    let count = |name| row.try_get::<i64>(name).map(unsigned);
    Ok(Sum {
        requests: count("requests")?,
        usage: Usage {
            input: count("input")?,
            cached_input: count("cached_input")?,
            cache_write: count("cache_write")?,
            cache_write_1h: count("cache_write_1h")?,
            audio_input: count("audio_input")?,
            output: count("output")?,
            reasoning: count("reasoning")?,
            audio_output: count("audio_output")?,
        },
        cost: NanoUsd(row.try_get("cost")?),
        saved: NanoUsd(row.try_get("saved")?),
        unpriced: count("unpriced")?,
        estimated: count("estimated")?,
        overrun: count("overrun")?,
    })
}
