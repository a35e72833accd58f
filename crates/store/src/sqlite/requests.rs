//! The ledger: one row a request.

use std::sync::{Arc, LazyLock};

use domain::record::Settled;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Sqlite};

use super::rows::signed;
use super::{StoreError, Write};

const COLUMNS: [&str; 29] = [
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
    "error",
    "input",
    "cached_input",
    "cache_write",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
    "usage_source",
    "cost",
    "price_missing",
    "cache_hit",
    "saved",
    "findings",
];

/// Statements for so many rows, most first: going to the database's thread
/// and back costs more than a row, and reading a statement more than running
/// it, so there are few of them and the connection keeps them prepared. 29
/// values a row stay far below the most that SQLite takes.
static INSERTS: LazyLock<[(usize, String); 4]> =
    LazyLock::new(|| [256, 32, 4, 1].map(|rows| (rows, statement(rows))));

fn statement(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMNS.len()].join(", "));
    format!(
        "INSERT OR IGNORE INTO requests ({}) VALUES {}",
        COLUMNS.join(", "),
        vec![row; rows].join(", ")
    )
}

/// Keeps rows. A ticket that stands there already stays as it is.
pub(super) async fn insert(write: &mut Write, settled: &[&Settled]) -> Result<(), StoreError> {
    let mut rest = settled;
    let mut texts = Texts::default();
    for (rows, statement) in INSERTS.iter() {
        while let Some((now, later)) = rest.split_at_checked(*rows) {
            rest = later;
            let mut values = Values::of(rows * COLUMNS.len());
            for record in now {
                row(&mut values, &mut texts, record);
            }
            let values = values.done()?;
            sqlx::query_with(statement.as_str(), values)
                .execute(&mut **write)
                .await?;
        }
    }
    Ok(())
}

/// Values for one statement, and the first that could not be added.
struct Values {
    arguments: SqliteArguments,
    error: Option<BoxDynError>,
}

impl Values {
    fn of(count: usize) -> Self {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(count, 0);
        Self {
            arguments,
            error: None,
        }
    }

    fn add<'t, T>(&mut self, value: T) -> &mut Self
    where
        T: sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
    {
        if let Err(error) = self.arguments.add(value) {
            self.error.get_or_insert(error);
        }
        self
    }

    fn count(&mut self, count: u64) -> &mut Self {
        self.add(signed(count))
    }

    fn done(self) -> Result<SqliteArguments, sqlx::Error> {
        match self.error {
            None => Ok(self.arguments),
            Some(error) => Err(sqlx::Error::Encode(error)),
        }
    }
}

/// The texts of the last row: the next one mostly says the same, and shares
/// them.
#[derive(Default)]
struct Texts {
    operation: Option<Arc<str>>,
    answered_model: Option<Arc<str>>,
    outcome: Option<Arc<str>>,
    error: Option<Arc<str>>,
    usage_source: Option<Arc<str>>,
    findings: Option<Arc<str>>,
}

fn share(last: &mut Option<Arc<str>>, text: &str) -> Arc<str> {
    match last {
        Some(last) if **last == *text => Arc::clone(last),
        _ => Arc::clone(last.insert(text.into())),
    }
}

fn row(values: &mut Values, texts: &mut Texts, r: &Settled) {
    let usage = &r.usage;
    let findings = match r.findings.is_empty() {
        true => share(&mut texts.findings, "[]"),
        false => serde_json::json!(r.findings).to_string().into(),
    };
    let answered = r.answered_model.as_deref();
    let error = r.error.as_deref();
    values
        .add(r.ticket.to_bytes().to_vec())
        .add(r.opened.0)
        .count(r.duration_us)
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
        .add(error.map(|text| share(&mut texts.error, text)))
        .count(usage.input)
        .count(usage.cached_input)
        .count(usage.cache_write)
        .count(usage.audio_input)
        .count(usage.output)
        .count(usage.reasoning)
        .count(usage.audio_output)
        .add(share(&mut texts.usage_source, r.usage_source.as_str()))
        .add(r.cost.map(|cost| cost.0))
        .add(r.price_missing)
        .add(r.cache_hit)
        .add(r.saved.map(|saved| saved.0))
        .add(findings);
}
