//! Converse, written from the canonical form and read into it. Only providers
//! speak it.
//!
//! | what | look in |
//! |---|---|
//! | a request | `write`, `turns`, `pieces`, `media`, `tools`, `extra` |
//! | an answer | `answer`, `blocks`, `citations`, `ending`, `usage` |
//! | a stream | `stream`, `open`; its messages are framed in [`crate::eventstream`] |
//! | an error | `fault` |
//!
//! Behind Converse are models of many makers, and it is they who refuse what
//! they do not know. What follows from their traits stands in `model`. Claude is the same as
//! at Anthropic, so what is known of it is Anthropic's folder's.

mod answer;
mod blocks;
mod citations;
mod ending;
mod extra;
mod fault;
mod fields;
mod media;
mod model;
mod open;
mod pieces;
mod stream;
mod tools;
mod turns;
mod usage;
mod write;

pub use answer::read_answer;
pub(crate) use fault::of_exception;
pub use fault::{error_word, kind_of_word, read_fault};
pub use stream::StreamReader;
pub use write::write_request;

pub use crate::translate::Malformed;

/// How deep arguments and schemas may be nested.
const DEPTH: usize = 128;

/// The tool by which a model answers where the answer must be JSON and the
/// model knows no other way. Its call is read back as text.
const ANSWER_TOOL: &str = "portcullis_json_answer";

/// Stands before the name of an event that nobody knows.
const EVENT: &str = "event:";
