//! What has come and was not looked at yet.
//!
//! Thousands of connections wait at any time, and each could hold a buffer
//! for bytes that may come. Here all of a loop read into one scratch buffer,
//! and a connection keeps only what really came. A body whose length is known
//! and large is read straight into its place instead.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;

use super::Socket;

/// The most that one call reads without knowing what it is for.
const SCRATCH: usize = 16 << 10;
/// The largest that comes in one piece, and the pieces of what is larger:
/// hundreds of bodies may come at once, and each holds one.
const WHOLE: usize = 1 << 20;
const PIECE: usize = 128 << 10;

/// One buffer for all connections of a loop.
#[derive(Clone)]
pub(crate) struct Scratch(Rc<RefCell<Box<[u8]>>>);

impl Default for Scratch {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(vec![0; SCRATCH].into())))
    }
}

/// A connection's unread bytes.
pub(crate) struct Inlet {
    /// What came.
    pub(crate) bytes: BytesMut,
    scratch: Scratch,
}

impl Inlet {
    pub(crate) fn new(scratch: &Scratch) -> Self {
        Self {
            bytes: BytesMut::new(),
            scratch: scratch.clone(),
        }
    }

    /// Reads what is there. `expected` is how much is known to come; 0 means
    /// that nobody knows. `Ok(0)` is the end.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        expected: u64,
    ) -> Poll<io::Result<usize>> {
        let missing = usize::try_from(expected)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.bytes.len());
        if missing > SCRATCH {
            let piece = if missing > WHOLE { PIECE } else { missing };
            return self.fill_in_place(cx, socket, piece);
        }
        if self.bytes.is_empty() && self.bytes.capacity() == 0 {
            // Gives a shared buffer back whose last byte was taken.
            self.bytes = BytesMut::new();
        }
        let mut scratch = self.scratch.0.borrow_mut();
        let read = ready!(socket.poll_take(cx, &mut scratch))?;
        if read > 0 {
            let whole = missing.max(read);
            self.bytes.reserve(whole);
            self.bytes.extend_from_slice(&scratch[..read]);
        }
        Poll::Ready(Ok(read))
    }

    fn fill_in_place(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        missing: usize,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.capacity() == self.bytes.len() {
            self.bytes.reserve(missing);
        }
        socket.poll_append(cx, &mut self.bytes)
    }
}
