//! Who shuts the windows of HTTP/2 and lets answers lie: such a connection is
//! dropped, though it acknowledges every ping.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::serve::AnswerBody;

/// How long no answer of a connection may move while one of them could.
const STALL: Duration = Duration::from_secs(30);
/// How long a connection may be without any request.
const IDLE: Duration = Duration::from_secs(100);
/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// An answer is handed on in pieces of this size, each when its stream has a
/// window: what was handed on is held until the client takes it.
const PIECE: usize = 16 << 10;

/// What the answers of one connection do.
pub(super) struct Pace {
    open: Cell<usize>,
    /// Those that wait for their client, not for an upstream.
    ready: Cell<usize>,
    moved: Cell<Instant>,
}

impl Pace {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            open: Cell::new(0),
            ready: Cell::new(0),
            moved: Cell::new(Instant::now()),
        })
    }

    /// A request has come.
    pub(super) fn begins(self: &Rc<Self>) -> Turn {
        self.open.set(self.open.get() + 1);
        self.moved.set(Instant::now());
        Turn {
            pace: Rc::clone(self),
            is_clients: false,
        }
    }

    /// Ends once nothing has moved for too long.
    pub(super) async fn stalled(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let still = self.moved.get().elapsed();
            let is_stalled = self.ready.get() > 0 && still >= STALL;
            if is_stalled || self.open.get() == 0 && still >= IDLE {
                return;
            }
        }
    }
}

/// Whose turn it is in one exchange.
pub(super) struct Turn {
    pace: Rc<Pace>,
    is_clients: bool,
}

impl Turn {
    fn give_to_client(&mut self) {
        if !std::mem::replace(&mut self.is_clients, true) {
            self.pace.ready.set(self.pace.ready.get() + 1);
        }
    }

    fn take_from_client(&mut self) {
        if std::mem::replace(&mut self.is_clients, false) {
            self.pace.ready.set(self.pace.ready.get() - 1);
        }
    }

    fn moved(&self) {
        self.pace.moved.set(Instant::now());
    }

    /// The answer is there: the client's turn.
    pub(super) fn answers(mut self, body: AnswerBody) -> Paced {
        self.give_to_client();
        self.moved();
        Paced {
            body,
            rest: Bytes::new(),
            turn: self,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.take_from_client();
        self.moved();
        self.pace.open.set(self.pace.open.get() - 1);
    }
}

/// An answer's body whose pace is watched.
pub(super) struct Paced {
    body: AnswerBody,
    rest: Bytes,
    turn: Turn,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            match self.body.poll_next(cx) {
                Poll::Ready(Some(bytes)) => self.rest = bytes,
                Poll::Ready(None) if self.body.is_broken() => {
                    // Resets the stream: an end would look like the whole.
                    let broken = io::Error::from(io::ErrorKind::ConnectionAborted);
                    return Poll::Ready(Some(Err(broken)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    self.turn.take_from_client();
                    return Poll::Pending;
                }
            }
        }
        self.turn.give_to_client();
        self.turn.moved();
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.body.size_hint().exact() {
            Some(more) => SizeHint::with_exact(self.rest.len() as u64 + more),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_stalled_after(pace: &Pace, seconds: u64) -> bool {
        let time = Duration::from_secs(seconds);
        tokio::time::timeout(time, pace.stalled()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_takes_end_the_connection_and_slow_upstreams_do_not() {
        let pace = Pace::new();
        let turn = pace.begins();
        assert!(!is_stalled_after(&pace, 300).await, "an upstream thinks");
        let answer = turn.answers(AnswerBody::whole("a"));
        assert!(!is_stalled_after(&pace, 20).await);
        assert!(is_stalled_after(&pace, 20).await);
        drop(answer);
        assert!(!is_stalled_after(&pace, 90).await);
        assert!(is_stalled_after(&pace, 20).await, "nobody asks any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_comes_out_whole_and_in_pieces() {
        let pace = Pace::new();
        let text = "x".repeat(PIECE * 2 + 5);
        let mut body = pace.begins().answers(AnswerBody::whole(text.clone()));
        let mut lengths = Vec::new();
        assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
        while let Some(Ok(frame)) =
            std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            lengths.push(frame.into_data().expect("data").len());
        }
        assert_eq!(lengths, [PIECE, PIECE, 5]);
        assert!(body.is_end_stream());
    }
}
