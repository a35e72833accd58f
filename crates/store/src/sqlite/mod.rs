//! One SQLite file. Another process (the command line) may have it open too.

mod carry;
mod keys;
mod rows;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use domain::ids::KeyId;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqlitePool, Transaction};

pub use keys::StoredKey;

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);
/// The migrations, by version. One that was released never changes again.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "first",
        include_str!("../../migrations/sqlite/0001_first.sql"),
    ),
    (
        2,
        "install",
        include_str!("../../migrations/sqlite/0002_install.sql"),
    ),
];

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database would not do it.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The file is of a newer version, or damaged.
    #[error("the database cannot be brought to this version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A valid key has this name already.
    #[error("a valid key has this name already: {0}")]
    NameTaken(KeyId),
    /// A row that this version did not write.
    #[error("the database holds {what} that cannot be read: {value}")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the file, makes it if it is not there, and brings it to this
    /// version. Only its owner may read it.
    ///
    /// # Errors
    /// The file cannot be opened or migrated.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        keep_private(file).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // The journal is deleted once the store says that it has it.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .max_connections(3)
            // On a full disk SQLite ends a transaction by itself, and the
            // connection goes on believing that it is in one: for ever.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options)
            .await?;
        Self::migrated(pool).await
    }

    /// A database that ends with the process, for tests and dry runs.
    ///
    /// # Errors
    /// It cannot be migrated.
    pub async fn open_memory() -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(SqliteConnectOptions::new().in_memory(true))
            .await?;
        Self::migrated(pool).await
    }

    async fn migrated(pool: SqlitePool) -> Result<Self, StoreError> {
        let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                sqlx::SqlStr::from_static(sql),
                false,
            )
        });
        Migrator::with_migrations(migrations.collect())
            .run(&pool)
            .await?;
        Ok(Self { pool })
    }

    /// A transaction that no other writer can come before.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Up to where each segment of the journal is in the database.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn marks(&self) -> Result<HashMap<String, u64>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT segment, mark FROM marks")
            .fetch_all(&self.pool)
            .await?;
        let marks = rows.into_iter();
        Ok(marks
            .map(|(segment, mark)| (segment, rows::unsigned(mark)))
            .collect())
    }

    /// Ends the connections; what is committed is in the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Makes the file, or closes it to others. SQLite gives the files that it
/// makes beside it the same mode.
fn keep_private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}
