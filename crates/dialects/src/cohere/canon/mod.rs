//! Cohere's chat, version 2, from and into the canonical form. Only providers
//! speak it.
//!
//! | what | where |
//! |---|---|
//! | a request, written | `write`, `messages` |
//! | an answer, read | `answer` |
//! | a stream, read | `stream`, `called` |
//! | an error, read | `fault` |
//! | embeddings | [`embedding`] |

mod answer;
mod called;
pub mod embedding;
mod fault;
mod messages;
mod said;
mod stream;
mod write;

pub use answer::read_answer;
pub use fault::read_fault;
pub use stream::StreamReader;
pub use write::write_request;

/// What Cohere says is nested at most this deeply.
const DEPTH: usize = 128;
