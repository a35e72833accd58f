//! What the audit log has of the store, and how far the store has the log: each row
//! says which record it is.

use domain::audit::{Entry, Logged, Strangers};

use super::requests::{Kept, LogPlace};
use super::rows::{signed, unsigned};
use super::{Store, StoreError, Write, changes};
use crate::sql::{Row, query};

/// Changes that one batch takes.
const CHANGES: i64 = 200;

/// A log, as the database knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogIndex {
    /// Its number here.
    pub log: i64,
    /// How many of its records stand here.
    pub size: u64,
}

/// Entries that a log has, in order.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The log, by its number here.
    pub log: i64,
    /// The number of the first entry's record.
    pub first: u64,
    /// The entries.
    pub entries: &'a [Entry],
}

impl Written<'_> {
    /// The entries with their places.
    fn placed(&self) -> impl Iterator<Item = (LogPlace, &Entry)> {
        let place = |record| LogPlace {
            log: self.log,
            record,
        };
        (self.first..).map(place).zip(self.entries)
    }

    /// The calls.
    pub(super) fn calls(&self) -> Vec<Kept<'_>> {
        let calls = self.placed().filter_map(|(place, entry)| match entry {
            Entry::Call(call) => Some(Kept {
                call,
                place: Some(place),
            }),
            _ => None,
        });
        calls.collect()
    }
}

/// Keeps what is no call, and how far the log is here.
pub(super) async fn note(write: &mut Write, written: &Written<'_>) -> Result<(), StoreError> {
    for (place, entry) in written.placed() {
        match entry {
            Entry::Change(logged) => take(write, place, logged).await?,
            Entry::Strangers(strangers) => count(write, place, strangers).await?,
            Entry::Call(_) | Entry::Start(_) => {}
        }
    }
    query("UPDATE audit_logs SET size = ? WHERE id = ?")
        .bind(signed(written.first + written.entries.len() as u64))
        .bind(written.log)
        .execute(write)
        .await?;
    Ok(())
}

async fn take(write: &mut Write, place: LogPlace, logged: &Logged) -> Result<(), StoreError> {
    query("UPDATE admin_changes SET audit_log = ?, audit_record = ? WHERE id = ?")
        .bind(place.log)
        .bind(signed(place.record))
        .bind(logged.id)
        .execute(write)
        .await?;
    Ok(())
}

async fn count(write: &mut Write, place: LogPlace, it: &Strangers) -> Result<(), StoreError> {
    query(
        "INSERT INTO audit_strangers (audit_log, audit_record, minute, source, reason, count) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(place.log)
    .bind(signed(place.record))
    .bind(it.minute.0)
    .bind(&it.source)
    .bind(&it.reason)
    .bind(signed(it.count))
    .execute(write)
    .await?;
    Ok(())
}

impl Store {
    /// The log of this origin; from now on the database knows it.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn audit_log(&self, origin: &str) -> Result<LogIndex, StoreError> {
        if let Some(known) = self.known_audit_log(origin).await? {
            return Ok(known);
        }
        let mut write = self.pool.write_alone().await?;
        query(
            "INSERT INTO audit_logs (id, origin, size) \
             VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM audit_logs), ?, 0) \
             ON CONFLICT (origin) DO NOTHING",
        )
        .bind(origin)
        .execute(&mut write)
        .await?;
        write.commit().await?;
        let known = self.known_audit_log(origin).await?;
        known.ok_or_else(|| StoreError::Unreadable {
            what: "an audit log's number",
            value: origin.to_owned(),
        })
    }

    /// The log of this origin, if the database knows it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn known_audit_log(&self, origin: &str) -> Result<Option<LogIndex>, StoreError> {
        let row = query("SELECT id, size FROM audit_logs WHERE origin = ?")
            .bind(origin)
            .fetch_optional(&self.pool)
            .await?;
        let index = |row: &Row| {
            Ok(LogIndex {
                log: row.try_get("id")?,
                size: unsigned(row.try_get("size")?),
            })
        };
        row.as_ref().map(index).transpose()
    }

    /// Requests that no log has.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn unlogged(&self) -> Result<u64, StoreError> {
        let count = query("SELECT COUNT(*) FROM requests WHERE audit_log IS NULL")
            .fetch_value::<i64>(&self.pool)
            .await?;
        Ok(unsigned(count.unwrap_or(0)))
    }

    /// Changes by people that no log has yet: from now on they are this one's, and
    /// handed out until it has them.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn changes_for(&self, log: i64) -> Result<Vec<Logged>, StoreError> {
        const FREE: &str =
            "SELECT COUNT(*) FROM admin_changes WHERE audit_record IS NULL AND audit_log IS NULL";
        let free = query(FREE).fetch_value::<i64>(&self.pool).await?;
        if free.is_some_and(|count| count > 0) {
            query(
                "UPDATE admin_changes SET audit_log = ? \
                 WHERE audit_record IS NULL AND audit_log IS NULL",
            )
            .bind(log)
            .execute(&self.pool)
            .await?;
        }
        let rows = query(
            "SELECT * FROM admin_changes WHERE audit_record IS NULL AND audit_log = ? \
             ORDER BY id LIMIT ?",
        )
        .bind(log)
        .bind(CHANGES)
        .fetch_all(&self.pool)
        .await?;
        let logged = |row: &Row| {
            Ok(Logged {
                id: row.try_get("id")?,
                change: changes::read(row)?,
            })
        };
        rows.iter().map(logged).collect()
    }
}
