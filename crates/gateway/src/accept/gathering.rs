//! A stream's pieces, gathered: all that is there at once becomes one chunk of
//! HTTP/1 and one write. Nothing waits for more.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http1::Length;

use crate::serve::AnswerBody;
use crate::wire::{End, Outlet};

/// The most of a stream that is gathered into one write.
const GATHER: usize = 64 << 10;
/// What the line before a chunk takes at most, and what is made room for.
const HEAD_LINE: usize = 18;
const HEADS: usize = 256;
/// A stream on its way out.
pub(super) struct Streaming {
    body: AnswerBody,
    is_chunked: bool,
    /// The connection's end is the only sign of its own.
    ends_with_connection: bool,
    /// Nothing more will come.
    pub(super) is_over: bool,
    /// It ended before its end: the client must see that.
    pub(super) is_broken: bool,
    /// Nothing is there now; whoever brings more wakes the connection.
    pub(super) waits: bool,
    // Kept for their capacity.
    parts: Vec<Bytes>,
    heads: BytesMut,
}

impl Streaming {
    pub(super) fn new(body: AnswerBody, length: Length) -> Self {
        Self {
            body,
            is_chunked: length == Length::Chunked,
            ends_with_connection: length == Length::UntilClose,
            is_over: false,
            is_broken: false,
            waits: false,
            parts: Vec::new(),
            heads: BytesMut::new(),
        }
    }

    /// It broke. Where the connection's end is its own, that must not be a
    /// clean one.
    pub(super) fn cut_off(&self, end: &End) {
        if self.ends_with_connection {
            end.socket.line().forget();
        }
    }

    /// Puts what there is of the stream into the outlet, as one chunk.
    pub(super) fn gather(&mut self, cx: &mut Context<'_>, out: &mut Outlet) {
        let mut length = 0;
        self.waits = false;
        while length < GATHER && !self.is_over && !self.waits {
            match self.body.poll_next(cx) {
                Poll::Ready(Some(bytes)) => {
                    length += bytes.len();
                    self.parts.push(bytes);
                }
                Poll::Ready(None) => {
                    self.is_over = true;
                    self.is_broken = self.body.is_broken();
                }
                Poll::Pending => self.waits = true,
            }
        }
        if length > 0 && self.is_chunked {
            if self.heads.capacity() < HEAD_LINE {
                self.heads.reserve(HEADS);
            }
            http1::write_chunk_head(&mut self.heads, length);
            out.push(self.heads.split().freeze());
        }
        self.parts.drain(..).for_each(|part| out.push(part));
        let is_whole = self.is_over && !self.is_broken;
        let tail = match (self.is_chunked, length > 0, is_whole) {
            (false, ..) | (true, false, false) => return,
            (true, true, false) => http1::CHUNK_TAIL,
            (true, false, true) => http1::LAST_CHUNK,
            (true, true, true) => b"\r\n0\r\n\r\n",
        };
        out.push(Bytes::from_static(tail));
    }
}
