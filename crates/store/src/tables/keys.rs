//! Virtual keys.

use domain::ids::{KeyId, TenantId};
use domain::principal::{Limits, Principal};
use domain::time::UnixMicros;

use super::rows::{signed, unsigned};
use super::{Store, StoreError, Write};
use crate::sql::{Row, query};

/// What the counter of changes to keys is called.
const CHANGES: &str = "keys";

/// A virtual key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Whose, and what it may do.
    pub principal: Principal,
    /// The keyed hash that it is looked up by.
    pub digest: [u8; 32],
    /// When it was made.
    pub created: UnixMicros,
}

impl Store {
    /// Keeps a new key.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] if a key of this name was valid when the new
    /// one was made; or the database would not write.
    pub async fn add_key(&self, key: &StoredKey) -> Result<(), StoreError> {
        let mut write = self.pool.write_alone().await?;
        let other = keys_of(
            &mut write,
            "SELECT * FROM keys WHERE name = ?",
            &key.principal.name,
        )
        .await?;
        if let Some(other) = other.iter().find(|k| k.principal.is_valid(key.created)) {
            return Err(StoreError::NameTaken(other.principal.key.clone()));
        }
        insert(&mut write, key).await?;
        count_change(&mut write).await?;
        Ok(write.commit().await?)
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let rows = query("SELECT * FROM keys ORDER BY created_at, id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Revokes the valid key of this id or name; `None` if there is none.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn revoke_key(
        &self,
        id_or_name: &str,
        at: UnixMicros,
    ) -> Result<Option<KeyId>, StoreError> {
        let mut write = self.pool.write_alone().await?;
        let found = keys_of(
            &mut write,
            "SELECT * FROM keys WHERE ? IN (id, name)",
            id_or_name,
        )
        .await?;
        let Some(key) = found.iter().find(|k| k.principal.is_valid(at)) else {
            return Ok(None);
        };
        query("UPDATE keys SET revoked_at = ? WHERE id = ?")
            .bind(at.0)
            .bind(key.principal.key.as_str())
            .execute(&mut write)
            .await?;
        count_change(&mut write).await?;
        write.commit().await?;
        Ok(Some(key.principal.key.clone()))
    }

    /// Notes which install secret the keys are made with. `false` if valid
    /// keys stand here that another one made: under this one, none of them
    /// would be found.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn claim(&self, fingerprint: [u8; 32], now: UnixMicros) -> Result<bool, StoreError> {
        const KNOWN: &str = "SELECT fingerprint FROM install";
        // The usual case takes no lock: a start waits for no other writer.
        let known: Option<Vec<u8>> = query(KNOWN).fetch_value(&self.pool).await?;
        if known.as_deref() == Some(fingerprint.as_slice()) {
            return Ok(true);
        }
        let mut write = self.pool.write_alone().await?;
        let known: Option<Vec<u8>> = query(KNOWN).fetch_value(&mut write).await?;
        if known.as_deref() == Some(fingerprint.as_slice()) {
            return Ok(true);
        }
        if known.is_some() {
            let keys = query("SELECT * FROM keys").fetch_all(&mut write).await?;
            for row in &keys {
                if read(row)?.principal.is_valid(now) {
                    return Ok(false);
                }
            }
        }
        query(
            "INSERT INTO install (id, fingerprint) VALUES (1, ?) \
             ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint",
        )
        .bind(fingerprint.as_slice())
        .execute(&mut write)
        .await?;
        write.commit().await?;
        Ok(true)
    }

    /// Another number whenever keys were changed, by whatever process.
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
}

async fn keys_of(
    write: &mut Write,
    sql: &'static str,
    value: &str,
) -> Result<Vec<StoredKey>, StoreError> {
    let rows = query(sql).bind(value).fetch_all(&mut *write).await?;
    rows.iter().map(read).collect()
}

async fn insert(write: &mut Write, key: &StoredKey) -> Result<(), StoreError> {
    let p = &key.principal;
    let models = p.models.as_ref().map(|m| serde_json::json!(m).to_string());
    query(
        "INSERT INTO keys (id, tenant, name, digest, created_at, expires_at, revoked_at, models, \
         requests_per_minute, tokens_per_minute, parallel_requests) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(p.key.as_str())
    .bind(p.tenant.as_str())
    .bind(&p.name)
    .bind(key.digest.as_slice())
    .bind(key.created.0)
    .bind(p.expires.map(|at| at.0))
    .bind(p.revoked.map(|at| at.0))
    .bind(models)
    .bind(p.limits.requests_per_minute.map(signed))
    .bind(p.limits.tokens_per_minute.map(signed))
    .bind(p.limits.parallel_requests.map(signed))
    .execute(&mut *write)
    .await?;
    Ok(())
}

async fn count_change(write: &mut Write) -> Result<(), StoreError> {
    query(
        "INSERT INTO changes (what, count) VALUES (?, 1) \
         ON CONFLICT (what) DO UPDATE SET count = changes.count + 1",
    )
    .bind(CHANGES)
    .execute(&mut *write)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<StoredKey, StoreError> {
    let models: Option<String> = row.try_get("models")?;
    let models = models
        .map(|text| {
            serde_json::from_str(&text).map_err(|_| StoreError::Unreadable {
                what: "a key's models",
                value: text,
            })
        })
        .transpose()?;
    let digest: Vec<u8> = row.try_get("digest")?;
    let digest = <[u8; 32]>::try_from(digest).map_err(|bytes| StoreError::Unreadable {
        what: "a key's digest",
        value: format!("{} bytes", bytes.len()),
    })?;
    let moment = |name| row.try_get::<Option<i64>>(name);
    let limit = |name| moment(name).map(|n| n.map(unsigned));
    Ok(StoredKey {
        principal: Principal {
            key: KeyId::from(row.try_get::<String>("id")?.as_str()),
            tenant: TenantId::from(row.try_get::<String>("tenant")?.as_str()),
            name: row.try_get("name")?,
            expires: moment("expires_at")?.map(UnixMicros),
            revoked: moment("revoked_at")?.map(UnixMicros),
            models,
            limits: Limits {
                requests_per_minute: limit("requests_per_minute")?,
                tokens_per_minute: limit("tokens_per_minute")?,
                parallel_requests: limit("parallel_requests")?,
            },
        },
        digest,
        created: UnixMicros(row.try_get("created_at")?),
    })
}
