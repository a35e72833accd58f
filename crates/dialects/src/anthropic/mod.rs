//! Anthropic's dialect: Messages.

pub mod canon;
pub(crate) mod rooms;
mod rules;

pub use rules::system_rules;
