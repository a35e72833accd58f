//! Wire formats and their framing; pure.
//!
//! No IO, no clock: bytes in, views and edits out. What no edit touches stays
//! the same byte.

pub mod anthropic;
pub mod cohere;
pub mod converse;
pub mod counting;
pub mod embeddings;
pub mod eventstream;
pub mod framing;
pub mod gemini;
mod gleaner;
pub mod json;
pub mod lines;
pub mod ollama;
pub mod openai;
mod operation;
pub mod responses;
mod rules;
pub mod sse;
pub mod texts;
pub mod translate;

pub use gleaner::{EventGleaner, Gleaner};
pub use operation::Operation;
pub use rules::SystemRules;
