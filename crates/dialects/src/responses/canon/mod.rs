//! Responses, read into the canonical form and written from it.
//!
//! | what | read | written |
//! |---|---|---|
//! | a request | `read/` | `write/` |
//! | an answer | `answer/read` | `answer/write` |
//! | a stream | `stream/read` | `stream/write` |
//! | an error | `fault` | `fault` |
//!
//! A conversation is a flat list of *items* here: messages, calls, results,
//! reasoning. The canonical form has messages made of blocks: items of the
//! model that follow one another become one message, results too. Ids of
//! messages and calls' items are not kept; they mean something only to who
//! stored them, and are optional.

mod answer;
mod emulated;
mod fault;
mod fields;
mod hosts;
mod ids;
mod item;
mod media;
mod read;
mod seal;
mod stream;
mod tool;
mod usage;
mod write;

pub(crate) use usage::read as read_usage;

pub use answer::{read_answer, read_failure, write_answer, write_queued};
pub use fault::{read_fault, write_fault, write_fault_event};
pub use read::read_request;
pub use stream::{StreamReader, StreamWriter, write_broken, write_failed};
pub use write::write_request;

pub use crate::translate::{Head, Malformed};
pub(super) use fault::code_and_message;
pub(super) use ids::{answer_of, item as item_id};
pub(super) use seal::is_sealed;
