//! The state of the books: how far they are summed up, up to when rows may have been
//! deleted, up to when they are closed.

use domain::time::UnixMicros;

use super::rollups::{QUARTER, TIME};
use super::{Change, Store, StoreError, Write};
use crate::sql::{built, query};

/// Rows that are deleted in one transaction: others want to write too.
const HEAP: i64 = 2048;

/// How late rows come that are deleted with those of their time, in microseconds.
const LATE: i64 = 2 * 96 * QUARTER;

/// The state of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// The number of the last row that is in the sums.
    pub(super) rolled_up: i64,
    /// Requests that came before may be there no more: sums tell of them, by whole
    /// quarters of an hour.
    pub pruned_until: UnixMicros,
    /// What is told of the time before does not change any more.
    pub locked_until: UnixMicros,
}

/// The one row.
pub(super) async fn read(write: &mut Write) -> Result<Books, StoreError> {
    let rows = query("SELECT rolled_up, pruned_until, locked_until FROM books");
    let row = rows.fetch_optional(write).await?;
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Books {
        rolled_up: row.try_get("rolled_up")?,
        pruned_until: UnixMicros(row.try_get("pruned_until")?),
        locked_until: UnixMicros(row.try_get("locked_until")?),
    })
}

/// Up to when the books are closed.
pub(super) async fn locked_until(write: &mut Write) -> Result<UnixMicros, StoreError> {
    let locked = query("SELECT locked_until FROM books");
    let locked: Option<i64> = locked.fetch_value(write).await?;
    Ok(UnixMicros(locked.unwrap_or(0)))
}

impl Store {
    /// The state of the books.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn books(&self) -> Result<Books, StoreError> {
        read(&mut self.pool.read().await?).await
    }

    /// Deletes some of the rows that came before a time and are in the sums; says
    /// whether there may be more.
    ///
    /// # Errors
    /// The database would not write; nothing was deleted.
    pub async fn prune(&self, before: UnixMicros) -> Result<bool, StoreError> {
        self.read_only.noted(self.pruned(before).await)
    }

    async fn pruned(&self, before: UnixMicros) -> Result<bool, StoreError> {
        let before = before.0 - before.0.rem_euclid(QUARTER);
        let mut write = self.ledger.write_between().await?;
        // The last row stays: numbers go on from it.
        // What came long before the last time is gone, but for what came late.
        let since = read(&mut write).await?.pruned_until.0 - LATE;
        let upto = "SELECT MAX(r.last_seq) FROM rollups r \
                    WHERE r.span = ? AND r.start >= ? AND r.start < ?";
        let upto = query(upto).bind(QUARTER).bind(since).bind(before);
        let upto: Option<i64> = upto.fetch_value::<Option<i64>>(&mut write).await?.flatten();
        let Some(upto) = upto else {
            return Ok(false);
        };
        let delete = format!(
            "DELETE FROM requests WHERE seq IN (SELECT r.seq FROM requests r WHERE r.seq <= ? \
             AND r.seq < (SELECT MAX(seq) FROM requests) AND {TIME} < ? ORDER BY r.seq LIMIT ?)"
        );
        let delete = built(delete).bind(upto).bind(before).bind(HEAP);
        let gone = delete.execute(&mut write).await?;
        if gone == 0 {
            return Ok(false);
        }
        query("UPDATE books SET pruned_until = ? WHERE pruned_until < ?")
            .bind(before)
            .bind(before)
            .execute(&mut write)
            .await?;
        write.commit().await?;
        Ok(gone == HEAP as u64)
    }
}

impl Change {
    /// The state of the books, which nobody changes until this change has ended:
    /// what is being carried is there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn books(&mut self) -> Result<Books, StoreError> {
        self.write.wait_for_others().await?;
        read(&mut self.write).await
    }

    /// Closes the books: requests that came before `until` and are carried from now
    /// on count from `until`.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn lock_books(&mut self, until: UnixMicros) -> Result<(), StoreError> {
        self.write.wait_for_others().await?;
        query("UPDATE books SET locked_until = ?")
            .bind(until.0)
            .execute(&mut self.write)
            .await?;
        Ok(())
    }
}
