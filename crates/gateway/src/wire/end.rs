//! This side's end of an HTTP/1 connection: what came and was not looked at,
//! what is on its way out, and one alarm for all that may be late.

use std::io;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::{Alarm, Inlet, Outlet, Scratch, Socket};

/// One end of a connection.
pub(crate) struct End {
    pub(crate) socket: Socket,
    inlet: Inlet,
    outlet: Outlet,
    alarm: Alarm,
}

impl End {
    pub(crate) fn new(socket: Socket, scratch: &Scratch) -> Self {
        Self {
            socket,
            inlet: Inlet::new(scratch),
            outlet: Outlet::default(),
            alarm: Alarm::default(),
        }
    }

    /// What came and was not taken.
    pub(crate) fn bytes(&mut self) -> &mut BytesMut {
        &mut self.inlet.bytes
    }

    /// How much that is.
    pub(crate) fn unread(&self) -> usize {
        self.inlet.bytes.len()
    }

    /// Reads more; see [`Inlet::poll_fill`].
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        expected: u64,
    ) -> Poll<io::Result<usize>> {
        self.inlet.poll_fill(cx, &mut self.socket, expected)
    }

    /// What is on its way out.
    pub(crate) fn outlet(&mut self) -> &mut Outlet {
        &mut self.outlet
    }

    /// Adds bytes behind those on their way out.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.outlet.push(bytes);
    }

    /// Whether everything has left.
    pub(crate) fn is_written(&self) -> bool {
        self.outlet.is_empty()
    }

    /// Writes all of it; see [`Outlet::poll_write`].
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet
            .poll_write(cx, &mut self.socket, &mut self.alarm)
    }

    /// Ready once `due` is past.
    pub(crate) fn poll_late(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        self.alarm.poll(cx, due)
    }

    /// The connection, and what came by it.
    pub(crate) fn into_parts(self) -> (Socket, Bytes) {
        (self.socket, self.inlet.bytes.freeze())
    }
}
