//! What people do: use-cases and the admin listener.
//!
//! | room | what it holds |
//! |---|---|
//! | [`keys`] | virtual keys: made, listed, revoked |
//! | [`listener`] | the admin listener: health and metrics, away from clients |

pub mod keys;
pub mod listener;

pub use listener::{Admin, Readiness, serve};
