//! Ollama's chat, from and into the canonical form. Only providers speak it;
//! its streams are lines of JSON, cut by [`crate::lines`].
//!
//! | what | where |
//! |---|---|
//! | a request, written | `write`, `options`, `messages` |
//! | an answer, read | `answer` |
//! | a stream, read | `stream` |
//! | an error, read | `fault` |
//! | embeddings | [`embedding`] |

mod answer;
pub mod embedding;
mod fault;
mod messages;
mod options;
mod said;
mod stream;
mod write;

pub use answer::read_answer;
pub use fault::read_fault;
pub use stream::StreamReader;
pub use write::write_request;

/// What Ollama says is nested at most this deeply.
const DEPTH: usize = 128;
