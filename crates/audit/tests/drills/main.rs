//! Logs in folders: written, tampered with, verified, proved.

#![allow(clippy::unwrap_used)]

mod entries;
mod log;
mod notes;
mod proofs;
mod retention;
mod scene;
mod tamper;
/// The separate verifier, which shares no code with the library.
#[path = "../../examples/verify_proof.rs"]
mod verify_proof;
