//! The audit log: records in an append-only Merkle tree of files, sealed by
//! signed checkpoints, so that every later change shows.
//!
//! | room | what it does |
//! |---|---|
//! | [`tree`] | RFC 6962: hashes, roots, inclusion and consistency; pure |
//! | [`Tile`], [`bundle`] | coordinates and bytes of [C2SP tlog-tiles] |
//! | [`note`], [`Checkpoint`] | [C2SP signed-note] and [C2SP tlog-checkpoint]; who signs is a [`Signer`] |
//! | [`entry`] | what a record's bytes say: JSON, one form for each entry |
//! | [`Log`] | one node's log: appended by one thread, sealed, old bundles expired |
//! | [`verify`] | offline over the files: what was changed, and the first bad record |
//! | [`prove`] | one record's inclusion as a [C2SP tlog-proof] |
//!
//! A folder holds:
//!
//! | file | what |
//! |---|---|
//! | `tile/<L>/<N>`, `tile/entries/<N>` | full tiles and bundles, written once; `….p/<W>` as of a checkpoint, until the full one is there |
//! | `tail` | what fills no bundle yet, with size and marks: the one file that says what counts |
//! | `checkpoint`, `checkpoints` | the newest one, and all, one after the other |
//! | `retention` | which bundles' entries were deleted, signed |
//! | `lock` | held by the process that writes |
//!
//! Why it is so: `docs/decisions/0008-audit-log.md`.
//!
//! [C2SP tlog-tiles]: https://c2sp.org/tlog-tiles
//! [C2SP tlog-checkpoint]: https://c2sp.org/tlog-checkpoint
//! [C2SP signed-note]: https://c2sp.org/signed-note
//! [C2SP tlog-proof]: https://c2sp.org/tlog-proof

pub mod bundle;
mod checkpoint;
mod disk;
pub mod entry;
mod error;
mod folder;
mod levels;
mod log;
pub mod note;
mod prove;
mod retention;
mod tail;
mod tile;
pub mod tree;
mod verify;

pub use checkpoint::Checkpoint;
pub use disk::Durability;
pub use error::AuditError;
pub use folder::Folder;
pub use log::{Appended, Log, Sealed};
pub use note::{Elsewhere, KeyFile, Note, NoteError, Signer, VerifierKey};
pub use prove::{Proof, prove};
pub use retention::Retention;
pub use tile::{TILE_WIDTH, Tile};
pub use tree::Hash;
pub use verify::{Finding, Kind, Report, Work, verify};
