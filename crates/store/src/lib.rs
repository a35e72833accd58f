//! Persistence: SQLite, and in-process counters and cache.
