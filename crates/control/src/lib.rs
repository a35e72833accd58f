//! What people do: use-cases and the admin listener.
//!
//! | room | what it holds |
//! |---|---|
//! | [`parties`] | tenants, teams, apps, users: made, listed, changed, revoked |
//! | [`keys`] | virtual keys: made, listed, changed, rotated, revoked |
//! | [`moved`] | people and keys of another gateway, moved in |
//! | [`books`] | the books: closed, and rid of old rows |
//! | [`Actor`] | who does it; each change is recorded in its own transaction |
//! | [`listener`] | the admin listener: health and metrics, away from clients |

pub mod books;
mod change;
pub mod keys;
pub mod listener;
pub mod moved;
pub mod parties;

pub use change::Actor;
pub use listener::{Admin, Readiness, serve};
