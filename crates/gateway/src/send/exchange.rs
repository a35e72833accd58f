//! One HTTP/1 exchange with an upstream, on the task of the request itself:
//! nobody else is woken for it, backpressure reaches the upstream by itself,
//! and dropping it closes the connection at once.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use domain::refusal::Refusal;
use http::Method;
use http1::{Answer, Body, Bounds, Reader, Step};
use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use super::outgoing::Outgoing;
use crate::wire::{End, Scratch, Socket};

/// Bounds of an answer's head.
pub(super) const BOUNDS: Bounds = Bounds {
    head_bytes: 256 << 10,
    fields: 256,
};
/// How soon a connection ends that was closed before the request came: only
/// then is it sent again, since nobody can have worked on it.
const STALE: Duration = Duration::from_secs(1);
/// Informational heads in front of an answer: more is a game.
pub(super) const MOST_HINTS: u32 = 16;

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection ended before a byte of an answer, so soon that the other
    /// side closed it before it read the request.
    Unanswered(io::Error),
    /// It broke, or what came is no HTTP.
    Nonsense(String),
    /// Nothing came in time.
    Late,
    /// The request's own body, which came while it went out, was at fault.
    Client(Box<Refusal>),
}

/// A connection to an upstream.
pub(super) struct Link {
    pub(super) end: End,
    pub(super) reader: Reader,
}

/// An answer's head, and where its body comes from.
pub(super) struct Begun {
    pub(super) answer: Answer,
    pub(super) reading: Reading,
}

impl Link {
    pub(super) fn new(socket: Socket, scratch: &Scratch) -> Self {
        Self {
            end: End::new(socket, scratch),
            reader: Reader::default(),
        }
    }

    /// Whether a kept connection can be used: its other side has neither
    /// closed it nor sent anything unasked. Costs no call of the system.
    pub(super) fn is_good(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let is_quiet = self.end.unread() == 0;
        // Whatever this task has left of its turn: no answer is not a good one.
        let filling = poll_fn(|cx| self.end.poll_fill(cx, 0));
        is_quiet && pin!(unconstrained(filling)).poll(&mut cx).is_pending()
    }

    /// Sends a request and waits for the answer's head until `due`.
    pub(super) async fn ask(
        mut self: Box<Self>,
        request: &Outgoing,
        due: Instant,
    ) -> Result<Begun, Broken> {
        self.end.push(request.head());
        for part in request.parts() {
            self.end.push(part.clone());
        }
        let mut hearing = Hearing::begins();
        let answer = poll_fn(|cx| self.poll_head(cx, &mut hearing, due)).await?;
        Ok(self.begun(answer))
    }

    /// An answer whose head has come.
    pub(super) fn begun(self: Box<Self>, answer: Answer) -> Begun {
        let body = Body::new(answer.length);
        let is_kept = answer.keep_alive;
        Begun {
            answer,
            reading: Reading {
                link: self,
                body,
                is_kept,
            },
        }
    }

    /// Writes what is left to write and reads the answer's head, which may come
    /// before everything is written.
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        hearing: &mut Hearing,
        due: Instant,
    ) -> Poll<Result<Answer, Broken>> {
        let mut failed = None;
        loop {
            if failed.is_none() && !self.end.is_written() {
                // A failed write may still be followed by an answer that says
                // why; without one it counts.
                if let Poll::Ready(Err(error)) = self.end.poll_write(cx) {
                    failed = Some(error);
                }
            }
            let heard = self.reader.answer(self.end.bytes(), &BOUNDS, &Method::POST);
            match heard {
                Ok(Some(answer))
                    if answer.status.is_informational() && hearing.hints < MOST_HINTS =>
                {
                    hearing.hints += 1;
                    continue;
                }
                Ok(Some(answer)) => return Poll::Ready(Ok(answer)),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Err(Broken::Nonsense(fault.to_string()))),
            }
            match self.end.poll_fill(cx, 0) {
                Poll::Ready(Ok(0)) => {
                    let closed = || io::Error::from(io::ErrorKind::UnexpectedEof);
                    return Poll::Ready(Err(
                        self.unanswered(hearing, failed.unwrap_or_else(closed))
                    ));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(self.unanswered(hearing, failed.unwrap_or(error))));
                }
                Poll::Pending => {
                    if let Some(error) = failed {
                        return Poll::Ready(Err(self.unanswered(hearing, error)));
                    }
                    ready!(self.end.poll_late(cx, due));
                    return Poll::Ready(Err(Broken::Late));
                }
            }
        }
    }

    pub(super) fn unanswered(&self, hearing: &Hearing, error: io::Error) -> Broken {
        if self.end.unread() > 0 {
            let what = "the connection ended within the head of the answer";
            return Broken::Nonsense(what.to_owned());
        }
        // Later, or behind a hint, the request may have been worked on.
        if hearing.hints > 0 || hearing.since.elapsed() >= STALE {
            return Broken::Nonsense(error.to_string());
        }
        Broken::Unanswered(error)
    }
}

/// What was heard of an answer so far.
pub(super) struct Hearing {
    /// Informational heads.
    pub(super) hints: u32,
    /// When the request began to go out.
    since: Instant,
}

impl Hearing {
    /// Nothing yet, of a request that goes out now.
    pub(super) fn begins() -> Self {
        Self {
            hints: 0,
            since: Instant::now(),
        }
    }
}

/// The body of an answer that is being read.
pub(super) struct Reading {
    link: Box<Link>,
    body: Body,
    is_kept: bool,
}

impl Reading {
    /// The next bytes; `None` at a clean end.
    pub(super) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, String>>> {
        loop {
            match self.body.next(self.link.end.bytes()) {
                Ok(Step::Data(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                Ok(Step::Done) => return Poll::Ready(None),
                Ok(Step::More) => {}
                Err(fault) => return Poll::Ready(Some(Err(fault.to_string()))),
            }
            let end = &mut self.link.end;
            if !end.is_written() {
                // It answers before it has read everything. Whether the rest
                // can be written is no matter of the answer's.
                let _ = end.poll_write(cx);
            }
            let expected = self.body.remaining().unwrap_or(0);
            match ready!(end.poll_fill(cx, expected)) {
                Ok(0) => {
                    let end = self.body.end();
                    return Poll::Ready(end.err().map(|fault| Err(fault.to_string())));
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error.to_string()))),
            }
        }
    }

    /// How many bytes are still to come, if that was announced.
    pub(super) fn left(&self) -> Option<u64> {
        self.body.remaining()
    }

    /// Ready once `due` is past.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        self.link.end.poll_late(cx, due)
    }

    /// The connection, if another request may use it.
    pub(super) fn into_kept(self) -> Option<Box<Link>> {
        let end = &self.link.end;
        let is_idle = end.unread() == 0 && end.is_written();
        (self.is_kept && self.body.is_done() && is_idle).then_some(self.link)
    }
}
