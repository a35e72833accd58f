//! Events on the wire.

use bytes::Bytes;

use crate::json::{Object, object};

/// Writes events and numbers them.
#[derive(Debug, Default)]
pub(in super::super) struct Line {
    next: u64,
}

impl Line {
    /// One that goes on behind so many events.
    pub(in super::super) fn behind(events: u64) -> Self {
        Self { next: events }
    }

    /// Writes an event.
    pub(in super::super) fn event(
        &mut self,
        out: &mut Vec<Bytes>,
        kind: &str,
        write: impl FnOnce(&mut Object<'_>),
    ) {
        let number = self.next;
        self.next += 1;
        let data = object(|o| {
            o.string("type", kind).number("sequence_number", number);
            write(o);
        });
        out.push(framed(kind, &data));
    }
}

/// A frame with its event's name.
fn framed(kind: &str, data: &[u8]) -> Bytes {
    [b"event: ", kind.as_bytes(), b"\ndata: ", data, b"\n\n"]
        .concat()
        .into()
}
