//! What can go wrong with the database.

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database would not do it.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The database is damaged, or was changed by hand.
    #[error("the database cannot be brought to this version: {0}")]
    Migration(sqlx::migrate::MigrateError),
    /// A step towards a version was begun and not ended.
    #[error(
        "the database is half way to its version {0}: what was begun there did not end; \
         restore it from a backup of before"
    )]
    Half(i64),
    /// A later version of Portcullis has the database.
    #[error(
        "the database is of a later Portcullis, its version {0} is not known here; use that one"
    )]
    Newer(i64),
    /// The file is not there any more, or another one is.
    #[error("the database file was removed or replaced; put it back, or restart")]
    Gone,
    /// What a file says cannot be trusted.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// What only the server itself can do.
    #[error("the database is a server's; copy it with `pg_dump`")]
    Elsewhere,
    /// The address of the server says nothing that is understood.
    #[error("this is no address of a PostgreSQL server: {0}")]
    Address(String),
    /// A row that this version did not write.
    #[error("the database holds {what} that cannot be read: {value}")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Dirty, VersionMissing};
        match error {
            Dirty(version) => Self::Half(version),
            VersionMissing(version) => Self::Newer(version),
            other => Self::Migration(other),
        }
    }
}

impl StoreError {
    /// Whether another process has the database locked: a moment later it may
    /// not be any more.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        // SQLITE_BUSY and SQLITE_LOCKED.
        matches!(self.database().and_then(sqlite_code), Some(5 | 6))
    }

    /// Whether the server is away, or not ready yet.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self.database() {
            Some(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) => true,
            Some(error) => matches!(
                postgres_code(error),
                // It starts, ends, or has no connection left; or went away.
                Some("57P01" | "57P02" | "57P03" | "53300" | "08000" | "08003" | "08006")
            ),
            None => false,
        }
    }

    /// Whether the database can be read and not written.
    pub(super) fn is_read_only(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        // SQLITE_READONLY; or a server that another one was put before.
        sqlite_code(error) == Some(8) || postgres_code(error) == Some("25006")
    }

    fn database(&self) -> Option<&sqlx::Error> {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match self {
            Self::Database(error)
            | Self::Migration(Execute(error) | ExecuteMigration(error, _)) => Some(error),
            _ => None,
        }
    }
}

/// SQLite's number of an error, without the detail above it.
fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?;
    let error = error.try_downcast_ref::<SqliteError>()?;
    let code = sqlx::error::DatabaseError::code(error)?;
    Some(code.parse::<u32>().ok()? & 0xff)
}

/// PostgreSQL's five characters of an error.
fn postgres_code(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<PgDatabaseError>()?.code())
}
