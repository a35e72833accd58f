//! What each dialect can read and write: the table of dialects.

use bytes::Bytes;
use domain::canon::{Answer, Chunk, Dialect, Fault, Media, Request, Written};
use domain::refusal::Refusal;

use super::{Names, Target};
use crate::SystemRules;
use crate::json::Document;
use crate::sse::Frame;

/// What the writers of answers must know of the request.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The request.
    pub request: &'a Request,
    /// When it came, in seconds since 1970, for dialects that want a time
    /// where the provider gave none.
    pub created: i64,
    /// An id for where the provider gave none.
    pub id: &'a str,
    /// The request's own, for errors; empty where there is none.
    pub request_id: &'a str,
}

/// An event that is none of its dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Reads a provider's stream. Synchronous; the same however the bytes were cut.
pub trait ReadStream: std::fmt::Debug {
    /// Takes the next frame and adds what it says to `out`.
    ///
    /// # Errors
    /// It is none of the dialect; the reader is of no use afterwards.
    fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed>;

    /// The bytes ended cleanly. Of a dialect without an end mark this may be
    /// the end.
    fn finish(&mut self, out: &mut Vec<Chunk>) {
        let _ = out;
    }
}

/// Writes a client's stream.
pub trait WriteStream: std::fmt::Debug {
    /// Adds what `chunk` is in this dialect to `out`, each a whole frame.
    fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>);
}

/// The translators of a dialect that providers speak.
#[derive(Clone, Copy, Debug)]
pub struct Upstream {
    /// Whose.
    pub dialect: Dialect,
    /// A request for a target.
    pub write_request: fn(&Request, &Target<'_>) -> Written<Vec<u8>>,
    /// Whether a medium that lies at a URL has to come as bytes, because these
    /// providers fetch none of its kind but take them.
    pub wants_bytes: fn(&Media) -> bool,
    /// A provider's answer; `None` if it is none.
    pub read_answer: fn(&Document, &Names) -> Option<Answer>,
    /// A provider's stream.
    pub read_stream: fn(Names) -> Box<dyn ReadStream>,
    /// A provider's error, by its status and body.
    pub read_fault: fn(u16, &[u8]) -> Fault,
}

/// The translators of a dialect that clients speak.
#[derive(Clone, Copy, Debug)]
pub struct Codec {
    /// Whose.
    pub dialect: Dialect,
    /// A client's request.
    pub read_request: fn(&Document) -> Result<Request, Refusal>,
    /// A policy's rules in a client's request of a conversation.
    pub system_rules: SystemRules,
    /// An answer for a client.
    pub write_answer: fn(&Answer, &Head<'_>) -> Vec<u8>,
    /// A client's stream.
    pub write_stream: fn(&Head<'_>) -> Box<dyn WriteStream>,
    /// An error for a client, with the request's id.
    pub write_fault: fn(&Fault, &str) -> Vec<u8>,
    /// The event that ends a client's stream in the middle.
    pub write_fault_event: fn(&Fault, &str) -> Bytes,
}
