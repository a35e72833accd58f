//! Sums of the ledger by quarters of an hour and by days, of UTC: a report reads
//! them instead of ten million rows, and they stay when the rows go. Some time zones
//! begin their days at a quarter of an hour.
//!
//! Rows are taken in the order of their numbers, a heap at a time, in the transaction
//! that says up to which number they were: each row is in the sums once. What has
//! come since is read from the rows themselves.

use std::sync::LazyLock;

use super::{Store, StoreError, books};
use crate::sql::query;

/// A quarter of an hour, in microseconds.
pub(super) const QUARTER: i64 = 900_000_000;
/// A day.
pub(super) const DAY: i64 = 96 * QUARTER;
/// Rows in one transaction: others want to write too.
const HEAP: i64 = 4096;

/// When a row's cost counts.
pub(super) const TIME: &str = "COALESCE(r.booked_at, r.opened_at)";

/// What is summed, and what of a row of the ledger it is.
pub(super) const SUMS: [(&str, &str); 14] = [
    ("requests", "COUNT(*)"),
    ("input", "SUM(r.input)"),
    ("cached_input", "SUM(r.cached_input)"),
    ("cache_write", "SUM(r.cache_write)"),
    ("cache_write_1h", "SUM(r.cache_write_1h)"),
    ("audio_input", "SUM(r.audio_input)"),
    ("output", "SUM(r.output)"),
    ("reasoning", "SUM(r.reasoning)"),
    ("audio_output", "SUM(r.audio_output)"),
    ("cost", "SUM(COALESCE(r.cost, 0))"),
    ("saved", "SUM(COALESCE(r.saved, 0))"),
    ("unpriced", "SUM(r.price_missing)"),
    (
        "estimated",
        "SUM(CASE WHEN r.usage_source = 'estimated' THEN 1 ELSE 0 END)",
    ),
    ("overrun", "SUM(r.overrun)"),
];

/// What sums are kept apart by. What a row does not have is an empty text.
pub(super) const APART: [&str; 11] = [
    "tenant",
    "team",
    "app",
    "user_id",
    "key_id",
    "model",
    "provider",
    "deployment",
    "operation",
    "outcome",
    "usage_source",
];

/// What may be another with every request.
pub(super) const DETAILS: [&str; 3] = ["end_user", "session", "tags"];

/// Whether a row has any of those.
const IS_DETAILED: &str = "CASE WHEN r.end_user IS NULL AND r.session IS NULL \
     AND r.tags IS NULL THEN 0 ELSE 1 END";

/// The rows of a heap.
const ROWS: &str = "FROM requests r WHERE r.seq > ? AND r.seq <= ?";

/// What makes a heap's groups known.
static GROUPS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO rollup_groups ({}, is_detailed) SELECT DISTINCT {}, {IS_DETAILED} {ROWS} \
         ON CONFLICT DO NOTHING",
        APART.join(", "),
        list(APART.map(expression)),
    )
});
static QUARTERS: LazyLock<String> = LazyLock::new(|| span(QUARTER));
static DAYS: LazyLock<String> = LazyLock::new(|| span(DAY));
/// What adds a heap to the sums by what may be another with every request.
static BY_DETAILS: LazyLock<String> = LazyLock::new(|| {
    let heap = heap(QUARTER, &DETAILS, &format!(" AND {IS_DETAILED} = 1"));
    format!(
        "WITH h AS ({heap}) \
         INSERT INTO rollup_details (start, group_id, {}, {}) \
         SELECT h.start, g.id, {}, {} {}",
        DETAILS.join(", "),
        list(names()),
        list(DETAILS.map(|it| format!("h.{it}"))),
        list(names().map(|it| format!("h.{it}"))),
        *JOIN,
    )
});

/// A heap's sums with their groups. `WHERE true` ends what could be read as a join
/// on a conflict.
static JOIN: LazyLock<String> = LazyLock::new(|| {
    let same = APART.map(|it| format!("g.{it} = h.{it}"));
    let same = same.join(" AND ");
    format!("FROM h JOIN rollup_groups g ON {same} AND g.is_detailed = h.is_detailed WHERE 1 = 1")
});

