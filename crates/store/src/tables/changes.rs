//! What people change: one transaction, and in it the record of who changed
//! what.

use domain::audit::AdminChange;
use domain::ids::TenantId;
use domain::time::UnixMicros;

use crate::sql::{Row, query};

use super::{Store, StoreError, Write};

/// What the counter of changes to parties and keys is called.
const CHANGES: &str = "keys";

/// A change that nobody else's comes between. Dropped, nothing of it was.
#[derive(Debug)]
pub struct Change {
    pub(super) write: Write,
}

impl Store {
    /// Begins a change.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn change(&self) -> Result<Change, StoreError> {
        let write = self.pool.write_alone().await?;
        Ok(Change { write })
    }

    /// Another number whenever parties or keys were changed, by whatever process.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn change_mark(&self) -> Result<i64, StoreError> {
        let count: Option<i64> = query("SELECT count FROM changes WHERE what = ?")
            .bind(CHANGES)
            .fetch_value(&self.pool)
            .await?;
        Ok(count.unwrap_or(0))
    }

    /// What people changed, the latest first, so many at most.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn admin_changes(&self, most: u32) -> Result<Vec<AdminChange>, StoreError> {
        let rows = query("SELECT * FROM admin_changes ORDER BY id DESC LIMIT ?")
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }
}

impl Change {
    /// Ends the change: it is there, and the record of it too.
    ///
    /// # Errors
    /// The database would not write; nothing was changed.
    pub async fn commit(mut self, record: &AdminChange) -> Result<(), StoreError> {
        self.note(record).await?;
        query(
            "INSERT INTO changes (what, count) VALUES (?, 1) \
             ON CONFLICT (what) DO UPDATE SET count = changes.count + 1",
        )
        .bind(CHANGES)
        .execute(&mut self.write)
        .await?;
        Ok(self.write.commit().await?)
    }

    /// Adds the record of one object, where several are changed together.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn note(&mut self, record: &AdminChange) -> Result<(), StoreError> {
        query(
            "INSERT INTO admin_changes (at, actor, action, object, tenant, before, after) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(record.at.0)
        .bind(&record.actor)
        .bind(&record.action)
        .bind(&record.object)
        .bind(record.tenant.as_str())
        .bind(&record.before)
        .bind(&record.after)
        .execute(&mut self.write)
        .await?;
        Ok(())
    }
}

pub(super) fn read(row: &Row) -> Result<AdminChange, StoreError> {
    Ok(AdminChange {
        at: UnixMicros(row.try_get("at")?),
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        object: row.try_get("object")?,
        tenant: TenantId::from(row.try_get::<String>("tenant")?.as_str()),
        before: row.try_get("before")?,
        after: row.try_get("after")?,
    })
}
