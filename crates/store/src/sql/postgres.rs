//! Connections to PostgreSQL. A server that is away, or that is there and says
//! nothing, is an error within a deadline; a connection on which anything went
//! wrong is not used again.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, Postgres};

use super::{Query, Row};

/// Which lock the database keeps for who reads and then writes: one of many
/// that other programs may ask for in the same database.
pub(super) const ALONE: i64 = 0x706f_7274_6375_6c6c;
/// The lock of who writes rows that are numbered, and of who reads up to a number.
pub(super) const BETWEEN: i64 = ALONE + 1;

/// Connections. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct PgConnections {
    pool: PgPool,
    connect_timeout: Duration,
    deadline: Duration,
}

impl PgConnections {
    /// So many connections at most. None is made before somebody wants one.
    pub(crate) fn new(
        options: PgConnectOptions,
        most: u32,
        connect_timeout: Duration,
        statement_timeout: Duration,
    ) -> Self {
        // What nobody waits for any more the server need not go on with. And what it
        // says it has, the journal forgets: it has to be there after a crash.
        let set = format!(
            "SET statement_timeout = {0}; SET idle_in_transaction_session_timeout = {0}; \
             SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') = 'off'",
            statement_timeout.as_millis()
        );
        let pool = PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(connect_timeout)
            .after_connect(move |connection, _| {
                let set = sqlx::AssertSqlSafe(set.clone());
                Box::pin(async move { connection.execute(sqlx::raw_sql(set)).await.map(drop) })
            })
            .connect_lazy_with(options);
        Self {
            pool,
            connect_timeout,
            deadline: statement_timeout,
        }
    }

    /// A connection beside the others, to bring the schema to this version: on
    /// a large table that takes longer than a statement may.
    pub(crate) async fn for_migrations(&self) -> Result<PgConnection, sqlx::Error> {
        let options = self.pool.connect_options();
        let connected = PgConnection::connect_with(&options);
        let mut connection = within(self.connect_timeout, connected).await?;
        // It need not say what is there already.
        let quietly = "SET client_min_messages = warning";
        connection.execute(sqlx::raw_sql(quietly)).await?;
        Ok(connection)
    }

    /// A connection for one statement.
    pub(super) async fn hold(&self) -> Result<Held, sqlx::Error> {
        let acquired = self.pool.acquire().await;
        let connection = acquired.map_err(|error| match error {
            // It says nothing of the server, which is what is away.
            sqlx::Error::PoolTimedOut => late(self.connect_timeout),
            other => other,
        })?;
        Ok(Held {
            connection,
            deadline: self.deadline,
            is_well: false,
        })
    }

    /// A connection in a transaction.
    pub(super) async fn begin(&self, how: &'static str) -> Result<Held, sqlx::Error> {
        let mut held = self.hold().await?;
        held.say(how).await?;
        Ok(held)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection that goes back to the others only if it is said that all went
/// well. What was begun on it and not ended is undone by the server.
#[derive(Debug)]
pub(crate) struct Held {
    connection: PoolConnection<Postgres>,
    deadline: Duration,
    is_well: bool,
}

impl Held {
    pub(super) async fn execute(&mut self, query: Query) -> Result<u64, sqlx::Error> {
        let (text, arguments, is_kept) = query.for_postgres()?;
        let query = sqlx::query_with(text, arguments).persistent(is_kept);
        let done = within(self.deadline, query.execute(&mut *self.connection)).await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn fetch_all(&mut self, query: Query) -> Result<Vec<Row>, sqlx::Error> {
        let (text, arguments, is_kept) = query.for_postgres()?;
        let query = sqlx::query_with(text, arguments).persistent(is_kept);
        let rows = within(self.deadline, query.fetch_all(&mut *self.connection)).await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.say("COMMIT").await?;
        self.release();
        Ok(())
    }

    /// Gives it back to the others.
    pub(super) fn release(mut self) {
        self.is_well = true;
    }

    async fn say(&mut self, word: &'static str) -> Result<(), sqlx::Error> {
        within(self.deadline, self.connection.execute(sqlx::raw_sql(word))).await?;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.is_well {
            self.connection.close_on_drop();
        }
    }
}

/// A network that swallows everything says nothing, for a quarter of an hour.
async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let done = tokio::time::timeout(deadline, work).await;
    done.unwrap_or_else(|_| Err(late(deadline)))
}

fn late(deadline: Duration) -> sqlx::Error {
    let text = format!("the database server has not answered within {deadline:?}");
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text))
}
