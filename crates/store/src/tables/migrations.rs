//! What brings a database to this version: forward, step by step.

use std::borrow::Cow;

use sqlx::Connection as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::StoreError;
use crate::sql::Pool;

/// A step, by the databases that take it.
enum Step {
    /// SQLite alone. PostgreSQL begins with what all of these come to.
    Sqlite(&'static str),
    /// PostgreSQL alone: where it begins, and what it says in its own words.
    Postgres(&'static str),
    /// Both, in SQLite's words: `BLOB` is `BYTEA` in PostgreSQL. All numbers
    /// are `BIGINT`, yes and no too.
    Both(&'static str),
}
use Step::{Both, Postgres, Sqlite};

/// The migrations, by version. One that was released never changes again.
const MIGRATIONS: &[(i64, &str, Step)] = &[
    (
        1,
        "first",
        Sqlite(include_str!("../../migrations/sqlite/0001_first.sql")),
    ),
    (
        2,
        "install",
        Sqlite(include_str!("../../migrations/sqlite/0002_install.sql")),
    ),
    (
        3,
        "ledger indices",
        Sqlite(include_str!(
            "../../migrations/sqlite/0003_ledger_indices.sql"
        )),
    ),
    (
        4,
        "turns",
        Sqlite(include_str!("../../migrations/sqlite/0004_turns.sql")),
    ),
    (
        5,
        "cache write 1h",
        Sqlite(include_str!(
            "../../migrations/sqlite/0005_cache_write_1h.sql"
        )),
    ),
    (
        6,
        "passed",
        Sqlite(include_str!("../../migrations/sqlite/0006_passed.sql")),
    ),
    (
        7,
        "background",
        Sqlite(include_str!("../../migrations/sqlite/0007_background.sql")),
    ),
    (
        7,
        "first",
        Postgres(include_str!("../../migrations/postgres/0007_first.sql")),
    ),
    (
        8,
        "parties",
        Sqlite(include_str!("../../migrations/sqlite/0008_parties.sql")),
    ),
    (
        8,
        "parties",
        Postgres(include_str!("../../migrations/postgres/0008_parties.sql")),
    ),
    (
        9,
        "nodes",
        Both(include_str!("../../migrations/0009_nodes.sql")),
    ),
    (
        10,
        "who",
        Both(include_str!("../../migrations/0010_who.sql")),
    ),
    (
        12,
        "rollups",
        Sqlite(include_str!("../../migrations/sqlite/0012_rollups.sql")),
    ),
    (
        12,
        "rollups",
        Postgres(include_str!("../../migrations/postgres/0012_rollups.sql")),
    ),
    (
        13,
        "audit",
        Both(include_str!("../../migrations/0013_audit.sql")),
    ),
    (
        14,
        "events",
        Both(include_str!("../../migrations/0014_events.sql")),
    ),
    (
        15,
        "unlogged",
        Both(include_str!("../../migrations/0015_unlogged.sql")),
    ),
];

/// Brings the database to this version.
pub(super) async fn run(pool: &Pool) -> Result<(), StoreError> {
    match pool {
        Pool::Sqlite(pool) => migrator(for_sqlite).run(pool).await?,
        Pool::Postgres(connections) => {
            let mut connection = connections.for_migrations().await?;
            migrator(for_postgres).run(&mut connection).await?;
            connection.close().await?;
        }
    }
    Ok(())
}

fn for_sqlite(step: &Step) -> Option<Cow<'static, str>> {
    match step {
        Sqlite(sql) | Both(sql) => Some(Cow::Borrowed(sql)),
        Postgres(_) => None,
    }
}

fn for_postgres(step: &Step) -> Option<Cow<'static, str>> {
    match step {
        Sqlite(_) => None,
        Postgres(sql) => Some(Cow::Borrowed(sql)),
        Both(sql) => Some(Cow::Owned(sql.replace(" BLOB", " BYTEA"))),
    }
}

fn migrator(words: fn(&Step) -> Option<Cow<'static, str>>) -> Migrator {
    let steps = MIGRATIONS.iter();
    let migrations = steps.filter_map(|(version, name, step)| {
        let sql = match words(step)? {
            Cow::Borrowed(sql) => sqlx::SqlStr::from_static(sql),
            Cow::Owned(sql) => sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(sql)),
        };
        let kind = MigrationType::Simple;
        Some(Migration::new(*version, (*name).into(), kind, sql, false))
    });
    Migrator::with_migrations(migrations.collect())
}
