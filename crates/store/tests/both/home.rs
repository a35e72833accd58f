//! What a test is run on: a database of its own, in SQLite and in PostgreSQL.
//! `on_both!` makes of each test two.

use std::path::PathBuf;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Column as _, Row as _, TypeInfo as _, ValueRef as _};
use store::{Store, StoreError};

use crate::server::Database;

/// Runs tests on both databases: each takes a `&Home`.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let name = concat!(module_path!(), stringify!($test));
                super::$test(&$crate::home::Home::file(name)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&$crate::home::Home::server().await).await;
            })*
        }
    };
}
pub(crate) use on_both;

/// A row of either database as text.
macro_rules! shown {
    ($row:expr) => {{
        let row = $row;
        let columns = row.columns().iter().map(|column| {
            let at = column.ordinal();
            let value = row.try_get_raw(at).expect("a value");
            let kind = value.type_info().name().to_owned();
            let value = match (value.is_null(), kind.as_str()) {
                (true, _) => "NULL".to_owned(),
                (_, "TEXT" | "NAME" | "VARCHAR") => row.get::<String, _>(at),
                (_, "BLOB" | "BYTEA") => format!("{:02x?}", row.get::<Vec<u8>, _>(at)),
                _ => row.get::<i64, _>(at).to_string(),
            };
            format!("{}={value}", column.name())
        });
        columns.collect::<Vec<_>>().join(" ")
    }};
}

/// Which node the stores of a server are.
const NODE: &str = "a-node";

/// Where a database is: it stays while stores on it come and go.
pub(crate) enum Home {
    File(PathBuf),
    Server(Database),
}

impl Home {
    /// A folder of its own.
    pub(crate) fn file(name: &str) -> Self {
        let name = name.replace("::", "-");
        let name = format!("portcullis-store-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self::File(folder)
    }

    /// A database of its own, on the server of all tests.
    pub(crate) async fn server() -> Self {
        Self::Server(Database::new().await)
    }

    /// What a gateway has of it.
    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.expect("opens")
    }

    /// The same, if it may be.
    pub(crate) async fn try_open(&self) -> Result<Store, StoreError> {
        match self {
            Self::File(folder) => Store::open(&folder.join("portcullis.db")).await,
            Self::Server(database) => Store::open_server(&database.server(), NODE).await,
        }
    }

    /// Nothing is there any more.
    pub(crate) async fn clear(&self) {
        match self {
            Self::File(folder) => {
                std::fs::remove_dir_all(folder).expect("ours");
                std::fs::create_dir_all(folder).expect("a folder");
            }
            Self::Server(_) => {
                self.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                    .await
            }
        }
    }

    /// Brings it to another version than this one.
    pub(crate) async fn migrate(&self, migrator: &Migrator) {
        match self {
            Self::File(folder) => {
                let pool = sqlite(folder).await;
                migrator.run(&pool).await.expect("migrates");
                pool.close().await;
            }
            Self::Server(database) => {
                let pool = database.pool().await;
                migrator.run(&pool).await.expect("migrates");
                pool.close().await;
            }
        }
    }

    /// Which node its stores are.
    pub(crate) fn node(&self) -> &'static str {
        match self {
            Self::File(_) => "",
            Self::Server(_) => NODE,
        }
    }

    /// The rows of a query, each as `column=value …`.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::File(folder) => {
                let pool = sqlite(folder).await;
                let rows = sqlx::query(sql).fetch_all(&pool).await.expect("reads");
                pool.close().await;
                rows.iter().map(|row| shown!(row)).collect()
            }
            Self::Server(database) => {
                let pool = database.pool().await;
                let rows = sqlx::query(sql).fetch_all(&pool).await.expect("reads");
                pool.close().await;
                rows.iter().map(|row| shown!(row)).collect()
            }
        }
    }

    /// The first column of each row.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.rows(sql).await;
        let value = |row: String| row.split_once('=').expect("a value").1.to_owned();
        rows.into_iter().map(value).collect()
    }

    /// Runs statements that the store would not.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::File(folder) => {
                let pool = sqlite(folder).await;
                sqlx::raw_sql(sql).execute(&pool).await.expect("runs");
                pool.close().await;
            }
            Self::Server(database) => {
                let pool = database.pool().await;
                sqlx::raw_sql(sql).execute(&pool).await.expect("runs");
                pool.close().await;
            }
        }
    }

    /// How the database writes these bytes.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::File(_) => format!("x'{digits}'"),
            Self::Server(_) => format!("'\\x{digits}'::bytea"),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Self::File(folder) = self {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

async fn sqlite(folder: &std::path::Path) -> sqlx::SqlitePool {
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.join("portcullis.db").display()
    );
    sqlx::SqlitePool::connect(&url).await.expect("opens")
}
