//! `OpenAI`'s chat completions, from and into the canonical form.
//!
//! | what | read | written |
//! |---|---|---|
//! | a request | `request`, `messages`, `parts`, `tools`, `reasoning` | `write_request`, `plan`, `write_message`, `write_tools` |
//! | an answer | `answer`, `thoughts` | `write_answer`, `thoughts`, `citations` |
//! | a stream | `stream_reader`, `stream_choice`, `calls` | `stream_writer`, `frames` |
//! | an error | `fault` | `fault` |
//! | an old completion | `completion` | `completion` |
//!
//! The dialect is spoken by many servers that are not `OpenAI`. Readers take
//! what those are known to send; writers give what `OpenAI` itself documents,
//! and what clients that keep unknown fields can send back.

mod answer;
mod calls;
mod citations;
mod completion;
mod fault;
mod fields;
mod frames;
mod ids;
pub(crate) mod media;
mod messages;
mod parts;
mod plan;
mod reasoning;
mod request;
mod stop;
mod stream_choice;
mod stream_reader;
mod stream_writer;
mod thoughts;
mod tools;
mod write_answer;
mod write_message;
mod write_request;
mod write_tools;
mod write_usage;

pub use answer::read_answer;
pub use completion::{CompletionWriter, read_completion_request, write_completion_answer};
pub use fault::{read_fault, write_fault, write_fault_event};
pub use request::read_request;
pub use stream_reader::StreamReader;
pub use stream_writer::StreamWriter;
pub use write_answer::write_answer;
pub use write_request::{write_request, write_request_with_thoughts};

pub use crate::translate::{Head, Malformed};