/// What adds a heap to the sums of quarters or days.
fn span(span: i64) -> String {
    let more = ["first_seq", "last_seq", "last_at"];
    let kept = |it: &str| match it {
        "first_seq" => least(it, '<'),
        "last_seq" | "last_at" => least(it, '>'),
        sum => format!("{sum} = rollups.{sum} + excluded.{sum}"),
    };
    let all: Vec<&str> = names().into_iter().chain(more).collect();
    format!(
        "WITH h AS ({}) INSERT INTO rollups (span, start, group_id, {}) \
         SELECT {span}, h.start, g.id, {} {} \
         ON CONFLICT (span, start, group_id) DO UPDATE SET {}",
        heap(span, &[], ""),
        all.join(", "),
        list(all.iter().map(|it| format!("h.{it}"))),
        *JOIN,
        list(all.iter().map(|it| kept(it))),
    )
}

/// The lesser (or, by `>`, the greater) of what is kept and what comes.
fn least(column: &str, by: char) -> String {
    format!(
        "{column} = CASE WHEN excluded.{column} {by} rollups.{column} \
         THEN excluded.{column} ELSE rollups.{column} END"
    )
}

/// The sums of a heap.
fn heap(span: i64, details: &[&str], further: &str) -> String {
    let apart: Vec<&str> = APART.iter().chain(details).copied().collect();
    let columns = apart
        .iter()
        .map(|it| format!("{} AS {it}", expression(it)))
        .chain([format!("{IS_DETAILED} AS is_detailed")])
        .chain(SUMS.map(|(name, sum)| format!("CAST({sum} AS BIGINT) AS {name}")));
    let places: Vec<String> = (1..=apart.len() + 2).map(|at| at.to_string()).collect();
    format!(
        "SELECT {TIME} - {TIME} % {span} AS start, {}, MIN(r.seq) AS first_seq, \
         MAX(r.seq) AS last_seq, MAX(r.opened_at) AS last_at {ROWS}{further} GROUP BY {}",
        list(columns),
        places.join(", "),
    )
}

fn names() -> [&'static str; 14] {
    SUMS.map(|(name, _)| name)
}

/// A column of the ledger, as sums have it.
pub(super) fn expression(column: &str) -> String {
    match column {
        "tenant" | "key_id" | "operation" | "outcome" | "usage_source" => format!("r.{column}"),
        // What a client asked for, of any length: it is a part of a key.
        "model" => "substr(COALESCE(r.model, ''), 1, 200)".to_owned(),
        other => format!("COALESCE(r.{other}, '')"),
    }
}

/// These, with commas between.
pub(super) fn list<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<T> = all.into_iter().collect();
    let all: Vec<&str> = all.iter().map(AsRef::as_ref).collect();
    all.join(", ")
}

impl Store {
    /// Adds the next rows of the ledger to the sums; says whether there may be more.
    ///
    /// # Errors
    /// The database would not write; nothing was added.
    pub async fn roll_up(&self) -> Result<bool, StoreError> {
        self.read_only.noted(self.rolled_up().await)
    }

    async fn rolled_up(&self) -> Result<bool, StoreError> {
        // The carrier's own connection, with its pages: it waits meanwhile.
        let mut write = self.ledger.write_between().await?;
        let from = books::read(&mut write).await?.rolled_up;
        let next = "SELECT seq FROM requests WHERE seq > ? ORDER BY seq LIMIT ?";
        let rows = query(next).bind(from).bind(HEAP);
        let rows = rows.fetch_all(&mut write).await?;
        let Some(last) = rows.last() else {
            return Ok(false);
        };
        let upto: i64 = last.try_get("seq")?;
        for statement in [&GROUPS, &QUARTERS, &DAYS, &BY_DETAILS] {
            let statement = query(statement).bind(from).bind(upto);
            statement.execute(&mut write).await?;
        }
        query("UPDATE books SET rolled_up = ?")
            .bind(upto)
            .execute(&mut write)
            .await?;
        write.commit().await?;
        Ok(rows.len() as i64 == HEAP)
    }
}
