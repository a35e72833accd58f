//! The ledger: one row a request.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use domain::ids::TicketId;
use domain::record::{Settled, Who};
use domain::time::UnixMicros;

use super::rows::signed;
use super::{StoreError, Write};
use crate::sql::{Value, Values, query};

/// Columns that every request fills.
const COLUMNS: [&str; 20] = [
    "ticket",
    "opened_at",
    "duration_us",
    "first_content_us",
    "tenant",
    "key_id",
    "operation",
    "streamed",
    "model",
    "provider",
    "deployment",
    "answered_model",
    "attempts",
    "outcome",
    "status",
    "input",
    "output",
    "usage_source",
    "cost",
    "from_address",
];

/// Where the audit log has the row; no part of what is said of a request.
const PLACE: [&str; 2] = ["audit_log", "audit_record"];

/// The record of an audit log that a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// The log, by its number in the database.
    pub log: i64,
    /// The record's number, from 0.
    pub record: u64,
}

/// A row that is to be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    pub(super) call: &'a Settled,
    pub(super) place: Option<LogPlace>,
}

/// Columns that most requests leave as they are, and how that is.
const SPECIAL: [(&str, &str); 22] = [
    ("error", "NULL"),
    ("cached_input", "0"),
    ("cache_write", "0"),
    ("cache_write_1h", "0"),
    ("audio_input", "0"),
    ("reasoning", "0"),
    ("audio_output", "0"),
    ("price_missing", "0"),
    ("cache_hit", "0"),
    ("saved", "NULL"),
    ("findings", "'[]'"),
    ("bytes_in", "NULL"),
    ("bytes_out", "NULL"),
    ("team", "NULL"),
    ("app", "NULL"),
    ("user_id", "NULL"),
    ("end_user", "NULL"),
    ("session", "NULL"),
    ("tags", "NULL"),
    ("degraded_from", "NULL"),
    ("overrun", "0"),
    ("booked_at", "NULL"),
];

/// Whether every special column of the row is as it mostly is, where the books
/// are closed up to `locked`.
fn is_plain(r: &Settled, locked: UnixMicros) -> bool {
    let usage = &r.usage;
    let counts = [
        usage.cached_input,
        usage.cache_write,
        usage.cache_write_1h,
        usage.audio_input,
        usage.reasoning,
        usage.audio_output,
    ];
    counts == [0; 6]
        && r.error.is_none()
        && r.saved.is_none()
        && !(r.price_missing || r.cache_hit)
        && r.findings.is_empty()
        && r.passed.is_none()
        && r.who.is_none()
        && r.opened >= locked
}

/// Which rows a statement takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Plain,
    Special,
}

/// Statements for so many rows, most first: going to the database's thread
/// and back costs more than a row, and reading a statement more than running
/// it, so there are few of them and the connection keeps them prepared. At
/// most 41 values a row stay far below the most that SQLite takes.
type Inserts = [(usize, String); 4];

static PLAIN: LazyLock<Inserts> = LazyLock::new(|| inserts(Rows::Plain));
static OTHERS: LazyLock<Inserts> = LazyLock::new(|| inserts(Rows::Special));

/// Asks whether a row stands there as it would be kept.
static SAME: LazyLock<String> = LazyLock::new(|| {
    let columns = [&COLUMNS[..], &SPECIAL.map(|(column, _)| column)].concat();
    let conditions = columns.iter().map(|it| match *it {
        // No index finds what may be nothing.
        "ticket" => "ticket = ?".to_owned(),
        // Not of the record: books may have been closed since.
        "booked_at" => "CAST(? AS BIGINT) IS NULL".to_owned(),
        other => format!("{other} IS NOT DISTINCT FROM ?"),
    });
    let all = conditions.collect::<Vec<_>>().join(" AND ");
    format!("SELECT COUNT(*) FROM requests WHERE {all}")
});

fn inserts(kind: Rows) -> Inserts {
    [256, 32, 4, 1].map(|rows| (rows, statement(rows, kind)))
}

fn statement(rows: usize, kind: Rows) -> String {
    let special = SPECIAL.map(|(column, _)| column);
    let columns = [&COLUMNS[..], &PLACE, &special].concat();
    let rest = SPECIAL.map(|(_, usual)| match kind {
        Rows::Plain => usual,
        Rows::Special => "?",
    });
    let values = [&["?"; COLUMNS.len() + PLACE.len()][..], &rest].concat();
    let row = format!("({})", values.join(", "));
    format!(
        "INSERT INTO requests ({}) VALUES {} ON CONFLICT DO NOTHING",
        columns.join(", "),
        vec![row; rows].join(", ")
    )
}

