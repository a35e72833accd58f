//! The store as the audit log's index: looked up, and held against the log.

use std::collections::HashMap;

use domain::audit::{Logged, Strangers};
use domain::ids::TicketId;
use domain::record::Settled;
use domain::time::UnixMicros;

use super::requests::{LogPlace, said};
use super::rows::{signed, unsigned};
use super::{Store, StoreError, changes};
use crate::sql::{Row, Value, built, query};

/// Tickets in one statement.
const ROWS: usize = 1000;

/// A row that does not say what the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The record.
    pub record: u64,
    /// The column; `None` if there is no such row.
    pub column: Option<&'static str>,
}

/// How many calls say that they are records of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoggedCalls {
    /// Of those that were asked about.
    pub within: u64,
    /// Of records that the database does not have.
    pub beyond: u64,
}

/// What is looked for. What is `None` is not asked about.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Columns of the ledger, and what they are to be.
    pub equal: Vec<(&'static str, String)>,
    /// A guard that found something.
    pub guard: Option<String>,
    /// From when.
    pub since: Option<UnixMicros>,
    /// Until when, not included.
    pub until: Option<UnixMicros>,
    /// So many at most, the latest.
    pub most: u32,
}

/// A call that was found, as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its record; `None` in a time without a log.
    pub place: Option<LogPlace>,
    /// Which call.
    pub ticket: TicketId,
    /// When it came.
    pub at: UnixMicros,
    /// From where.
    pub from: Option<String>,
    /// Whose.
    pub tenant: String,
    /// By which key.
    pub key: String,
    /// The model that was asked for.
    pub model: Option<String>,
    /// The provider that answered last.
    pub provider: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// The status that the client got.
    pub status: u64,
    /// A refusal's code.
    pub error: Option<String>,
    /// What it cost, in billionths of a dollar.
    pub cost: Option<i64>,
}

impl Store {
    /// Calls that are looked for, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        let mut conditions = vec!["opened_at >= ?".to_owned(), "opened_at < ?".to_owned()];
        conditions.extend(
            search
                .equal
                .iter()
                .map(|(column, _)| format!("{column} = ?")),
        );
        if search.guard.is_some() {
            // Findings are a list of `["name",count]`.
            conditions.push("findings LIKE ? ESCAPE '!'".to_owned());
        }
        let mut select = built(format!(
            "SELECT * FROM requests WHERE {} ORDER BY opened_at DESC, ticket DESC LIMIT ?",
            conditions.join(" AND ")
        ))
        .bind(search.since.map_or(i64::MIN, |it| it.0))
        .bind(search.until.map_or(i64::MAX, |it| it.0));
        for (_, value) in &search.equal {
            select = select.bind(value);
        }
        if let Some(guard) = &search.guard {
            let name = serde_json::json!(guard).to_string();
            let name = name
                .replace('!', "!!")
                .replace('%', "!%")
                .replace('_', "!_");
            select = select.bind(format!("%[{name},%"));
        }
        let rows = select
            .bind(i64::from(search.most))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(hit).collect()
    }

    /// Where these calls do not stand as the log has them, each record's first
    /// difference.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn differences(
        &self,
        calls: &[(LogPlace, &Settled)],
    ) -> Result<Vec<Difference>, StoreError> {
        let mut found = Vec::new();
        for calls in calls.chunks(ROWS) {
            let list = vec!["?"; calls.len()].join(", ");
            let mut select = built(format!("SELECT * FROM requests WHERE ticket IN ({list})"));
            for (_, call) in calls {
                select = select.bind(call.ticket.to_bytes().to_vec());
            }
            let rows = select.fetch_all(&self.pool).await?;
            let by_ticket: HashMap<Vec<u8>, &Row> = rows
                .iter()
                .map(|row| Ok((row.try_get("ticket")?, row)))
                .collect::<Result<_, sqlx::Error>>()?;
            for (place, call) in calls {
                let row = by_ticket.get(call.ticket.to_bytes().as_slice());
                let column = match row {
                    None => Some(None),
                    Some(row) => first_difference(row, *place, call).map(Some),
                };
                found.extend(column.map(|column| Difference {
                    record: place.record,
                    column,
                }));
            }
        }
        Ok(found)
    }

    /// How many calls say that they are records of a log: of its first `size` ones, and
    /// such that the database cannot have.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn logged_calls(&self, log: i64, size: u64) -> Result<LoggedCalls, StoreError> {
        let row = query(
            "SELECT CAST(COALESCE(SUM(CASE WHEN audit_record < ? THEN 1 ELSE 0 END), 0) AS BIGINT) \
             AS within, \
             CAST(COALESCE(SUM(CASE WHEN COALESCE(audit_record, -1) BETWEEN 0 AND \
             (SELECT size FROM audit_logs WHERE id = ?) - 1 THEN 0 ELSE 1 END), 0) AS BIGINT) \
             AS beyond FROM requests WHERE audit_log = ?",
        )
        .bind(signed(size))
        .bind(log)
        .bind(log)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(LoggedCalls::default());
        };
        Ok(LoggedCalls {
            within: unsigned(row.try_get("within")?),
            beyond: unsigned(row.try_get("beyond")?),
        })
    }

    /// Which record a call is.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn place_of(&self, ticket: TicketId) -> Result<Option<LogPlace>, StoreError> {
        let row = query("SELECT audit_log, audit_record FROM requests WHERE ticket = ?")
            .bind(ticket.to_bytes().to_vec())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map_or(Ok(None), place)
    }

    /// Calls that say so, in the order of their tickets, from behind one on.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn logged_calls_after(
        &self,
        log: i64,
        after: Option<TicketId>,
    ) -> Result<Vec<(TicketId, u64)>, StoreError> {
        let after = after.map_or_else(Vec::new, |it| it.to_bytes().to_vec());
        let rows = query(
            "SELECT ticket, COALESCE(audit_record, -1) AS audit_record FROM requests \
             WHERE audit_log = ? AND ticket > ? ORDER BY ticket LIMIT 10000",
        )
        .bind(log)
        .bind(after)
        .fetch_all(&self.pool)
        .await?;
        let logged = |row: &Row| {
            let record: i64 = row.try_get("audit_record")?;
            Ok((ticket(row)?, u64::try_from(record).unwrap_or(u64::MAX)))
        };
        rows.iter().map(logged).collect()
    }

    /// Changes by people that say they are records of a log, by record.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn logged_changes(&self, log: i64) -> Result<Vec<(u64, Logged)>, StoreError> {
        let rows = query(
            "SELECT * FROM admin_changes WHERE audit_log = ? AND audit_record IS NOT NULL \
             ORDER BY audit_record",
        )
        .bind(log)
        .fetch_all(&self.pool)
        .await?;
        let logged = |row: &Row| {
            let logged = Logged {
                id: row.try_get("id")?,
                change: changes::read(row)?,
            };
            Ok((unsigned(row.try_get("audit_record")?), logged))
        };
        rows.iter().map(logged).collect()
    }

    /// Minutes of strangers of a log, by record.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn logged_strangers(&self, log: i64) -> Result<Vec<(u64, Strangers)>, StoreError> {
        let rows = query("SELECT * FROM audit_strangers WHERE audit_log = ? ORDER BY audit_record")
            .bind(log)
            .fetch_all(&self.pool)
            .await?;
        let strangers = |row: &Row| {
            let strangers = Strangers {
                minute: UnixMicros(row.try_get("minute")?),
                source: row.try_get("source")?,
                reason: row.try_get("reason")?,
                count: unsigned(row.try_get("count")?),
            };
            Ok((unsigned(row.try_get("audit_record")?), strangers))
        };
        rows.iter().map(strangers).collect()
    }
}

