//! Messages, read into the canonical form and written from it.
//!
//! | what | read | written |
//! |---|---|---|
//! | a request | `request`, `blocks`, `media`, `tools`, `emulated` | `write`, `turns`, `links`, `pieces`, `declare` |
//! | an answer | `answer` | `answer_write` |
//! | a stream | `stream` | `stream_write`, `pending` |
//! | an error | `fault` | `fault` |
//!
//! Whether and how models of different generations think is decided in
//! `thinking`, by their traits. These and some others serve
//! Bedrock's dialect, too, where Claude is the same.

mod answer;
mod answer_write;
mod blocks;
mod declare;
mod emulated;
mod ending;
mod fault;
mod fields;
pub(crate) mod format;
mod ids;
pub(crate) mod links;
pub(crate) mod marks;
mod media;
mod pending;
mod pieces;
mod request;
pub(crate) mod schema;
mod signature;
mod stream;
mod stream_write;
pub(crate) mod thinking;
mod tools;
mod turns;
mod usage;
mod write;

pub(crate) use usage::read as read_usage;

pub use answer::read_answer;
pub use answer_write::write_answer;
pub use fault::{read_fault, write_fault, write_fault_event};
pub use request::read_request;
pub use stream::StreamReader;
pub use stream_write::StreamWriter;
pub use write::write_request;

pub use crate::translate::{Head, Malformed};

/// How deep arguments and schemas may be nested.
const DEPTH: usize = 128;

/// The tool by which a model answers where the answer must be JSON and the
/// model knows no other way. Its call is read back as text.
const ANSWER_TOOL: &str = "portcullis_json_answer";

/// Stands before the name of an event that nobody knows.
const EVENT: &str = "event:";
