//! Every schema that was ever released, with data in it, becomes this version's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use store::StoreError;

use crate::home::{Home, on_both};
use crate::ledger::{batch, opened, outcomes, settled};

on_both![
    every_schema_with_its_data_becomes_this_one,
    half_a_migration_is_not_begun_upon,
    a_database_of_a_later_version_is_left_alone,
];

/// What a database held from a version to another, as SQL with bytes as `$BYTES`.
const DATA: [(i64, i64, &str); 10] = [
    (
        1,
        7,
        "INSERT INTO keys (id, tenant, name, digest, created_at, models, requests_per_minute) \
         VALUES ('key_1', 'default', 'alice', $BYTES, 1000, '[\"gpt-*\"]', 60)",
    ),
    (
        1,
        i64::MAX,
        "INSERT INTO requests (ticket, opened_at, duration_us, tenant, key_id, operation, streamed, \
         attempts, outcome, status, input, cached_input, cache_write, audio_input, output, \
         reasoning, audio_output, usage_source, price_missing, cache_hit, findings) VALUES \
         ($BYTES, 5, 6, 'default', 'key_1', 'chat', 1, 1, 'complete', 200, 12, 0, 0, 0, 34, 0, 0, \
         'provider', 0, 0, '[]')",
    ),
    (
        1,
        i64::MAX,
        "INSERT INTO marks (segment, mark) VALUES ('0000000000000007-0000-000001', 64)",
    ),
    (
        1,
        i64::MAX,
        "INSERT INTO changes (what, count) VALUES ('keys', 3)",
    ),
    (
        2,
        i64::MAX,
        "INSERT INTO install (id, fingerprint) VALUES (1, $BYTES)",
    ),
    (
        4,
        i64::MAX,
        "INSERT INTO turns (owner, id, created_at, expires_at, provider, deployment, is_there, \
         input, answer) VALUES ('key_1', 'a', 0, 100, 'p', 'p/m', 1, $BYTES, $BYTES)",
    ),
    (
        8,
        i64::MAX,
        "INSERT INTO keys (id, owner, name, terms, created_at) VALUES ('key_1', 'default', \
         'alice', '{\"models\":[\"gpt-*\"],\"limits\":[{\"requests\":60,\"per\":\"minute\"}]}', 1000)",
    ),
    (
        8,
        i64::MAX,
        "INSERT INTO key_secrets (digest, key_id, created_at) VALUES ($BYTES, 'key_1', 1000)",
    ),
    (
        13,
        i64::MAX,
        "INSERT INTO audit_logs (id, origin, size) VALUES (1, 'a-log', 3)",
    ),
    (
        13,
        i64::MAX,
        "INSERT INTO audit_strangers (audit_log, audit_record, minute, source, reason, count) \
         VALUES (1, 2, 60000000, '192.0.2.0/24', 'invalid_api_key', 7)",
    ),
];

/// Version and words of the migrations that were committed, for a database.
fn committed(home: &Home) -> BTreeMap<i64, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let own = match home {
        Home::File(_) => "sqlite",
        Home::Server(_) => "postgres",
    };
    let mut all = BTreeMap::new();
    for folder in [folder.join(own), folder] {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                continue;
            }
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let version = name[..4].parse().expect("four digits");
            let words = std::fs::read_to_string(path).expect("a text");
            let words = match home {
                Home::File(_) => words,
                Home::Server(_) => words.replace(" BLOB", " BYTEA"),
            };
            assert_eq!(all.insert(version, words), None, "two of a version");
        }
    }
    all
}

fn migrator(committed: &BTreeMap<i64, String>, until: i64) -> Migrator {
    let steps = committed.range(..=until).map(|(version, words)| {
        let words = sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(words.clone()));
        Migration::new(*version, "".into(), MigrationType::Simple, words, false)
    });
    Migrator::with_migrations(steps.collect())
}

async fn every_schema_with_its_data_becomes_this_one(home: &Home) {
    let committed = committed(home);
    let bytes = home.bytes(&[7; 32]);
    for version in committed.keys() {
        home.clear().await;
        home.migrate(&migrator(&committed, *version)).await;
        let is_of = |since: &i64, until: &i64| since <= version && version <= until;
        for (_, _, insert) in DATA.iter().filter(|(since, until, _)| is_of(since, until)) {
            home.run(&insert.replace("$BYTES", &bytes)).await;
        }
        // There is one node as long as nobody shares the database.
        let store = home.open().await;
        let keys = store.keys().await.expect("reads");
        assert_eq!(keys[0].key.name, "alice", "of {version}");
        assert_eq!(keys[0].secrets[0].digest, [7; 32]);
        let terms = serde_json::to_string(&keys[0].key.terms).expect("JSON");
        let expected = r#"{"models":["gpt-*"],"limits":[{"requests":60,"per":"minute"}]}"#;
        assert_eq!(terms, expected, "of {version}");
        assert_eq!(store.change_mark().await.expect("reads"), 3);
        assert_eq!(outcomes(home).await, ["complete"]);
        let turn = store
            .turn(&crate::turns::wanted("a", 5))
            .await
            .expect("reads");
        assert_eq!(turn.is_some(), *version >= 4, "of {version}");
        let one = opened(7, 2);
        let end = batch(vec![settled(&one)], 65);
        store.carry(&end).await.expect("carries");
        assert_eq!(outcomes(home).await.len(), 2);
        store.close().await;
    }
}

async fn half_a_migration_is_not_begun_upon(home: &Home) {
    home.open().await.close().await;
    let half = match home {
        Home::File(_) => "success = 0",
        Home::Server(_) => "success = false",
    };
    let half = format!("UPDATE _sqlx_migrations SET {half} WHERE version = 10");
    home.run(&half).await;
    let error = home.try_open().await.expect_err("it is in between");
    let said = error.to_string();
    assert!(
        matches!(error, StoreError::Half(10)) && said.contains("backup"),
        "{said}"
    );
}

async fn a_database_of_a_later_version_is_left_alone(home: &Home) {
    home.open().await.close().await;
    let later = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 10";
    home.run(later).await;
    let error = home.try_open().await.expect_err("it is of a later one");
    assert!(matches!(error, StoreError::Newer(9999)), "{error}");
}

/// Tables by name: their columns, each with its kind and whether it may be
/// nothing.
async fn tables(home: &Home) -> BTreeMap<String, Vec<String>> {
    let sql = match home {
        Home::File(_) => {
            "SELECT t.name || ' ' || c.name || ' ' || CASE c.type WHEN 'INTEGER' THEN 'BIGINT' \
             ELSE c.type END || ' ' || (c.\"notnull\" OR c.pk > 0) AS it \
             FROM sqlite_schema t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name <> '_sqlx_migrations'"
        }
        Home::Server(_) => {
            "SELECT table_name || ' ' || column_name || ' ' || CASE data_type \
             WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END || ' ' || \
             CASE is_nullable WHEN 'NO' THEN '1' ELSE '0' END AS it \
             FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'"
        }
    };
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for text in home.texts(sql).await {
        let (table, column) = text.split_once(' ').expect("a table");
        tables
            .entry(table.to_owned())
            .or_default()
            .push(column.to_owned());
    }
    tables.values_mut().for_each(|columns| columns.sort());
    tables
}

#[tokio::test]
async fn both_databases_have_the_same_tables() {
    let (file, server) = (Home::file("same-tables"), Home::server().await);
    file.open().await.close().await;
    server.open().await.close().await;
    let (file, server) = (tables(&file).await, tables(&server).await);
    assert!(file.contains_key("requests"));
    assert_eq!(file, server);
}
