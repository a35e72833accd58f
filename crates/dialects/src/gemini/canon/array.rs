//! A stream as one JSON array: what Google sends to clients that do not ask
//! for `alt=sse`.

use bytes::{BufMut, Bytes, BytesMut};

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
        let json = json.strip_prefix(b"data:").unwrap_or(json).trim_ascii();
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
