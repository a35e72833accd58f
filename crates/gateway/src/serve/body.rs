//! An answer: its head, and its body, whole or a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode};
use http1::Fields;
use hyper::body::{Body, Frame, SizeHint};

use super::background::Following;
use super::pass::Passing;
use super::stream::Streaming;
use super::watched::Watched;

/// An answer on its way to the client.
pub struct Served {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, without those that frame it.
    pub fields: Fields,
    /// What follows.
    pub body: AnswerBody,
}

/// Headers that every answer has room for, and what they take.
const USUAL: usize = 16;
const USUAL_BYTES: usize = 512;

impl Served {
    /// An answer that nothing is said about yet.
    #[must_use]
    pub fn new(body: AnswerBody) -> Self {
        Self {
            status: StatusCode::OK,
            fields: Fields::with_room(USUAL, USUAL_BYTES),
            body,
        }
    }

    /// The same answer of this kind.
    #[must_use]
    pub fn of_type(mut self, kind: &str) -> Self {
        self.fields.set("content-type", kind);
        self
    }

    /// The same for HTTP/2.
    pub(crate) fn into_response(self) -> Response<AnswerBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.fields.to_map();
        response
    }
}

/// What goes out.
pub enum AnswerBody {
    /// All of it, or nothing any more.
    Whole(Option<Bytes>),
    /// A stream.
    Stream(Watched<Streaming>),
    /// An answer in the background, as far as it is.
    Followed(Watched<Following>),
    /// What passes through unread, and its length where that is known.
    Passed(Watched<Passing>, Option<u64>),
    /// Nothing, but as long as it would have been without `HEAD`.
    Unsent(Option<u64>),
}

impl AnswerBody {
    /// A body that is known whole.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|b: &Bytes| !b.is_empty()))
    }
}

impl AnswerBody {
    /// The next bytes; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Stream(stream) => stream.poll_next(cx),
            Self::Followed(following) => following.poll_next(cx),
            Self::Passed(stream, _) => stream.poll_next(cx),
            Self::Unsent(_) => Poll::Ready(None),
        }
    }

    /// How long it is, if anything but its end says that.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Passed(_, length) | Self::Unsent(length) => *length,
            Self::Stream(_) | Self::Followed(_) => None,
        }
    }

    /// Whether it comes while it goes out.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_) | Self::Followed(_) | Self::Passed(..))
    }

    /// Whether the end that has come is no clean one: the client must not take
    /// what it has for the whole.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Passed(stream, _) => stream.is_broken(),
            Self::Whole(_) | Self::Stream(_) | Self::Followed(_) | Self::Unsent(_) => false,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.get_mut().poll_next(cx);
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Unsent(_))
    }

    fn size_hint(&self) -> SizeHint {
        match self.length() {
            Some(length) if !matches!(self, Self::Unsent(_)) => SizeHint::with_exact(length),
            _ => SizeHint::default(),
        }
    }
}
