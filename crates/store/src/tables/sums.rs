//! Sums of a period, from where they are quickest had: whole days, then quarters of
//! an hour, then the rows at both ends, and those that are in no sum yet.

use domain::calendar::Period;
use domain::ids::KeyId;
use domain::time::UnixMicros;

use super::rollups::{DAY, DETAILS, QUARTER, SUMS, TIME, expression, list};
use super::{Store, StoreError, Write, books};
use crate::sql::{Query, Row, built, query};

/// Sums, and what time they are of.
pub(super) struct Found {
    /// The period, to whole quarters of an hour where its rows may be gone.
    pub(super) period: Period,
    /// Rows with the columns that were asked for, and with all sums. The same values
    /// may come in several.
    pub(super) rows: Vec<Row>,
}

/// From, and up to but not including.
type Range = (i64, i64);

/// A period in parts.
struct Parts {
    days: Option<Range>,
    quarters: Vec<Range>,
    edges: Vec<Range>,
}

/// Sums of a period by these columns, as they are at one moment.
pub(super) async fn of(
    read: &mut Write,
    period: Period,
    columns: &[&'static str],
) -> Result<Found, StoreError> {
    let books = books::read(read).await?;
    let period = whole(period, books.pruned_until.0);
    // For ever has no first quarter of an hour, and no last.
    let all = (period.start.0.max(0), period.end.0.min(i64::MAX / 2));
    let parts = Parts::of(all);
    let mut queries = vec![ledger(columns, (books.rolled_up, i64::MAX), all)];
    for edge in &parts.edges {
        if let Some(numbers) = numbers(read, *edge, books.rolled_up).await? {
            queries.push(ledger(columns, numbers, *edge));
        }
    }
    let spans = parts.days.iter().map(|it| (DAY, *it));
    let spans = spans.chain(parts.quarters.iter().map(|it| (QUARTER, *it)));
    queries.extend(spans.map(|(span, range)| rollups(columns, span, range)));
    if columns.iter().any(|it| DETAILS.contains(it)) {
        let detailed = parts.quarters.iter().chain(&parts.days);
        queries.extend(detailed.map(|range| details(columns, *range)));
    }
    let mut rows = Vec::new();
    for query in queries {
        for row in query.fetch_all(&mut *read).await? {
            if row.try_get::<i64>("requests")? > 0 {
                rows.push(row);
            }
        }
    }
    Ok(Found { period, rows })
}

/// The period, to whole quarters of an hour where its rows may be gone.
fn whole(period: Period, pruned_until: i64) -> Period {
    let (mut start, mut end) = (period.start.0, period.end.0);
    if (0..pruned_until).contains(&start) {
        start = floor(start, QUARTER);
    }
    if (0..pruned_until).contains(&end) {
        end = ceiling(end, QUARTER);
    }
    Period {
        start: UnixMicros(start),
        end: UnixMicros(end),
    }
}

impl Parts {
    fn of((start, end): Range) -> Self {
        let inner = (ceiling(start, QUARTER), floor(end, QUARTER));
        let some = |ranges: &[Range]| -> Vec<Range> {
            ranges.iter().copied().filter(|(a, b)| a < b).collect()
        };
        if inner.0 >= inner.1 {
            return Self {
                days: None,
                quarters: Vec::new(),
                edges: some(&[(start, end)]),
            };
        }
        let edges = some(&[(start, inner.0), (inner.1, end)]);
        let days = (ceiling(inner.0, DAY), floor(inner.1, DAY));
        let (days, quarters) = match days.0 < days.1 {
            true => (Some(days), some(&[(inner.0, days.0), (days.1, inner.1)])),
            false => (None, vec![inner]),
        };
        Self {
            days,
            quarters,
            edges,
        }
    }
}

fn floor(at: i64, span: i64) -> i64 {
    at - at.rem_euclid(span)
}

fn ceiling(at: i64, span: i64) -> i64 {
    floor(at.saturating_add(span - 1), span)
}

/// Which rows may have come in this time, of those that are in the sums: after the
/// first number, up to the second.
async fn numbers(
    read: &mut Write,
    (start, end): Range,
    rolled_up: i64,
) -> Result<Option<Range>, StoreError> {
    let rows = query(
        "SELECT MIN(first_seq) AS first, MAX(last_seq) AS last FROM rollups \
         WHERE span = ? AND start >= ? AND start < ?",
    )
    .bind(QUARTER)
    .bind(floor(start, QUARTER))
    .bind(ceiling(end, QUARTER))
    .fetch_all(read)
    .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let (first, last): (Option<i64>, Option<i64>) = (row.try_get("first")?, row.try_get("last")?);
    Ok(first
        .zip(last)
        .map(|(first, last)| (first - 1, last.min(rolled_up))))
}

/// The number after which all rows come that came at this time or later.
async fn before(read: &mut Write, at: UnixMicros) -> Result<i64, StoreError> {
    let rolled_up = books::read(read).await?.rolled_up;
    let numbers = numbers(read, (at.0, i64::MAX / 2), rolled_up).await?;
    Ok(numbers.map_or(rolled_up, |(after, _)| after))
}

/// Sums of the ledger's own rows.
fn ledger(columns: &[&str], (after, upto): Range, (start, end): Range) -> Query {
    let by = columns
        .iter()
        .map(|it| format!("{} AS {it}", expression(it)));
    let sums = SUMS.map(|(name, sum)| format!("CAST(COALESCE({sum}, 0) AS BIGINT) AS {name}"));
    built(format!(
        "SELECT {} FROM requests r WHERE r.seq > ? AND r.seq <= ? AND {TIME} >= ? AND {TIME} < ?{}",
        list(by.chain(sums)),
        grouped(columns.len()),
    ))
    .bind(after)
    .bind(upto)
    .bind(start)
    .bind(end)
}

/// Sums of the ledger's own rows since this time, apart for each `step` of it, and when
/// the last of each came.
pub(super) async fn by_steps(
    read: &mut Write,
    (start, end): Range,
    columns: &[&'static str],
    step: i64,
) -> Result<Vec<Row>, StoreError> {
    let after = before(read, UnixMicros(start)).await?;
    let by = columns
        .iter()
        .map(|it| format!("{} AS {it}", expression(it)));
    let sums = SUMS.map(|(name, sum)| format!("CAST({sum} AS BIGINT) AS {name}"));
    let steps = built(format!(
        "SELECT {}, MAX(r.opened_at) AS latest FROM requests r \
         WHERE r.seq > ? AND r.opened_at >= ? AND r.opened_at < ?{}, r.opened_at / ?",
        list(by.chain(sums)),
        grouped(columns.len()),
    ));
    let steps = steps.bind(after).bind(start).bind(end).bind(step.max(1));
    Ok(steps.fetch_all(read).await?)
}

/// The rows of this time, for whoever reads them one by one: a condition on `r`.
pub(super) const ROWS: &str = "(r.seq > ? AND r.seq <= ? OR r.seq > ?) \
     AND COALESCE(r.booked_at, r.opened_at) >= ? AND COALESCE(r.booked_at, r.opened_at) < ?";

/// What [`ROWS`] takes.
pub(super) async fn rows(
    read: &mut Write,
    query: Query,
    (start, end): Range,
) -> Result<Query, StoreError> {
    let rolled_up = books::read(read).await?.rolled_up;
    let summed = numbers(read, (start, end), rolled_up).await?;
    let (after, upto) = summed.unwrap_or((0, 0));
    let query = query.bind(after).bind(upto).bind(rolled_up);
    Ok(query.bind(start).bind(end))
}

/// Sums of days or quarters of an hour; of rows that no detail tells apart, if
/// details are asked for.
fn rollups(columns: &[&str], span: i64, (start, end): Range) -> Query {
    let asks_details = columns.iter().any(|it| DETAILS.contains(it));
    let by = columns.iter().map(|it| match DETAILS.contains(it) {
        true => format!("'' AS {it}"),
        false => format!("g.{it} AS {it}"),
    });
    let only = if asks_details {
        " WHERE g.is_detailed = 0"
    } else {
        ""
    };
    built(format!(
        "SELECT {} FROM (SELECT group_id, {} FROM rollups WHERE span = ? AND start >= ? \
         AND start < ? GROUP BY group_id) x JOIN rollup_groups g ON g.id = x.group_id{only}{}",
        list(by.chain(outer())),
        list(inner()),
        grouped(columns.len()),
    ))
    .bind(span)
    .bind(start)
    .bind(end)
}

/// Sums by what may be another with every request.
fn details(columns: &[&str], (start, end): Range) -> Query {
    let details: Vec<&str> = DETAILS
        .into_iter()
        .filter(|it| columns.contains(it))
        .collect();
    let by = columns.iter().map(|it| match DETAILS.contains(it) {
        true => format!("x.{it} AS {it}"),
        false => format!("g.{it} AS {it}"),
    });
    let details = list(details);
    built(format!(
        "SELECT {} FROM (SELECT group_id, {details}, {} FROM rollup_details WHERE start >= ? \
         AND start < ? GROUP BY group_id, {details}) x \
         JOIN rollup_groups g ON g.id = x.group_id{}",
        list(by.chain(outer())),
        list(inner()),
        grouped(columns.len()),
    ))
    .bind(start)
    .bind(end)
}

fn inner() -> [String; SUMS.len()] {
    SUMS.map(|(name, _)| format!("SUM({name}) AS {name}"))
}

fn outer() -> [String; SUMS.len()] {
    SUMS.map(|(name, _)| format!("CAST(COALESCE(SUM(x.{name}), 0) AS BIGINT) AS {name}"))
}

/// By the first so many columns.
fn grouped(count: usize) -> String {
    if count == 0 {
        return String::new();
    }
    format!(" GROUP BY {}", list((1..=count).map(|at| at.to_string())))
}

impl Store {
    /// When a key last asked something, as far as the ledger says.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn last_use(&self, key: &KeyId) -> Result<Option<UnixMicros>, StoreError> {
        let mut read = self.pool.read().await?;
        let rolled_up = books::read(&mut read).await?.rolled_up;
        let last = query(
            "SELECT MAX(it) FROM (SELECT MAX(opened_at) AS it FROM requests WHERE seq > ? \
             AND key_id = ? UNION ALL SELECT MAX(s.last_at) FROM rollups s \
             JOIN rollup_groups g ON g.id = s.group_id WHERE s.span = ? AND g.key_id = ?) a",
        )
        .bind(rolled_up)
        .bind(key.as_str())
        .bind(DAY)
        .bind(key.as_str())
        .fetch_value::<Option<i64>>(&mut read)
        .await?;
        Ok(last.flatten().map(UnixMicros))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_the_period_without_gaps_and_overlaps(
            start in 0_i64..4 * DAY,
            length in 1_i64..4 * DAY,
            is_even in any::<bool>(),
        ) {
            let even = |at: i64| if is_even { ceiling(at, QUARTER) } else { at };
            let (start, end) = (even(start), even(start + length));
            prop_assume!(start < end);
            let parts = Parts::of((start, end));
            let mut all: Vec<Range> = parts.days.iter().copied().collect();
            all.extend(&parts.quarters);
            all.extend(&parts.edges);
            all.sort_unstable();
            prop_assert!(all.windows(2).all(|two| two[0].1 == two[1].0));
            prop_assert_eq!((all[0].0, all[all.len() - 1].1), (start, end));
            let is_whole = |span| move |&(a, b): &Range| a % span == 0 && b % span == 0;
            prop_assert!(parts.days.iter().all(is_whole(DAY)));
            prop_assert!(parts.quarters.iter().all(is_whole(QUARTER)));
            prop_assert!(parts.edges.iter().all(|(a, b)| b - a < 2 * QUARTER));
        }
    }
}
