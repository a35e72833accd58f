//! What people do: use-cases and the admin listener.
//!
//! | room | what it holds |
//! |---|---|
//! | [`listener`] | the admin listener: health and metrics, away from clients |

pub mod listener;

pub use listener::{Admin, Readiness, serve};
