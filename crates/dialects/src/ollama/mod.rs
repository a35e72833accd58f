//! Ollama's own dialect.

pub mod canon;
