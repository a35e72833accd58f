//! Connections, and what is run on them.

use sqlx::{Sqlite, SqlitePool};

use super::postgres::{ALONE, BETWEEN, Held, PgConnections};
use super::{Arguments, Query, Row, query, sqlite};

/// Connections to one database. Clones share them.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgConnections),
}

impl Pool {
    /// A transaction that writes. In SQLite nobody else writes until it ends;
    /// in PostgreSQL whoever writes other rows does.
    pub(crate) async fn write(&self) -> Result<Transaction, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => {
                let transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
                Ok(Transaction::Sqlite(transaction))
            }
            Self::Postgres(pool) => Ok(Transaction::Postgres(pool.begin("BEGIN").await?)),
        }
    }

    /// A transaction that reads and then writes by what it read: no other of
    /// its kind comes between, in this process or any other.
    pub(crate) async fn write_alone(&self) -> Result<Transaction, sqlx::Error> {
        let mut transaction = self.write().await?;
        if let Transaction::Postgres(_) = &transaction {
            query("SELECT pg_advisory_xact_lock(?)")
                .bind(ALONE)
                .execute(&mut transaction)
                .await?;
        }
        Ok(transaction)
    }

    /// A transaction that writes while others of its kind do, and while nobody
    /// [writes between](Self::write_between) them.
    pub(crate) async fn write_beside(&self) -> Result<Transaction, sqlx::Error> {
        let mut transaction = self.write().await?;
        if let Transaction::Postgres(_) = &transaction {
            query("SELECT pg_advisory_xact_lock_shared(?)")
                .bind(BETWEEN)
                .execute(&mut transaction)
                .await?;
        }
        Ok(transaction)
    }

    /// A transaction that waits until nobody [writes beside](Self::write_beside)
    /// others any more: it sees all that they have written, and numbers that the
    /// database has given are without gaps that fill later.
    pub(crate) async fn write_between(&self) -> Result<Transaction, sqlx::Error> {
        let mut transaction = self.write().await?;
        transaction.wait_for_others().await?;
        Ok(transaction)
    }

    /// A transaction that reads all that it reads as it was at one moment.
    pub(crate) async fn read(&self) -> Result<Transaction, sqlx::Error> {
        const ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        match self {
            Self::Sqlite(pool) => Ok(Transaction::Sqlite(pool.begin().await?)),
            Self::Postgres(pool) => Ok(Transaction::Postgres(pool.begin(ONE_MOMENT).await?)),
        }
    }

    /// Ends the connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropped before its end, nothing of it was.
#[derive(Debug)]
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(Held),
}

impl Transaction {
    /// Values for a statement that is run here.
    pub(crate) fn arguments(&self, count: usize) -> Arguments {
        match self {
            Self::Sqlite(_) => Arguments::sqlite(count),
            Self::Postgres(_) => Arguments::postgres(count),
        }
    }

    /// Waits until nobody [writes beside](Pool::write_beside) others any more, and
    /// keeps them waiting.
    pub(crate) async fn wait_for_others(&mut self) -> Result<(), sqlx::Error> {
        if let Self::Postgres(_) = self {
            query("SELECT pg_advisory_xact_lock(?)")
                .bind(BETWEEN)
                .execute(&mut *self)
                .await?;
        }
        Ok(())
    }

    /// Ends it: all of it is there.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(held) => held.commit().await,
        }
    }
}

/// Where a statement is run.
pub(crate) enum On<'a> {
    Pool(&'a Pool),
    Transaction(&'a mut Transaction),
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Transaction> for On<'a> {
    fn from(transaction: &'a mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

impl On<'_> {
    pub(super) async fn execute(self, query: Query) -> Result<u64, sqlx::Error> {
        match self {
            Self::Pool(Pool::Sqlite(pool)) => {
                sqlite::execute(&mut *pool.acquire().await?, query).await
            }
            Self::Transaction(Transaction::Sqlite(it)) => sqlite::execute(&mut *it, query).await,
            Self::Pool(Pool::Postgres(pool)) => {
                let mut held = pool.hold().await?;
                let done = held.execute(query).await?;
                held.release();
                Ok(done)
            }
            Self::Transaction(Transaction::Postgres(held)) => held.execute(query).await,
        }
    }

    pub(super) async fn fetch_all(self, query: Query) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::Pool(Pool::Sqlite(pool)) => {
                sqlite::fetch_all(&mut *pool.acquire().await?, query).await
            }
            Self::Transaction(Transaction::Sqlite(it)) => sqlite::fetch_all(&mut *it, query).await,
            Self::Pool(Pool::Postgres(pool)) => {
                let mut held = pool.hold().await?;
                let rows = held.fetch_all(query).await?;
                held.release();
                Ok(rows)
            }
            Self::Transaction(Transaction::Postgres(held)) => held.fetch_all(query).await,
        }
    }
}
