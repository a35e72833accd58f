//! One HTTP/1 exchange whose body comes from a client while it goes out: no
//! more of it is held than one piece, and who stops reading on one side stops
//! the sender on the other.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::model::HttpVersion;
use domain::refusal::Refusal;
use http::Method;
use http1::{Answer, Length};
use tokio::time::Instant;

use super::exchange::{self, BOUNDS, Begun, Hearing, Link, MOST_HINTS};
use super::pool::{ExchangeError, Home, Pool, Way, answered, failed};
use super::prepared::Prepared;
use super::tls::ClientTls;
use super::upstream::Reply;
use crate::accept::{Broken, Held, Incoming, collect, too_large};
use crate::settle::Carried;
use crate::wire::End;

/// The head of a request that passes through.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) head: Bytes,
}

/// Where a body's bytes come from.
enum Source {
    /// From the client, as they come.
    Client(Incoming),
    /// From here: they were waited for.
    Gathered(Vec<Bytes>),
}

impl Source {
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        match self {
            Self::Client(body) => body.poll_data(cx),
            Self::Gathered(parts) => Poll::Ready(parts.pop().map(Ok)),
        }
    }
}

/// A client's body on its way to an upstream.
pub(super) struct Upload {
    source: Source,
    /// Room for what is waited for.
    held: Held,
    length: Length,
    /// How many more bytes it may have, of how many.
    left: usize,
    limit: usize,
    carried: Rc<Carried>,
    /// Since when all of it is handed on.
    over: Option<Instant>,
}

impl Upload {
    /// A body of at most `limit` bytes, counted there.
    ///
    /// # Errors
    /// It announces more.
    pub(super) fn new(
        (body, held): (Incoming, Held),
        limit: usize,
        carried: Rc<Carried>,
    ) -> Result<Self, Refusal> {
        let length = match body.announced() {
            Some(0) => Length::None,
            Some(bytes) if bytes > limit as u64 => return Err(too_large(limit)),
            Some(bytes) => Length::Exact(bytes),
            None => Length::Chunked,
        };
        let over = (length == Length::None).then(Instant::now);
        Ok(Self {
            source: Source::Client(body),
            held,
            length,
            left: limit,
            limit,
            carried,
            over,
        })
    }

    /// Waits for all of it: a signature covers it.
    ///
    /// # Errors
    /// It is too large, breaks off, or finds no room.
    pub(super) async fn gather(&mut self) -> Result<(), Refusal> {
        if self.is_empty() || matches!(self.source, Source::Gathered(_)) {
            return Ok(());
        }
        let nothing = Source::Gathered(Vec::new());
        let Source::Client(body) = std::mem::replace(&mut self.source, nothing) else {
            return Ok(());
        };
        let whole = collect(self.limit, body, &mut self.held).await?;
        self.length = Length::Exact(whole.len() as u64);
        self.source = Source::Gathered(vec![whole]);
        Ok(())
    }

    /// What was waited for.
    pub(super) fn gathered(&self) -> &[Bytes] {
        match &self.source {
            Source::Client(_) => &[],
            Source::Gathered(parts) => parts,
        }
    }

    /// How it is framed.
    pub(super) fn length(&self) -> &Length {
        &self.length
    }

    /// Whether all of it is handed on; of a body that is not there, it is.
    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// Whether there is a body.
    pub(super) fn is_empty(&self) -> bool {
        self.length == Length::None
    }

    /// Hands on what has come, a piece at a time, as long as the upstream takes
    /// it. Ready once no more will follow.
    fn poll_into(&mut self, cx: &mut Context<'_>, end: &mut End) -> Poll<Result<(), Halt>> {
        loop {
            if !end.is_written() {
                ready!(end.poll_write(cx)).map_err(Halt::Upstream)?;
            }
            if self.is_over() {
                return Poll::Ready(Ok(()));
            }
            match ready!(self.source.poll_data(cx)) {
                Some(Ok(piece)) => {
                    let left = self.left.checked_sub(piece.len());
                    self.left = left.ok_or_else(|| Halt::Client(too_large(self.limit)))?;
                    self.carried.upstream(piece.len());
                    self.push(piece, end);
                }
                Some(Err(broken)) => return Poll::Ready(Err(Halt::Client(broken.refusal()))),
                None => {
                    self.over = Some(Instant::now());
                    if self.length == Length::Chunked {
                        end.push(Bytes::from_static(http1::LAST_CHUNK));
                    }
                }
            }
        }
    }

    fn push(&self, piece: Bytes, end: &mut End) {
        if self.length != Length::Chunked {
            return end.push(piece);
        }
        let mut line = BytesMut::with_capacity(18);
        http1::write_chunk_head(&mut line, piece.len());
        end.push(line.freeze());
        end.push(piece);
        end.push(Bytes::from_static(http1::CHUNK_TAIL));
    }
}

