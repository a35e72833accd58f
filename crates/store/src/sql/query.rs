//! A statement with its values, and the rows that come back.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, Decode, Postgres, Row as _, SqlSafeStr as _, SqlStr, Sqlite, Type, ValueRef as _,
};

use super::arguments::Kind;
use super::placeholders::{numbered, numbered_once};
use super::transaction::On;
use super::{Arguments, Value, Values as _};

/// A statement that stands in the program. Connections keep it prepared.
pub(crate) fn query(sql: &'static str) -> Query {
    Query {
        text: Text::Fixed(sql),
        values: Values::Each(Vec::new()),
    }
}

/// A statement that was put together, of nothing that comes from outside. It is
/// not kept prepared.
pub(crate) fn built(sql: String) -> Query {
    Query {
        text: Text::Built(sql),
        values: Values::Each(Vec::new()),
    }
}

/// A statement with its values.
#[derive(Debug)]
pub(crate) struct Query {
    text: Text,
    values: Values,
}

#[derive(Debug)]
enum Text {
    Fixed(&'static str),
    Built(String),
}

#[derive(Debug)]
enum Values {
    Each(Vec<Value>),
    /// Already as the database wants them.
    All(Arguments),
}

impl Query {
    /// The value of the next `?`.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        if let Values::Each(values) = &mut self.values {
            values.push(value.into());
        }
        self
    }

    /// The values of all.
    pub(crate) fn with(mut self, arguments: Arguments) -> Self {
        self.values = Values::All(arguments);
        self
    }

    /// Runs it; says how many rows it changed.
    pub(crate) async fn execute(self, on: impl Into<On<'_>>) -> Result<u64, sqlx::Error> {
        on.into().execute(self).await
    }

    /// All rows.
    pub(crate) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<Row>, sqlx::Error> {
        on.into().fetch_all(self).await
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(
        self,
        on: impl Into<On<'_>>,
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// The first column of the first row, if there is one.
    pub(crate) async fn fetch_value<T: Column>(
        self,
        on: impl Into<On<'_>>,
    ) -> Result<Option<T>, sqlx::Error> {
        let row = self.fetch_optional(on).await?;
        row.map(|row| row.first()).transpose()
    }

    /// Text and values for SQLite, and whether connections keep it prepared.
    pub(super) fn for_sqlite(self) -> Result<(SqlStr, SqliteArguments, bool), sqlx::Error> {
        let arguments = self.values.all(Arguments::sqlite)?;
        let Kind::Sqlite(arguments) = arguments else {
            return Err(of_another());
        };
        Ok(match self.text {
            Text::Fixed(sql) => (SqlStr::from_static(sql), arguments, true),
            Text::Built(sql) => (AssertSqlSafe(sql).into_sql_str(), arguments, false),
        })
    }

    /// The same for PostgreSQL.
    pub(super) fn for_postgres(self) -> Result<(SqlStr, PgArguments, bool), sqlx::Error> {
        let arguments = self.values.all(Arguments::postgres)?;
        let Kind::Postgres(arguments) = arguments else {
            return Err(of_another());
        };
        Ok(match self.text {
            Text::Fixed(sql) => (SqlStr::from_static(numbered_once(sql)), arguments, true),
            Text::Built(sql) => {
                let sql = AssertSqlSafe(numbered(&sql)).into_sql_str();
                (sql, arguments, false)
            }
        })
    }
}

impl Values {
    fn all(self, empty: impl FnOnce(usize) -> Arguments) -> Result<Kind, sqlx::Error> {
        match self {
            Self::All(arguments) => arguments.done(),
            Self::Each(values) => {
                let mut arguments = empty(values.len());
                for value in values {
                    arguments.add(value);
                }
                arguments.done()
            }
        }
    }
}

fn of_another() -> sqlx::Error {
    sqlx::Error::Protocol("the values are another database's".to_owned())
}

/// What a column may be read as: `i64`, `String`, `Vec<u8>`, each in an
/// `Option` too.
pub(crate) trait Column:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Column for T where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

/// A row.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A column by its name.
    pub(crate) fn try_get<T: Column>(&self, name: &str) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(name),
            Self::Postgres(row) => row.try_get(name),
        }
    }

    /// Whether a column holds nothing; one that is not there holds something.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        let is_null = match self {
            Self::Sqlite(row) => row.try_get_raw(name).map(|it| it.is_null()),
            Self::Postgres(row) => row.try_get_raw(name).map(|it| it.is_null()),
        };
        is_null.unwrap_or(false)
    }

    /// A column that is yes or no.
    pub(crate) fn try_get_flag(&self, name: &str) -> Result<bool, sqlx::Error> {
        Ok(self.try_get::<i64>(name)? != 0)
    }

    fn first<T: Column>(&self) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(0),
            Self::Postgres(row) => row.try_get(0),
        }
    }
}
