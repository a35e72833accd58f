//! One HTTP/1 exchange with an upstream, on the task of the request itself:
//! nobody else is woken for it, backpressure reaches the upstream by itself,
//! and dropping it closes the connection at once.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use domain::refusal::Refusal;
use http::Method;
use http1::{Answer, Body, Bounds, Reader, Step};
use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use crate::wire::{End, Scratch, Socket};

/// Bounds of an answer's head.
pub(super) const BOUNDS: Bounds = Bounds {
    head_bytes: 256 << 10,
    fields: 256,
};
/// Informational heads in front of an answer: more is a game.
pub(super) const MOST_HINTS: u32 = 16;

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection had ended before a byte of the request could be written:
    /// nobody can have worked on it.
    Unheard(io::Error),
    /// It ended before a byte of an answer.
    Unanswered(io::Error),
    /// It broke, or what came is no HTTP.
    Nonsense(String),
    /// Nothing came in time.
    Late,
    /// The request's own body, which came while it went out, was at fault.
    Client(Box<Refusal>),
}

impl Broken {
    /// Whether the connection has ended without a byte of an answer.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Unheard(_) | Self::Unanswered(_))
    }
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
        (head, parts): (Bytes, &[Bytes]),
        due: Instant,
    ) -> Result<Begun, Broken> {
        self.end.push(head);
        for part in parts {
            self.end.push(part.clone());
        }
        let mut hearing = Hearing::begins(&self.end);
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
        match self.end.socket.line().taken() == hearing.before {
            true => Broken::Unheard(error),
            false => Broken::Unanswered(error),
        }
    }
}

/// What was heard of an answer so far.
pub(super) struct Hearing {
    /// Informational heads.
    pub(super) hints: u32,
    /// What the system had taken for the connection before the request.
    before: u64,
}

impl Hearing {
    /// Nothing yet, of a request that goes out now.
    pub(super) fn begins(end: &End) -> Self {
        Self {
            hints: 0,
            before: end.socket.line().taken(),
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

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::wire::{Line, stage::play};

    /// Asks by a connection whose other side does `this` in the moment before
    /// the first byte leaves, when nobody here has been told of it yet.
    fn asked_behind(this: impl FnOnce(TcpStream), check: impl FnOnce(Broken)) {
        play(async |writer| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address");
            let stream = tokio::net::TcpStream::connect(address).await;
            let (other, _) = listener.accept().expect("a connection");
            // Until the system has nothing more to tell.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let line = Line::to_upstream(stream.expect("connected"), writer);
            let mut link = Box::new(Link::new(Socket::Plain(line), &Scratch::default()));
            this(other);
            assert!(link.is_good(), "nobody has told it");
            let due = Instant::now() + Duration::from_secs(5);
            let asked = link.ask((Bytes::from_static(b"POST"), &[]), due);
            check(asked.await.err().expect("no answer"));
        });
    }

    #[test]
    fn nobody_has_heard_what_could_not_be_written() {
        let reset = |other: TcpStream| {
            let socket = socket2::SockRef::from(&other);
            socket.set_linger(Some(Duration::ZERO)).expect("a reset");
        };
        asked_behind(reset, |broken| {
            assert!(matches!(broken, Broken::Unheard(_)), "{broken:?}");
        });
    }

    #[test]
    fn what_was_written_may_have_been_heard() {
        asked_behind(drop, |broken| {
            assert!(matches!(broken, Broken::Unanswered(_)), "{broken:?}");
        });
    }
}
