//! A stream as one JSON array: what Google sends to clients that do not ask
//! for `alt=sse`.

use bytes::{BufMut, Bytes, BytesMut};
use domain::canon::Chunk;

use super::StreamWriter;
use crate::translate::{Head, WriteStream};

/// Makes the pieces of one array from the frames of a stream. The pieces are
/// `[{…}`, `,{…}` … and `]`, with line ends between them as Google has them.
#[derive(Debug, Default)]
pub struct ArrayWriter {
    has_item: bool,
}

impl ArrayWriter {
    /// An array without items.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next item. `frame` is what a [`StreamWriter`](super::StreamWriter)
    /// or [`write_fault_event`](super::write_fault_event) gave, or JSON alone.
    pub fn push(&mut self, frame: &[u8]) -> Bytes {
        let json = frame.trim_ascii();
        let json = json.strip_prefix(b"data:").unwrap_or(json);
        // The same error stands twice in what ends a stream of events.
        let end = memchr::memmem::find(json, b"\n\n").unwrap_or(json.len());
        let json = json.get(..end).unwrap_or(json).trim_ascii();
        let mut out = BytesMut::with_capacity(json.len() + 4);
        let before: &[u8] = match std::mem::replace(&mut self.has_item, true) {
            true => b",\n",
            false => b"[",
        };
        out.put_slice(before);
        out.put_slice(json);
        out.put_u8(b'\n');
        out.freeze()
    }

    /// The end of the array; an empty one if nothing came.
    #[must_use]
    pub fn finish(self) -> Bytes {
        Bytes::from_static(if self.has_item { b"]" } else { b"[]" })
    }
}

/// Writes a stream as one array.
#[derive(Debug)]
pub struct ArrayStream {
    writer: StreamWriter,
    array: ArrayWriter,
    // Emptied in every call; kept for its room.
    frames: Vec<Bytes>,
}

impl ArrayStream {
    /// An array that nothing is in yet.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            writer: StreamWriter::new(head),
            array: ArrayWriter::new(),
            frames: Vec::new(),
        }
    }
}

impl WriteStream for ArrayStream {
    fn push(&mut self, chunk: &Chunk, out: &mut Vec<Bytes>) {
        self.writer.push(chunk, &mut self.frames);
        out.extend(self.frames.drain(..).map(|frame| self.array.push(&frame)));
        if matches!(chunk, Chunk::End | Chunk::Error(_)) {
            out.push(std::mem::take(&mut self.array).finish());
        }
    }
}
