//! Rows of a database that is not ours: what another gateway has kept, to be moved in.

use std::collections::HashMap;

use serde_json::Value;

use crate::sql::{Pool, built, query};
use crate::{Server, StoreError};

/// All rows of these tables, each as a JSON object of its columns, as they are at one
/// moment. A table that is not there has none.
///
/// # Errors
/// The server cannot be reached or read.
pub async fn tables(
    server: &Server,
    names: &[&'static str],
) -> Result<HashMap<&'static str, Vec<Value>>, StoreError> {
    let [pool, _] = server.connect()?;
    let pool = Pool::Postgres(pool);
    let mut read = pool.read().await?;
    let mut all = HashMap::new();
    for name in names {
        let is_there = query("SELECT CAST(to_regclass(?) AS TEXT)").bind(format!("\"{name}\""));
        let is_there: Option<Option<String>> = is_there.fetch_value(&mut read).await?;
        let mut rows = Vec::new();
        if is_there.flatten().is_some() {
            let every = built(format!(
                "SELECT CAST(to_jsonb(t) AS TEXT) AS it FROM \"{name}\" t"
            ));
            for row in every.fetch_all(&mut read).await? {
                let text: String = row.try_get("it")?;
                let row = serde_json::from_str(&text);
                rows.push(row.map_err(|_| StoreError::Unreadable {
                    what: "a row",
                    value: (*name).to_owned(),
                })?);
            }
        }
        all.insert(*name, rows);
    }
    drop(read);
    pool.close().await;
    Ok(all)
}
