//! What was spent, by whom and for what: sums of the ledger.

use std::collections::BTreeMap;

use domain::calendar::Period;
use domain::money::NanoUsd;
use domain::usage::Usage;

use super::rows::unsigned;
use super::{Store, StoreError, sums};
use crate::sql::Row;

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

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The time that it tells of: longer than what was asked for where rows are gone
    /// and only sums of quarters of an hour are left.
    pub period: Period,
    /// Sums, by what they are told apart by; what a request does not say is `None`.
    pub rows: Vec<(Vec<Option<String>>, Sum)>,
}

impl Store {
    /// Sums over the requests that count in a period, told apart by these, the
    /// dearest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn report(&self, period: Period, by: &[Dimension]) -> Result<Report, StoreError> {
        let mut columns: Vec<&'static str> = by.iter().map(column).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut read = self.pool.read().await?;
        let found = sums::of(&mut read, period, &columns).await?;
        let mut sums: BTreeMap<Vec<Option<String>>, Sum> = BTreeMap::new();
        for row in &found.rows {
            let key: Result<_, StoreError> = by.iter().map(|it| value(row, it)).collect();
            sums.entry(key?).or_default().add(&sum(row)?);
        }
        let mut rows: Vec<_> = sums.into_iter().collect();
        rows.sort_by_key(|(_, sum)| std::cmp::Reverse((sum.cost, sum.requests)));
        Ok(Report {
            period: found.period,
            rows,
        })
    }
}

pub(super) fn column(of: &Dimension) -> &'static str {
    match of.0 {
        Kind::Column(_, column) => column,
        Kind::Tag(_) => "tags",
    }
}

pub(super) fn value(row: &Row, of: &Dimension) -> Result<Option<String>, StoreError> {
    let text: String = row.try_get(column(of))?;
    let text = (!text.is_empty()).then_some(text);
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
