//! SQL, written once and run by SQLite and PostgreSQL.
//!
//! A statement is written with `?` for its values, in what both databases
//! understand: `ON CONFLICT`, `IS NOT DISTINCT FROM`, columns of the target by
//! its name (`turns.previous`). Values are whole numbers, texts and bytes, and
//! nothing else: yes and no are 1 and 0. What the databases do differently
//! stands in this folder, so that no query has to ask.
//!
//! | | SQLite | PostgreSQL |
//! |---|---|---|
//! | values | `?`, `?1` | `$1`: [`placeholders`] |
//! | bytes | `BLOB` | `BYTEA`, by the migration's own words |
//! | a text with a zero byte | as it is | the byte is replaced: [`Arguments`] |
//! | who writes alone | whoever writes | who asks for it: [`Pool::write_alone`] |

mod arguments;
mod placeholders;
pub(crate) mod postgres;
mod query;
mod sqlite;
mod transaction;

pub(crate) use arguments::{Arguments, Value, Values};
pub(crate) use query::{Query, Row, built, query};
pub(crate) use transaction::{On, Pool, Transaction};
