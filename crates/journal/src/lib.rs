//! The append-only journal: what happened, on disk before anybody is told.
//!
//! | room | what it does |
//! |---|---|
//! | [`Journal`] | the folder: one process owns it, slots bound what is in flight |
//! | [`Writer`] | one event loop's segment; one `write` for all records of a turn |
//! | [`Carrier`] | reads segments for the store, deletes those that it passed |
//! | [`lost`] | the end of a request whose process ended before it |
//!
//! While one process hands its work over to the next, both write, each its own
//! generation's segments; the next one's carrier reads them all (`living`).
//!
//! A segment is a preallocated file of blocks ([`block`]). The carrier hands
//! out records *and* the marks up to which it has read; the store keeps both
//! in one transaction, which turns "at least once" here into "exactly once"
//! there. Why it is so: `docs/decisions/0002-journal-format.md`.

mod ahead;
mod block;
mod carrier;
mod disk;
mod journal;
mod living;
mod lost;
mod recover;
mod segment;
mod slots;
mod writer;

pub use carrier::{Batch, Carrier};
pub use journal::{Config, Journal};
pub use lost::lost;
pub use recover::Damage;
pub use slots::{Slot, WhenFull};
pub use writer::Writer;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk or the folder would not do what was asked.
    #[error("journal: cannot {what} {path}: {source}")]
    Io {
        /// What was tried: `write`, `create`.
        what: &'static str,
        /// On which file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk said no a moment ago; it is asked again soon.
    #[error("journal: the disk takes no records at the moment")]
    Owed,
    /// Another process writes into this folder.
    #[error("journal: {0} is in use by another process")]
    InUse(std::path::PathBuf),
    /// The folder already holds segments of this generation. Ids would repeat.
    #[error("journal: generation {0:016x} was used before")]
    GenerationTaken(u64),
    /// Another [`Writer`] of this core is alive.
    #[error("journal: core {0} already has a writer")]
    CoreTaken(u16),
    /// A record that the format cannot hold.
    #[error("journal: cannot encode a record: {0}")]
    Encode(String),
}
