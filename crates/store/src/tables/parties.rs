//! Tenants, teams, apps and users.

use domain::ids::PartyId;
use domain::party::Party;
use domain::terms::Terms;
use domain::time::UnixMicros;

use crate::sql::{Row, query};

use super::{Change, Store, StoreError};

/// All parties, oldest first.
const ALL: &str = "SELECT * FROM parties ORDER BY created_at, id";

impl Store {
    /// All parties, oldest first; revoked ones too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn parties(&self) -> Result<Vec<Party>, StoreError> {
        let rows = query(ALL).fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }
}

impl Change {
    /// All parties as they are in this change.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn parties(&mut self) -> Result<Vec<Party>, StoreError> {
        let rows = query(ALL).fetch_all(&mut self.write).await?;
        rows.iter().map(read).collect()
    }

    /// Keeps a party; one of its id is replaced.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn put_party(&mut self, party: &Party) -> Result<(), StoreError> {
        query(
            "INSERT INTO parties (id, level, name, parent, terms, created_at, revoked_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET \
             name = excluded.name, parent = excluded.parent, terms = excluded.terms, \
             revoked_at = excluded.revoked_at",
        )
        .bind(party.id.as_str())
        .bind(party.level.as_str())
        .bind(&party.name)
        .bind(party.parent.as_ref().map(PartyId::as_str))
        .bind(serde_json::json!(party.terms).to_string())
        .bind(party.created.0)
        .bind(party.revoked.map(|at| at.0))
        .execute(&mut self.write)
        .await?;
        Ok(())
    }
}

fn read(row: &Row) -> Result<Party, StoreError> {
    let level: String = row.try_get("level")?;
    let parent: Option<String> = row.try_get("parent")?;
    Ok(Party {
        id: PartyId::from(row.try_get::<String>("id")?.as_str()),
        level: level.parse().map_err(|_| StoreError::Unreadable {
            what: "a party's level",
            value: level,
        })?,
        name: row.try_get("name")?,
        parent: parent.map(|id| PartyId::from(id.as_str())),
        terms: terms(row, "a party's terms")?,
        created: UnixMicros(row.try_get("created_at")?),
        revoked: row.try_get::<Option<i64>>("revoked_at")?.map(UnixMicros),
    })
}

/// The terms of a row.
pub(super) fn terms(row: &Row, what: &'static str) -> Result<Terms, StoreError> {
    let text: String = row.try_get("terms")?;
    serde_json::from_str(&text).map_err(|_| StoreError::Unreadable { what, value: text })
}
