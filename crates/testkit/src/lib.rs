//! Fakes and builders for tests; only ever a dev-dependency.
//!
//! | room | what it holds |
//! |---|---|
//! | [`fake`] | an upstream on a loopback port that does what a script says |
//! | [`reply`] | the scripts: answers, delays, breaks |
//! | [`golden`] | what the code says, compared with files |
//! | [`openai`] | request and answer bodies in `OpenAI`'s dialect, and a reader of event streams |
//! | [`scene`] | a [`domain::snapshot::Snapshot`] in a few lines |
//!
//! Nothing here depends on `gateway`: `gateway`'s own tests use it.

pub mod fake;
pub mod golden;
pub mod openai;
pub mod reply;
pub mod scene;

mod body;
mod people;

pub use fake::{FakeProvider, Seen};
pub use reply::Reply;
pub use scene::Scene;
