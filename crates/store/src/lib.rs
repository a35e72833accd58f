//! Persistence: SQLite or PostgreSQL for what must last, memory for limits and
//! the cache.
//!
//! | room | what it does |
//! |---|---|
//! | [`Store`] | the database: parties and their keys, the ledger, the journal's marks |
//! | [`Change`] | what people change, and the record of it, in one transaction |
//! | [`keeper`] | conversations for clients, on the store's side of a channel |
//! | [`foreign`] | rows of another gateway's database, to be moved in |
//! | [`memory`] | limits and the exact cache, for as long as the process lives |

pub mod foreign;
pub mod keeper;
pub mod memory;
mod sql;
mod tables;

pub use tables::{
    AdminChange, Alike, Books, Change, Difference, Dimension, Event, Hit, KeySecret, LogIndex,
    LogPlace, LoggedCalls, Report, Search, Server, Spent, Store, StoreError, StoredKey, Sum,
    Unsent, Written, check_file,
};
