//! The journal on a real disk.

mod bounds;
mod carrying;
mod recovery;
mod support;
