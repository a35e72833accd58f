//! `OpenAI`'s Responses.

pub mod canon;
pub mod kept;
pub(crate) mod rooms;
mod rules;

pub use rules::system_rules;
