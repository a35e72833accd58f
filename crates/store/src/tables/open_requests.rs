//! Requests that are upstream, or were when their process ended.

use std::sync::Arc;

use domain::ids::TicketId;
use domain::record::Opened;
use serde_json::Value;

use super::{StoreError, Write};
use crate::sql::{built, query};

/// Rows in one statement.
const ROWS: usize = 1000;

/// Keeps requests that were open at the end of a batch. What was said of one
/// last counts.
pub(super) async fn insert(
    write: &mut Write,
    node: &Arc<str>,
    opened: impl Iterator<Item = &Opened>,
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for record in opened {
        let text = written(record).map_err(|error| StoreError::Unreadable {
            what: "an open request",
            value: error.to_string(),
        })?;
        rows.push((record.ticket.to_bytes().to_vec(), text));
    }
    for rows in rows.chunks(ROWS) {
        let mut insert = built(format!(
            "INSERT INTO open_requests (ticket, record, node) VALUES {} \
             ON CONFLICT (ticket) DO UPDATE SET record = excluded.record",
            vec!["(?, ?, ?)"; rows.len()].join(", ")
        ));
        for (ticket, text) in rows {
            insert = insert
                .bind(ticket.as_slice())
                .bind(text)
                .bind(Arc::clone(node));
        }
        insert.execute(&mut *write).await?;
    }
    Ok(())
}

/// Forgets requests that have ended.
pub(super) async fn delete(write: &mut Write, tickets: &[TicketId]) -> Result<(), StoreError> {
    for tickets in tickets.chunks(ROWS) {
        let list = vec!["?"; tickets.len()].join(", ");
        let sql = format!("DELETE FROM open_requests WHERE ticket IN ({list})");
        let mut delete = built(sql);
        for ticket in tickets {
            delete = delete.bind(ticket.to_bytes().to_vec());
        }
        delete.execute(&mut *write).await?;
    }
    Ok(())
}

/// Fields of a row that versions before did not write, and do not read.
const ASKED: &str = "asked";
const PASSED: &str = "passed";
const WHO: &str = "who";
const FROM: &str = "from";

fn written(record: &Opened) -> Result<String, serde_json::Error> {
    let mut row = serde_json::to_value(record)?;
    row[ASKED] = serde_json::to_value(&record.asked)?;
    if let Some(passed) = record.asked.as_ref().and_then(|asked| asked.passed) {
        row[PASSED] = serde_json::to_value(passed)?;
    }
    if let Some(who) = &record.who {
        row[WHO] = serde_json::to_value(who)?;
    }
    if let Some(from) = &record.from {
        row[FROM] = serde_json::to_value(from)?;
    }
    serde_json::to_string(&row)
}

/// Reads a row, of this version or one before.
///
/// # Errors
/// It is of a later one.
pub(super) fn read(text: &str) -> Result<Opened, serde_json::Error> {
    let mut row: Value = serde_json::from_str(text)?;
    let mut beside = |name| row.get_mut(name).map(Value::take).unwrap_or_default();
    let (asked, passed, who) = (beside(ASKED), beside(PASSED), beside(WHO));
    let from = beside(FROM);
    let mut opened: Opened = serde_json::from_value(row)?;
    opened.asked = serde_json::from_value(asked)?;
    opened.who = serde_json::from_value(who)?;
    opened.from = serde_json::from_value(from)?;
    if let Some(asked) = &mut opened.asked {
        asked.passed = serde_json::from_value(passed)?;
    }
    Ok(opened)
}

/// Every open request of a node, as it was written.
pub(super) async fn all(write: &mut Write, node: &Arc<str>) -> Result<Vec<String>, StoreError> {
    let all = query("SELECT record FROM open_requests WHERE node = ?");
    let rows = all.bind(Arc::clone(node)).fetch_all(write).await?;
    let texts: Result<_, sqlx::Error> = rows.iter().map(|row| row.try_get("record")).collect();
    Ok(texts?)
}
