//! One SQLite file. Another process (the command line) may have it open too.

mod carry;
mod changes;
mod keys;
mod open_requests;
mod parties;
mod requests;
mod rows;
mod running_turns;
mod turns;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqlitePool, Transaction};

pub use changes::{AdminChange, Change};
pub use keys::{KeySecret, StoredKey};

/// What everything is written in.
type Write = Transaction<'static, Sqlite>;

/// Pages in the write-ahead log before they go into the database: 8 MB, which
/// a start after a crash reads in a few milliseconds.
const CHECKPOINT_PAGES: &str = "2000";
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
    (
        3,
        "ledger indices",
        include_str!("../../migrations/sqlite/0003_ledger_indices.sql"),
    ),
    (
        4,
        "turns",
        include_str!("../../migrations/sqlite/0004_turns.sql"),
    ),
    (
        5,
        "cache write 1h",
        include_str!("../../migrations/sqlite/0005_cache_write_1h.sql"),
    ),
    (
        6,
        "passed",
        include_str!("../../migrations/sqlite/0006_passed.sql"),
    ),
    (
        7,
        "background",
        include_str!("../../migrations/sqlite/0007_background.sql"),
    ),
    (
        8,
        "parties",
        include_str!("../../migrations/sqlite/0008_parties.sql"),
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
    /// The file is not there any more, or another one is.
    #[error("the database file was removed or replaced; put it back, or restart")]
    Gone,
    /// A row that this version did not write.
    #[error("the database holds {what} that cannot be read: {value}")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

impl StoreError {
    /// Whether another process has the database locked: a moment later it may
    /// not be any more.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        let error = match self {
            Self::Database(error) => error,
            Self::Migration(Execute(error) | ExecuteMigration(error, _)) => error,
            _ => return false,
        };
        // SQLITE_BUSY and SQLITE_LOCKED.
        matches!(code(error), Some(5 | 6))
    }
}

/// `SQLITE_READONLY`.
const READONLY: u32 = 8;

/// SQLite's number of an error, without the detail above it.
fn code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<u32>().ok()? & 0xff)
}

/// When a connection could last read and not write. One that was opened while
/// the file could not be written never writes again, whatever becomes of the
/// file: those of before then are not used any more.
#[derive(Clone, Debug, Default)]
struct ReadOnly(Arc<Mutex<Option<Instant>>>);

impl ReadOnly {
    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection of this age may be used.
    fn allows(&self, age: Duration) -> bool {
        self.last().is_none_or(|last| last.elapsed() > age)
    }

    /// Takes note of what became of writing.
    fn noted<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Database(error)) = &done
            && code(error) == Some(READONLY)
        {
            *self.last() = Some(Instant::now());
        }
        done
    }
}

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    /// One connection of its own for what the journal hands over: the pages
    /// that it writes to next are those that it wrote to last.
    ledger: SqlitePool,
    read_only: ReadOnly,
    /// Records that came with another content than what stands there.
    conflicts: Arc<AtomicU64>,
    /// Where the file was when it was opened; `None` in memory.
    place: Option<Arc<Place>>,
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
            // It is there since a moment. Where it was removed later, another
            // connection must not begin an empty one.
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // The journal is deleted once the store says that it has it.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let read_only = ReadOnly::default();
        let pool = connections(3, &read_only);
        let pool = pool.connect_with(options.clone()).await?;
        // Not before there is something to write. A checkpoint writes each
        // page once, however often it changed since the last: at a thousand
        // requests a second, now one in half a minute.
        let ledger = connections(1, &read_only)
            .connect_lazy_with(options.pragma("wal_autocheckpoint", CHECKPOINT_PAGES));
        let place = Place::of(file).map_err(sqlx::Error::Io)?;
        let store = Self {
            pool,
            ledger,
            read_only,
            conflicts: Arc::default(),
            place: Some(Arc::new(place)),
        };
        store.migrated().await
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
        let store = Self {
            ledger: pool.clone(),
            pool,
            read_only: ReadOnly::default(),
            conflicts: Arc::default(),
            place: None,
        };
        store.migrated().await
    }

    async fn migrated(self) -> Result<Self, StoreError> {
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
            .run(&self.pool)
            .await?;
        Ok(self)
    }

    /// Whether what was written is where a later process will look for it:
    /// SQLite goes on writing into a file that somebody removed.
    fn is_in_place(&self) -> bool {
        self.place.as_ref().is_none_or(|place| place.holds())
    }

    /// A transaction that no other writer can come before.
    async fn write(&self) -> Result<Write, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// The same, for what the journal hands over.
    async fn write_ledger(&self) -> Result<Write, StoreError> {
        Ok(self.ledger.begin_with("BEGIN IMMEDIATE").await?)
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
        self.ledger.close().await;
        self.pool.close().await;
    }
}

fn connections(most: u32, read_only: &ReadOnly) -> SqlitePoolOptions {
    let read_only = read_only.clone();
    SqlitePoolOptions::new()
        .max_connections(most)
        // On a full disk SQLite ends a transaction by itself, and the
        // connection goes on believing that it is in one: for ever.
        .before_acquire(move |connection, about| {
            let is_well = !connection.is_in_transaction() && read_only.allows(about.age);
            Box::pin(async move { Ok(is_well) })
        })
}

/// A file by its path and by itself.
#[derive(Debug)]
struct Place {
    file: PathBuf,
    id: (u64, u64),
}

impl Place {
    fn of(file: &Path) -> std::io::Result<Self> {
        Ok(Self {
            file: file.to_path_buf(),
            id: id_of(file)?,
        })
    }

    fn holds(&self) -> bool {
        id_of(&self.file).is_ok_and(|id| id == self.id)
    }
}

/// Device and number of a file.
#[cfg(unix)]
fn id_of(file: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(file)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn id_of(_: &Path) -> std::io::Result<(u64, u64)> {
    Ok((0, 0))
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
