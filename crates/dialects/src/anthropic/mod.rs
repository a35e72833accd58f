//! Anthropic's dialect: Messages.

pub mod canon;
