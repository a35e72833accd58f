//! A copy of the database, as it is at one moment, while others go on writing.

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::file::keep_private;
use super::{Store, StoreError};
use crate::sql::{Pool, query};

impl Store {
    /// Writes a copy into a file that is not there yet; only its owner may read it.
    ///
    /// # Errors
    /// The database is a server's, the file is there, or cannot be written.
    pub async fn snapshot(&self, file: &Path) -> Result<(), StoreError> {
        if let Pool::Postgres(_) = &self.pool {
            return Err(StoreError::Elsewhere);
        }
        query("VACUUM INTO ?")
            .bind(file.to_string_lossy().into_owned())
            .execute(&self.pool)
            .await?;
        keep_private(file).map_err(sqlx::Error::Io)?;
        Ok(())
    }
}

/// Whether a file holds a sound database of Portcullis.
///
/// # Errors
/// It does not, or cannot be read.
pub async fn check_file(file: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.connect().await?;
    let said: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await?;
    if said != "ok" {
        return Err(StoreError::Damaged(said));
    }
    let ours = "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('requests', '_sqlx_migrations')";
    let tables: i64 = sqlx::query_scalar(ours).fetch_one(&mut connection).await?;
    match tables {
        2 => Ok(()),
        _ => Err(StoreError::Damaged(
            "it is no database of Portcullis".to_owned(),
        )),
    }
}
