//! What is on its way out: slices of what others hold, written by as few
//! calls as the system allows.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::time::Instant;

use super::{Alarm, Socket};

/// Slices in one call.
const SLICES: usize = 16;
/// How long the other side may take no byte. Time spent waiting is earned back
/// by what it takes, but never more than this is left: who took much at once
/// cannot live on it for hours.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes a second that it must take, while there are bytes for it.
const RATE: u64 = 1 << 10;

/// Bytes that wait to be written.
#[derive(Default)]
pub(crate) struct Outlet {
    parts: VecDeque<Bytes>,
    /// TLS has taken bytes that the system has not.
    is_unflushed: bool,
    /// Since when bytes wait and none was taken.
    waiting: Option<Instant>,
    /// Time spent waiting before that, and not earned back.
    waited: Duration,
}

impl Outlet {
    /// Adds bytes behind the others.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.parts.push_back(bytes);
        }
    }

    /// Whether there is nothing to write, here or within TLS.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty() && !self.is_unflushed
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The connection is gone, or the other side takes bytes more slowly than
    /// it may. Only time in which bytes wait counts.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        alarm: &mut Alarm,
    ) -> Poll<io::Result<()>> {
        while !self.parts.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(&self.parts) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            match socket.poll_give(cx, &slices[..count]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => {
                    self.is_unflushed = true;
                    self.advance(written?);
                }
                Poll::Pending => return self.wait(cx, socket, alarm),
            }
        }
        match socket.poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.is_unflushed = false;
                if let Some(since) = self.waiting.take() {
                    self.waited += since.elapsed();
                }
                Poll::Ready(flushed)
            }
            Poll::Pending => self.wait(cx, socket, alarm),
        }
    }

    fn advance(&mut self, mut written: usize) {
        if let Some(since) = &mut self.waiting {
            let now = Instant::now();
            let earned = Duration::from_micros(written as u64 * 1_000_000 / RATE);
            self.waited = (self.waited + now.duration_since(*since)).saturating_sub(earned);
            *since = now;
        }
        while let Some(first) = self.parts.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.parts.pop_front();
        }
    }

    /// Waits for the other side, as long as it keeps up the least rate.
    fn wait(
        &mut self,
        cx: &mut Context<'_>,
        socket: &Socket,
        alarm: &mut Alarm,
    ) -> Poll<io::Result<()>> {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let due = since + GRACE.saturating_sub(self.waited);
        ready!(alarm.poll(cx, due));
        socket.line().forget();
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the other side reads too slowly",
        )))
    }
}
