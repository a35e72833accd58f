//! Virtual keys, and the hashes that they are looked up by.

use std::collections::HashMap;

use domain::ids::{KeyId, PartyId};
use domain::snapshot::KeyDigest;
use domain::time::UnixMicros;
use domain::virtual_key::VirtualKey;

use crate::sql::{Row, query};

use super::parties::terms;
use super::{Change, Store, StoreError};

/// A virtual key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Whose, and what it may do.
    pub key: VirtualKey,
    /// The keyed hashes that it is looked up by: two while it is rotated.
    pub secrets: Vec<KeySecret>,
}

/// A keyed hash that a key is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySecret {
    /// The hash.
    pub digest: KeyDigest,
    /// When it was made.
    pub created: UnixMicros,
    /// When it finds the key no more, before the key itself ends.
    pub expires: Option<UnixMicros>,
}

/// All keys, oldest first.
const ALL: &str = "SELECT * FROM keys ORDER BY created_at, id";
/// All hashes, oldest first.
const SECRETS: &str = "SELECT * FROM key_secrets ORDER BY created_at, digest";

impl Store {
    /// All keys, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        // One moment of both tables.
        let mut read = self.pool.read().await?;
        let keys = query(ALL).fetch_all(&mut read).await?;
        let secrets = query(SECRETS).fetch_all(&mut read).await?;
        joined(&keys, &secrets)
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
            let keys = query(ALL).fetch_all(&mut write).await?;
            for row in &keys {
                if read(row)?.is_valid(now) {
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
}

impl Change {
    /// All keys as they are in this change.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let keys = query(ALL).fetch_all(&mut self.write).await?;
        let secrets = query(SECRETS).fetch_all(&mut self.write).await?;
        joined(&keys, &secrets)
    }

    /// Keeps a key; one of its id is replaced. Its hashes are those of before.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn put_key(&mut self, key: &VirtualKey) -> Result<(), StoreError> {
        query(
            "INSERT INTO keys (id, owner, name, terms, created_at, expires_at, revoked_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET \
             owner = excluded.owner, name = excluded.name, terms = excluded.terms, \
             expires_at = excluded.expires_at, revoked_at = excluded.revoked_at",
        )
        .bind(key.id.as_str())
        .bind(key.owner.as_str())
        .bind(&key.name)
        .bind(serde_json::json!(key.terms).to_string())
        .bind(key.created.0)
        .bind(key.expires.map(|at| at.0))
        .bind(key.revoked.map(|at| at.0))
        .execute(&mut self.write)
        .await?;
        Ok(())
    }

    /// Gives a key a further hash that it is looked up by.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn add_secret(&mut self, key: &KeyId, secret: &KeySecret) -> Result<(), StoreError> {
        query(
            "INSERT INTO key_secrets (digest, key_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        )
        .bind(secret.digest.as_slice())
        .bind(key.as_str())
        .bind(secret.created.0)
        .bind(secret.expires.map(|at| at.0))
        .execute(&mut self.write)
        .await?;
        Ok(())
    }

    /// The hashes that a key has find it until then, and no longer. One that
    /// ends before stays as it is.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn end_secrets(&mut self, key: &KeyId, at: UnixMicros) -> Result<(), StoreError> {
        query(
            "UPDATE key_secrets SET expires_at = ? \
             WHERE key_id = ? AND (expires_at IS NULL OR expires_at > ?)",
        )
        .bind(at.0)
        .bind(key.as_str())
        .bind(at.0)
        .execute(&mut self.write)
        .await?;
        Ok(())
    }
}

fn joined(keys: &[Row], secrets: &[Row]) -> Result<Vec<StoredKey>, StoreError> {
    let mut by_key: HashMap<String, Vec<KeySecret>> = HashMap::new();
    for row in secrets {
        let key = row.try_get("key_id")?;
        by_key.entry(key).or_default().push(secret(row)?);
    }
    let with_its_own = |row| {
        let key = read(row)?;
        let secrets = by_key.remove(key.id.as_str()).unwrap_or_default();
        Ok(StoredKey { key, secrets })
    };
    keys.iter().map(with_its_own).collect()
}

fn secret(row: &Row) -> Result<KeySecret, StoreError> {
    let digest: Vec<u8> = row.try_get("digest")?;
    let digest = KeyDigest::try_from(digest).map_err(|bytes| StoreError::Unreadable {
        what: "a key's digest",
        value: format!("{} bytes", bytes.len()),
    })?;
    Ok(KeySecret {
        digest,
        created: UnixMicros(row.try_get("created_at")?),
        expires: row.try_get::<Option<i64>>("expires_at")?.map(UnixMicros),
    })
}

fn read(row: &Row) -> Result<VirtualKey, StoreError> {
    let moment = |name| row.try_get::<Option<i64>>(name);
    Ok(VirtualKey {
        id: KeyId::from(row.try_get::<String>("id")?.as_str()),
        name: row.try_get("name")?,
        owner: PartyId::from(row.try_get::<String>("owner")?.as_str()),
        created: UnixMicros(row.try_get("created_at")?),
        expires: moment("expires_at")?.map(UnixMicros),
        revoked: moment("revoked_at")?.map(UnixMicros),
        terms: terms(row, "a key's terms")?,
    })
}