impl Pool {
    /// Sends a request whose body passes through, by HTTP/1.1: backpressure and
    /// the end of either side reach the other by themselves there.
    ///
    /// A kept connection may be closing, and what went by one is sent again: so
    /// only what changes nothing and has no body goes there.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub(super) async fn pass(
        &self,
        tls: &ClientTls,
        (prepared, ask): (&Prepared, &Ask),
        upload: &mut Upload,
        total: Instant,
    ) -> Result<Reply, ExchangeError> {
        self.account()?;
        let provider = &*prepared.provider;
        let origin = &prepared.unread;
        let first_byte = provider.timeouts.first_byte;
        let failed = |broken| match Instant::now() >= total {
            true => failed(broken, ExchangeError::TotalTimeout),
            false => failed(broken, ExchangeError::FirstByteTimeout),
        };
        let home = || Home::of(origin);
        if ask.method.is_safe()
            && upload.is_over()
            && let Some(link) = origin.kept()
        {
            match link.pass(ask, upload, (first_byte, total)).await {
                Ok(begun) => return Ok(answered(begun, home())),
                Err(broken) => {
                    origin.doubts(&broken);
                    if !broken.is_end() {
                        return Err(failed(broken));
                    }
                }
            }
        }
        let http = (HttpVersion::Http1, total);
        let Way::One(link) = self.connect_in_time(tls, provider, http).await? else {
            return Err(ExchangeError::Broken("it speaks HTTP/2 only".to_owned()));
        };
        let begun = link.pass(ask, upload, (first_byte, total)).await;
        begun.map(|begun| answered(begun, home())).map_err(failed)
    }
}

/// Why a body goes no further.
enum Halt {
    Client(Refusal),
    Upstream(io::Error),
}

/// What has happened on the way back.
struct Heard {
    hearing: Hearing,
    /// A head that came before all of the body was sent.
    early: Option<Answer>,
    /// Why nothing more can be sent. An answer that says so may still come.
    failed: Option<io::Error>,
}

impl Link {
    /// Sends a request and waits for the answer's head: so long behind the
    /// body's last byte, but until `total` at most.
    pub(super) async fn pass(
        mut self: Box<Self>,
        ask: &Ask,
        upload: &mut Upload,
        (first_byte, total): (Duration, Instant),
    ) -> Result<Begun, exchange::Broken> {
        self.end.push(ask.head.clone());
        let mut heard = Heard {
            hearing: Hearing::begins(&self.end),
            early: None,
            failed: None,
        };
        let mut answer = poll_fn(|cx| {
            if let Poll::Ready(answer) = self.poll_passing(cx, (ask, upload), &mut heard) {
                return Poll::Ready(answer);
            }
            let due = upload
                .over
                .map_or(total, |over| total.min(over + first_byte));
            ready!(self.end.poll_late(cx, due));
            Poll::Ready(Err(exchange::Broken::Late))
        })
        .await?;
        // A connection in the middle of a body is of no use to anybody else.
        answer.keep_alive &= upload.is_over();
        Ok(self.begun(answer))
    }

    fn poll_passing(
        &mut self,
        cx: &mut Context<'_>,
        (ask, upload): (&Ask, &mut Upload),
        heard: &mut Heard,
    ) -> Poll<Result<Answer, exchange::Broken>> {
        let mut is_sent = false;
        if heard.failed.is_none() {
            match upload.poll_into(cx, &mut self.end) {
                Poll::Ready(Ok(())) => is_sent = true,
                Poll::Ready(Err(Halt::Client(refusal))) => {
                    return Poll::Ready(Err(exchange::Broken::Client(Box::new(refusal))));
                }
                Poll::Ready(Err(Halt::Upstream(error))) => heard.failed = Some(error),
                Poll::Pending => {}
            }
        }
        loop {
            if let Some(answer) = heard.early.take() {
                // Who refuses a body wants no more of it; any other answer
                // waits for its end.
                let is_refusal = answer.status.as_u16() >= 400;
                if is_sent || is_refusal || heard.failed.is_some() {
                    return Poll::Ready(Ok(answer));
                }
                heard.early = Some(answer);
                return Poll::Pending;
            }
            let bytes = self.end.bytes();
            match self.reader.answer(bytes, &BOUNDS, &ask.method) {
                Ok(Some(answer))
                    if answer.status.is_informational() && heard.hearing.hints < MOST_HINTS =>
                {
                    heard.hearing.hints += 1;
                }
                Ok(Some(answer)) => heard.early = Some(answer),
                Err(fault) => {
                    return Poll::Ready(Err(exchange::Broken::Nonsense(fault.to_string())));
                }
                Ok(None) => {
                    let closed = || io::Error::from(io::ErrorKind::UnexpectedEof);
                    let error = match self.end.poll_fill(cx, 0) {
                        Poll::Ready(Ok(0)) => closed(),
                        Poll::Ready(Ok(_)) => continue,
                        Poll::Ready(Err(error)) => error,
                        Poll::Pending if heard.failed.is_none() => return Poll::Pending,
                        Poll::Pending => closed(),
                    };
                    let error = heard.failed.take().unwrap_or(error);
                    return Poll::Ready(Err(self.unanswered(&heard.hearing, error)));
                }
            }
        }
    }
}
