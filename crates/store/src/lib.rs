//! Persistence: limits and the cache in process; SQLite for what must last.

pub mod memory;
