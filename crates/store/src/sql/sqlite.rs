//! Statements on a connection to SQLite.

use sqlx::sqlite::SqliteConnection;

use super::{Query, Row};

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    query: Query,
) -> Result<u64, sqlx::Error> {
    let (text, arguments, is_kept) = query.for_sqlite()?;
    let query = sqlx::query_with(text, arguments).persistent(is_kept);
    let done = query.execute(connection).await?;
    Ok(done.rows_affected())
}

pub(super) async fn fetch_all(
    connection: &mut SqliteConnection,
    query: Query,
) -> Result<Vec<Row>, sqlx::Error> {
    let (text, arguments, is_kept) = query.for_sqlite()?;
    let query = sqlx::query_with(text, arguments).persistent(is_kept);
    let rows = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(Row::Sqlite).collect())
}
