//! The append-only journal on disk, its recovery, and its carrier.
