//! Google's `generateContent`, from and into the canonical form.
//!
//! | what | read | written |
//! |---|---|---|
//! | a request | `request`, `contents`, `parts`, `tools`, `config` | `write`: `turns`, `parts`, `tools`, `config` |
//! | an answer | `reader`, as a stream of one frame | `answer` |
//! | a stream | `reader` | `writer`; `array` for clients that want one array |
//! | an error | `fault` | `fault` |
//! | embeddings | [`embedding`] | [`embedding`] |
//!
//! The model and whether the answer is streamed stand in the URL and not in
//! the body: the caller sets them on what [`read_request`] gives, and
//! [`write_request`] leaves them out.

mod answer;
mod array;
mod candidate;
mod config;
mod contents;
pub mod embedding;
mod fault;
pub(crate) mod fields;
mod logprobs;
mod media;
mod parts;
mod reader;
mod request;
mod schema;
mod signature;
mod stops;
mod tools;
mod usage;
mod write;
mod writer;

pub(crate) use usage::read as read_usage;

pub(crate) use answer::shows;
pub use answer::{read_answer, read_as_said, read_failure, write_answer};
pub use array::{ArrayStream, ArrayWriter};
pub use fault::{read_fault, retry_delay, write_fault, write_fault_event, write_refusal};
pub(crate) use media::wants_bytes;
pub use reader::StreamReader;
pub use request::read_request;
pub use write::{misses_signature, write_request};
pub use writer::StreamWriter;

use domain::canon::{Dialect, Json, Unknown};

use crate::json::Node;

pub use crate::translate::{Head, Malformed};

/// Answers and errors are nested at most this deeply.
const MAX_DEPTH: usize = 128;

/// Google's own value for a call whose signature is not there: the check is
/// left out.
const SKIP_SIGNATURE: &str = "skip_thought_signature_validator";

/// What the ids begin with that requests without ids are given. Google pairs
/// calls and results without them, so they are not written.
const MADE_ID: &str = "call_gemini_";

/// The member that free text stands in where a call wants an object.
const FREE_TEXT: &str = "input";

/// The value as it was.
fn raw(node: Node<'_>) -> Json {
    Json::trusted(String::from_utf8_lossy(node.raw()))
}

/// Something of this dialect that the canonical form does not know.
fn unknown(name: impl Into<String>, node: Node<'_>) -> Unknown {
    Unknown::new(Dialect::Gemini, name, raw(node))
}

/// A text that a JSON writer of ours made.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}
