//! What is kept, table by table: in SQLite's file, or on a PostgreSQL server.
//! Another process (the command line) may have either open too.

mod audit;
mod audited;
mod books;
mod carry;
mod changes;
mod error;
mod events;
mod file;
mod keys;
mod migrations;
mod open_requests;
mod parties;
mod report;
mod repriced;
mod requests;
mod rollups;
mod rows;
mod running_turns;
mod server;
mod snapshot;
mod spent;
mod sums;
mod turns;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use self::file::{Place, ReadOnly, connections, keep_private};
use self::rows::unsigned;
use crate::sql::{Pool, Row, Transaction, query};

pub use audit::{LogIndex, Written};
pub use audited::{Difference, Hit, LoggedCalls, Search};
pub use books::Books;
pub use changes::Change;
pub use domain::audit::AdminChange;
pub use error::StoreError;
pub use events::{Event, Unsent};
pub use keys::{KeySecret, StoredKey};
pub use report::{Dimension, Report, Sum};
pub use repriced::Alike;
pub use requests::LogPlace;
pub use server::Server;
pub use snapshot::check_file;
pub use spent::Spent;

/// What everything is written in.
type Write = Transaction;

/// Pages in the write-ahead log before they go into the database: 8 MB, which
/// a start after a crash reads in a few milliseconds.
const CHECKPOINT_PAGES: &str = "2000";
/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    /// One connection of its own for what the journal hands over: the pages
    /// that it writes to next are those that it wrote to last.
    ledger: Pool,
    read_only: ReadOnly,
    /// Which of the gateways that share the database this is; nothing if none
    /// does.
    node: Arc<str>,
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
            pool: Pool::Sqlite(pool),
            ledger: Pool::Sqlite(ledger),
            read_only,
            node: "".into(),
            conflicts: Arc::default(),
            place: Some(Arc::new(place)),
        };
        store.migrated().await
    }

    /// Connects to a server, and brings its database to this version. Of the
    /// gateways that share it, `node` names this one, for ever: what another one
    /// has open is not ended here.
    ///
    /// # Errors
    /// It cannot be reached within its deadline, or not be migrated.
    pub async fn open_server(server: &Server, node: &str) -> Result<Self, StoreError> {
        let [pool, ledger] = server.connect()?;
        let store = Self {
            pool: Pool::Postgres(pool),
            ledger: Pool::Postgres(ledger),
            read_only: ReadOnly::default(),
            node: node.into(),
            conflicts: Arc::default(),
            place: None,
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
            ledger: Pool::Sqlite(pool.clone()),
            pool: Pool::Sqlite(pool),
            read_only: ReadOnly::default(),
            node: "".into(),
            conflicts: Arc::default(),
            place: None,
        };
        store.migrated().await
    }

    async fn migrated(self) -> Result<Self, StoreError> {
        migrations::run(&self.pool).await?;
        Ok(self)
    }

    /// Whether what was written is where a later process will look for it:
    /// SQLite goes on writing into a file that somebody removed.
    fn is_in_place(&self) -> bool {
        self.place.as_ref().is_none_or(|place| place.holds())
    }

    /// Up to where each segment of this gateway's journal is in the database.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn marks(&self) -> Result<HashMap<String, u64>, StoreError> {
        let marks = query("SELECT segment, mark FROM marks WHERE node = ?");
        let rows = marks.bind(&*self.node).fetch_all(&self.pool).await?;
        let mark = |row: &Row| Ok((row.try_get("segment")?, unsigned(row.try_get("mark")?)));
        rows.iter().map(mark).collect()
    }

    /// Ends the connections; what is committed is in the file.
    pub async fn close(&self) {
        self.ledger.close().await;
        self.pool.close().await;
    }
}
