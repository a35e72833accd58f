//! The body of a request, whichever HTTP it comes by, with the patience that
//! a body deserves.

use std::cell::RefCell;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use domain::refusal::{Reason, Refusal};
use http::{Method, Uri, Version};
use http1::Fields;
use hyper::body::Body as _;
use tokio::time::Instant;

use super::link::Link;
use crate::wire::{Alarm, Socket};

/// The longest silence in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a body may take whatever its size; behind that it must come at
/// [`RATE`] at least, so that nobody can drip one for ever.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes a second that a long body must bring on average.
const RATE: u64 = 16 << 10;

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// No byte for too long.
    #[error("no byte of the body came for {} s", SILENCE.as_secs())]
    Silent,
    /// Bytes, but too few.
    #[error("the body comes too slowly")]
    Slow,
    /// The client left, or framed it wrongly.
    #[error("{0}")]
    Cut(String),
}

impl Broken {
    /// What is said of it.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Silent => Refusal::new(
                Reason::BodyTimeout,
                format!(
                    "No byte of the body came for {} seconds.",
                    SILENCE.as_secs()
                ),
            ),
            Self::Slow => Refusal::new(Reason::BodyTimeout, "The body comes too slowly."),
            Self::Cut(cause) => {
                let sentence = "The body broke off before its end.";
                Refusal::new(Reason::BodyBroken, sentence).because(cause)
            }
        }
    }
}

/// A request as it comes in, whichever HTTP it comes by.
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// Where.
    pub uri: Uri,
    /// 1.0, 1.1 or 2.
    pub version: Version,
    /// Its headers.
    pub fields: Fields,
    /// Its unread body.
    pub body: Incoming,
    /// Who is connected.
    pub peer: Option<IpAddr>,
}

impl Request {
    /// A request on a stream of an HTTP/2 connection.
    pub(super) fn two(request: http::Request<hyper::body::Incoming>, peer: Option<IpAddr>) -> Self {
        let (head, body) = request.into_parts();
        Self {
            method: head.method,
            uri: head.uri,
            version: head.version,
            fields: Fields::from(&head.headers),
            body: Incoming::two(body),
            peer,
        }
    }
}

/// A request's body.
pub struct Incoming {
    source: Source,
    patience: Patience,
}

enum Source {
    One(Rc<RefCell<Link>>),
    Two(hyper::body::Incoming, Alarm),
}

/// How long the next bytes are waited for.
#[derive(Clone, Copy, Debug)]
struct Patience {
    started: Option<Instant>,
    last: Option<Instant>,
    came: u64,
    /// How much of that waits to be taken.
    waiting: usize,
}

impl Patience {
    const NEW: Self = Self {
        started: None,
        last: None,
        came: 0,
        waiting: 0,
    };

    /// So many bytes were taken.
    fn took(&mut self, bytes: usize) {
        self.came += bytes.saturating_sub(self.waiting) as u64;
        self.waiting = 0;
        self.last = None;
    }

    /// So many bytes wait to be taken.
    fn wait(&mut self, bytes: usize) {
        if bytes > self.waiting {
            self.came += (bytes - self.waiting) as u64;
            self.waiting = bytes;
            self.last = None;
        }
    }

    /// When it ends, and why.
    fn due(&mut self) -> (Instant, Broken) {
        let now = match (self.started, self.last) {
            (Some(_), Some(last)) => last,
            _ => Instant::now(),
        };
        let started = *self.started.get_or_insert(now);
        let silence = *self.last.get_or_insert(now) + SILENCE;
        let rate = started + GRACE + Duration::from_secs(self.came / RATE);
        if silence <= rate {
            (silence, Broken::Silent)
        } else {
            (rate, Broken::Slow)
        }
    }
}

impl Incoming {
    /// What comes by an HTTP/1 connection.
    pub(super) fn one(link: &Rc<RefCell<Link>>) -> Self {
        Self::of(Source::One(Rc::clone(link)))
    }

    /// What comes by an HTTP/2 stream.
    fn two(body: hyper::body::Incoming) -> Self {
        Self::of(Source::Two(body, Alarm::default()))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            patience: Patience::NEW,
        }
    }

    /// Whether it comes by a connection of HTTP/1 within TLS.
    pub(super) fn is_secure(&self) -> bool {
        match &self.source {
            Source::One(link) => matches!(link.borrow().end.socket, Socket::Tls(..)),
            Source::Two(..) => false,
        }
    }

    /// How many bytes it announces, or has announced.
    #[must_use]
    pub fn announced(&self) -> Option<u64> {
        match &self.source {
            Source::One(link) => link.borrow().announced(),
            Source::Two(body, _) => body.size_hint().exact(),
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        match &mut self.source {
            Source::One(link) => {
                let mut link = link.borrow_mut();
                match link.poll_body(cx) {
                    Poll::Ready(Some(Ok(bytes))) => {
                        self.patience.took(bytes.len());
                        Poll::Ready(Some(Ok(bytes)))
                    }
                    Poll::Ready(Some(Err(error))) => {
                        Poll::Ready(Some(Err(Broken::Cut(error.to_string()))))
                    }
                    Poll::Ready(None) => Poll::Ready(None),
                    Poll::Pending => {
                        self.patience.wait(link.end.unread());
                        let (due, why) = self.patience.due();
                        ready!(link.end.poll_late(cx, due));
                        Poll::Ready(Some(Err(why)))
                    }
                }
            }
            Source::Two(body, alarm) => loop {
                match Pin::new(&mut *body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        if let Ok(bytes) = frame.into_data() {
                            self.patience.took(bytes.len());
                            return Poll::Ready(Some(Ok(bytes)));
                        }
                    }
                    Poll::Ready(Some(Err(error))) => {
                        return Poll::Ready(Some(Err(Broken::Cut(error.to_string()))));
                    }
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => {
                        let (due, why) = self.patience.due();
                        ready!(alarm.poll(cx, due));
                        return Poll::Ready(Some(Err(why)));
                    }
                }
            },
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// See [`Broken`].
    pub async fn data(&mut self) -> Option<Result<Bytes, Broken>> {
        std::future::poll_fn(|cx| self.poll_data(cx)).await
    }
}
