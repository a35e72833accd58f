//! Persistence: SQLite or PostgreSQL for what must last, memory for limits and
//! the cache.
//!
//! | room | what it does |
//! |---|---|
//! | [`Store`] | the database: parties and their keys, the ledger, the journal's marks |
//! | [`Change`] | what people change, and the record of it, in one transaction |
//! | [`keeper`] | conversations for clients, on the store's side of a channel |
//! | [`memory`] | limits and the exact cache, for as long as the process lives |

pub mod keeper;
pub mod memory;
mod sql;
mod tables;

pub use tables::{
    AdminChange, Alike, Change, Dimension, Event, KeySecret, Server, Spent, Store, StoreError,
    StoredKey, Sum, Unsent,
};