/// Keeps rows. What came before `locked` counts from then on: the books of its time
/// are closed. A ticket that stands there already stays as it is: returned are
/// those that stand there with something else.
pub(super) async fn insert(
    write: &mut Write,
    all: &[Kept<'_>],
    locked: UnixMicros,
) -> Result<Vec<TicketId>, StoreError> {
    let (plain, others): (Vec<Kept<'_>>, Vec<Kept<'_>>) =
        all.iter().partition(|kept| is_plain(kept.call, locked));
    let mut conflicts = insert_all(write, &plain, Rows::Plain, locked).await?;
    conflicts.extend(insert_all(write, &others, Rows::Special, locked).await?);
    Ok(conflicts)
}

async fn insert_all(
    write: &mut Write,
    all: &[Kept<'_>],
    kind: Rows,
    locked: UnixMicros,
) -> Result<Vec<TicketId>, StoreError> {
    let (inserts, columns): (&'static Inserts, _) = match kind {
        Rows::Plain => (&PLAIN, COLUMNS.len() + PLACE.len()),
        Rows::Special => (&OTHERS, COLUMNS.len() + PLACE.len() + SPECIAL.len()),
    };
    let mut rest = all;
    let mut texts = Texts::default();
    let mut conflicts = Vec::new();
    for (rows, statement) in inserts {
        while let Some((now, later)) = rest.split_at_checked(*rows) {
            rest = later;
            let mut values = write.arguments(rows * columns);
            for kept in now {
                row(&mut values, &mut texts, kept.call);
                values
                    .add(kept.place.map(|it| it.log))
                    .add(kept.place.map(|it| signed(it.record)));
                if kind == Rows::Special {
                    special(&mut values, kept.call, booked_at(kept.call, locked));
                }
            }
            let insert = query(statement).with(values);
            if insert.execute(&mut *write).await? < *rows as u64 {
                conflicts.extend(find_conflicts(write, now).await?);
            }
        }
    }
    Ok(conflicts)
}

/// Which of these stand there and say something else. What was handed in twice
/// says the same.
async fn find_conflicts(write: &mut Write, all: &[Kept<'_>]) -> Result<Vec<TicketId>, StoreError> {
    let mut texts = Texts::default();
    let mut conflicts = Vec::new();
    for Kept { call: record, .. } in all {
        let mut values = write.arguments(COLUMNS.len() + SPECIAL.len());
        row(&mut values, &mut texts, record);
        special(&mut values, record, None);
        let same = query(&SAME).with(values);
        if same.fetch_value::<i64>(&mut *write).await? != Some(1) {
            conflicts.push(record.ticket);
        }
    }
    Ok(conflicts)
}

/// The texts of the last row: the next one mostly says the same, and shares
/// them.
#[derive(Default)]
struct Texts {
    operation: Option<Arc<str>>,
    answered_model: Option<Arc<str>>,
    outcome: Option<Arc<str>>,
    usage_source: Option<Arc<str>>,
}

fn share(last: &mut Option<Arc<str>>, text: &str) -> Arc<str> {
    match last {
        Some(last) if **last == *text => Arc::clone(last),
        _ => Arc::clone(last.insert(text.into())),
    }
}

fn row(values: &mut impl Values, texts: &mut Texts, r: &Settled) {
    let answered = r.answered_model.as_deref();
    values
        .add(r.ticket.to_bytes().to_vec())
        .add(r.opened.0)
        .add(signed(r.duration_us))
        .add(r.first_content_us.map(signed))
        .add(r.tenant.shared())
        .add(r.key.shared())
        .add(share(&mut texts.operation, &r.operation))
        .add(r.streamed)
        .add(r.model.as_ref().map(|name| name.shared()))
        .add(r.provider.as_ref().map(|name| name.shared()))
        .add(r.deployment.as_ref().map(|id| id.shared()))
        .add(answered.map(|text| share(&mut texts.answered_model, text)))
        .add(i64::from(r.attempts))
        .add(share(&mut texts.outcome, r.outcome.as_str()))
        .add(i64::from(r.status))
        .add(signed(r.usage.input))
        .add(signed(r.usage.output))
        .add(share(&mut texts.usage_source, r.usage_source.as_str()))
        .add(r.cost.map(|cost| cost.0))
        .add(r.from.map(|from| from.to_string()));
}

/// When a request's cost counts, if not when it came: the books of that time are
/// closed.
fn booked_at(r: &Settled, locked: UnixMicros) -> Option<UnixMicros> {
    (r.opened < locked).then_some(locked)
}

fn special(values: &mut impl Values, r: &Settled, booked_at: Option<UnixMicros>) {
    let usage = &r.usage;
    values
        .add(r.error.as_deref().map(str::to_owned))
        .add(signed(usage.cached_input))
        .add(signed(usage.cache_write))
        .add(signed(usage.cache_write_1h))
        .add(signed(usage.audio_input))
        .add(signed(usage.reasoning))
        .add(signed(usage.audio_output))
        .add(r.price_missing)
        .add(r.cache_hit)
        .add(r.saved.map(|saved| saved.0))
        .add(serde_json::json!(r.findings).to_string())
        .add(r.passed.map(|passed| signed(passed.bytes_in)))
        .add(r.passed.map(|passed| signed(passed.bytes_out)));
    let nobody = Who::default();
    let who = r.who.as_deref().unwrap_or(&nobody);
    let tags: BTreeMap<&str, &str> = who.tags.iter().map(|(n, v)| (&**n, &**v)).collect();
    let tags = (!tags.is_empty()).then(|| serde_json::json!(tags).to_string());
    values
        .add(who.team.as_ref().map(|id| id.shared()))
        .add(who.app.as_ref().map(|id| id.shared()))
        .add(who.user.as_ref().map(|id| id.shared()))
        .add(who.end_user.clone())
        .add(who.session.clone())
        .add(tags)
        .add(who.degraded_from.as_ref().map(|name| name.shared()))
        .add(who.overrun)
        .add(booked_at.map(|at| at.0));
}

/// The columns that say something of a request, but for its ticket, and what they
/// say of this one. When its cost counts is the books' own affair.
pub(super) fn said(call: &Settled) -> impl Iterator<Item = (&'static str, Value)> {
    let mut values: Vec<Value> = Vec::with_capacity(COLUMNS.len() + SPECIAL.len());
    row(&mut values, &mut Texts::default(), call);
    special(&mut values, call, None);
    let special = SPECIAL.iter().map(|(column, _)| *column);
    let all = COLUMNS.into_iter().chain(special).zip(values);
    all.filter(|(column, _)| !matches!(*column, "ticket" | "booked_at"))
}
