//! A strict HTTP/1.1 codec for both sides; pure: no IO, no clock.
//!
//! One meaning per byte: whatever two parsers of the field might read in two
//! ways is a [`Fault`], after which the connection closes. A [`Reader`] takes
//! heads off the front of a buffer, a [`Body`] what follows them, and
//! [`write_ask`] and [`write_answer`] append heads to one.
//!
//! # Where this differs from hyper on purpose
//!
//! | on the wire | hyper 1.12 | here |
//! |---|---|---|
//! | a line of a head ended by a bare LF | accepted | refused, as in chunk lines and trailers |
//! | blank lines before a request | any number, CRLF or LF | two at most, CRLF only |
//! | no `Host` in HTTP/1.1, or two, or one that is no `host[:port]` | accepted | refused |
//! | `http://a/` with `Host: b` | accepted | refused; if both are equal, the path is kept |
//! | `CONNECT`, a target without `/`, a fragment, raw non-ASCII, `\` | accepted, the fragment dropped | refused |
//! | `Content-Length` beside `Transfer-Encoding` | the length is dropped | refused |
//! | equal lengths twice in a request | merged | refused; merged in answers only |
//! | a length with a leading zero in a request | accepted | refused: some read it as octal |
//! | `Transfer-Encoding: gzip, chunked` | accepted | refused: nobody here undoes the gzip |
//! | `Content_Length`, `Transfer.Encoding` and the like | plain fields | refused: some backends normalise them |
//! | `Connection: content-length` | accepted | refused: a proxy behind might drop the field |
//! | `Expect` other than `100-continue` | ignored | refused with 417 |
//! | white space after a chunk's size, extensions of any form | accepted | refused; tokens and quoted strings only, 1 KiB in all a body |
//! | trailers | given on | parsed as strictly as heads, then dropped |
//! | `Upgrade`, 101 | given on | ignored in requests, a fault in answers |
//! | the refusal's answer | an empty body | the caller's, from [`Fault::status`] and [`Fault::sentence`] |

#![forbid(unsafe_code)]

mod answer;
mod ask;
mod body;
mod chunk;
mod fault;
mod fields;
mod framing;
mod lines;
mod reader;
mod target;
mod write;

pub use answer::Answer;
pub use ask::Ask;
pub use body::{Body, Step};
pub use fault::Fault;
pub use fields::Fields;
pub use reader::Reader;
pub use write::{
    AnswerFraming, write_answer, write_ask, write_chunk_head, write_fields, write_post,
};

/// What follows the data of each chunk.
pub const CHUNK_TAIL: &[u8] = b"\r\n";
/// Ends a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// Tells a client that expects it to send its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How much a head may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes from the start line to the empty line, both included.
    pub head_bytes: usize,
    /// Fields.
    pub fields: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head_bytes: 64 * 1024,
            fields: 100,
        }
    }
}

/// How a message's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// No body.
    None,
    /// So many bytes.
    Exact(u64),
    /// Chunks, the last of them empty.
    Chunked,
    /// Until the connection ends; answers only.
    UntilClose,
}
