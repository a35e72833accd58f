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
/// How long the other side may take no byte, and how long it has in any case.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes a second that it must take behind that, while there are bytes for it.
const RATE: u64 = 1 << 10;

/// Bytes that wait to be written.
#[derive(Default)]
pub(crate) struct Outlet {
    parts: VecDeque<Bytes>,
    /// Since when bytes wait, and how many were taken since.
    waiting: Option<(Instant, u64)>,
    /// Time spent waiting before, and what was taken in it.
    waited: Duration,
    taken: u64,
}

impl Outlet {
    /// Adds bytes behind the others.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.parts.push_back(bytes);
        }
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
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
                Poll::Ready(written) => self.advance(written?),
                Poll::Pending => return self.wait(cx, alarm),
            }
        }
        match socket.poll_flush(cx) {
            Poll::Ready(flushed) => {
                if let Some((since, taken)) = self.waiting.take() {
                    self.waited += since.elapsed();
                    self.taken += taken;
                }
                Poll::Ready(flushed)
            }
            Poll::Pending => self.wait(cx, alarm),
        }
    }

    fn advance(&mut self, mut written: usize) {
        if let Some((_, taken)) = &mut self.waiting {
            *taken += written as u64;
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
    fn wait(&mut self, cx: &mut Context<'_>, alarm: &mut Alarm) -> Poll<io::Result<()>> {
        let (since, taken) = *self.waiting.get_or_insert_with(|| (Instant::now(), 0));
        let earned = GRACE + Duration::from_secs((self.taken + taken) / RATE);
        let due = since + earned.saturating_sub(self.waited);
        ready!(alarm.poll(cx, due));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the other side reads too slowly",
        )))
    }
}
