//! Anthropic's dialect: Messages.
