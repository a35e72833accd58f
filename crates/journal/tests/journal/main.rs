//! The journal on a real disk.

mod bounds;
mod carrying;
mod living;
mod recovery;
mod support;
