//! Streams of one JSON text a line (NDJSON): where one line ends and the next
//! begins.
//!
//! Framing only, no meaning, and in the same frames as server-sent events
//! ([`crate::sse`]): the data is the line. Every byte that goes in comes out
//! again in some frame, in order, and the frames do not depend on how the
//! stream was cut into chunks.

use bytes::{Bytes, BytesMut};

use crate::sse::{Frame, FrameTooLong};

/// Cuts a stream of bytes into lines.
#[derive(Debug)]
pub struct Framer {
    pending: BytesMut,
    limit: usize,
}

impl Framer {
    /// A framer that takes lines of at most `limit` bytes, their ends counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            pending: BytesMut::new(),
            limit,
        }
    }

    /// Takes a chunk and adds the lines that it completes to `out`. A line
    /// that lies in one chunk is a slice of it.
    ///
    /// # Errors
    /// [`FrameTooLong`]; the framer is of no use afterwards.
    pub fn push(&mut self, mut chunk: Bytes, out: &mut Vec<Frame>) -> Result<(), FrameTooLong> {
        let too_long = FrameTooLong { limit: self.limit };
        while let Some(at) = memchr::memchr(b'\n', &chunk) {
            if self.pending.len() + at + 1 > self.limit {
                return Err(too_long);
            }
            let mut line = chunk.split_to(at + 1);
            if !self.pending.is_empty() {
                self.pending.extend_from_slice(&line);
                line = self.pending.split().freeze();
            }
            out.push(read(line));
        }
        if self.pending.len() + chunk.len() > self.limit {
            return Err(too_long);
        }
        self.pending.extend_from_slice(&chunk);
        Ok(())
    }

    /// The stream is over: the line whose end never came. Some servers leave
    /// it out behind their last; whether it is whole its reader sees.
    pub fn last(&mut self) -> Option<Frame> {
        let rest = self.pending.split().freeze();
        (!rest.is_empty()).then(|| read(rest))
    }
}

/// Reads a line; a blank one says nothing.
fn read(bytes: Bytes) -> Frame {
    let line = bytes.trim_ascii();
    let data = (!line.is_empty()).then(|| bytes.slice_ref(line));
    Frame {
        data_at: None,
        event: None,
        data,
        bytes,
    }
}
