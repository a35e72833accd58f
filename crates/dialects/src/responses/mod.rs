//! `OpenAI`'s Responses.

pub mod canon;
pub mod kept;
pub(crate) mod rooms;
mod rules;
mod said;

pub use rules::system_rules;
pub use said::Said;