fn first_difference(row: &Row, place: LogPlace, call: &Settled) -> Option<&'static str> {
    let places = [
        ("audit_log", Value::Int(place.log)),
        ("audit_record", Value::Int(signed(place.record))),
    ];
    let mut columns = places.into_iter().chain(said(call));
    columns
        .find(|(column, value)| !is_same(row, column, value))
        .map(|(column, _)| column)
}

/// Whether a column is a value. What cannot be read as what it should be is not.
fn is_same(row: &Row, column: &str, value: &Value) -> bool {
    match value {
        Value::Null => row.is_null(column),
        Value::Int(number) => row
            .try_get::<Option<i64>>(column)
            .is_ok_and(|it| it == Some(*number)),
        Value::Text(text) => row.try_get::<Option<String>>(column).is_ok_and(|it| {
            // PostgreSQL has no zero bytes.
            it.is_some_and(|it| *it == **text || it == text.replace('\0', "\u{fffd}"))
        }),
        Value::Bytes(bytes) => row
            .try_get::<Option<Vec<u8>>>(column)
            .is_ok_and(|it| it.as_ref() == Some(bytes)),
    }
}

fn ticket(row: &Row) -> Result<TicketId, StoreError> {
    let bytes: Vec<u8> = row.try_get("ticket")?;
    let ticket = <[u8; 16]>::try_from(bytes.as_slice()).map(TicketId::from_bytes);
    ticket.map_err(|_| StoreError::Unreadable {
        what: "a request's ticket",
        value: format!("{bytes:02x?}"),
    })
}

fn place(row: &Row) -> Result<Option<LogPlace>, StoreError> {
    let log: Option<i64> = row.try_get("audit_log")?;
    let record: Option<i64> = row.try_get("audit_record")?;
    Ok(log.zip(record).map(|(log, record)| LogPlace {
        log,
        record: unsigned(record),
    }))
}

fn hit(row: &Row) -> Result<Hit, StoreError> {
    Ok(Hit {
        place: place(row)?,
        ticket: ticket(row)?,
        at: UnixMicros(row.try_get("opened_at")?),
        from: row.try_get("from_address")?,
        tenant: row.try_get("tenant")?,
        key: row.try_get("key_id")?,
        model: row.try_get("model")?,
        provider: row.try_get("provider")?,
        outcome: row.try_get("outcome")?,
        status: unsigned(row.try_get("status")?),
        error: row.try_get("error")?,
        cost: row.try_get("cost")?,
    })
}
