//! Cohere's dialect: chat, version 2.

pub mod canon;
