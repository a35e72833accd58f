//! The body of an upstream's answer. Read to its end, its connection goes back
//! into the pool; dropped before, the connection is closed, which tells the
//! upstream to stop.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http1::Fields;
use hyper::body::{Body, Incoming};
use tokio::time::Instant;

use super::bulkhead::Place;
use super::exchange::Reading;
use super::pool::Home;
use crate::wire::Alarm;

/// An upstream's answer, whichever HTTP it came by.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub fields: Fields,
    /// Where its bytes come from.
    pub body: UpstreamBody,
}

impl Reply {
    /// What a stream of a shared connection brings.
    pub(super) fn two(response: http::Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            fields: Fields::from(&head.headers),
            body: UpstreamBody::of(Source::Two(body, Alarm::default())),
        }
    }

    /// Keeps a place at the provider until all is read.
    pub(super) fn holding(mut self, place: Place) -> Self {
        self.body._place = Some(place);
        self
    }
}

/// Bytes from an upstream.
pub struct UpstreamBody {
    source: Source,
    /// Its place at the provider.
    _place: Option<Place>,
}

enum Source {
    /// By an HTTP/1 connection, and where that goes when all is read.
    One(Option<Box<(Reading, Home)>>),
    /// By a stream of an HTTP/2 connection.
    Two(Incoming, Alarm),
    /// Made in process.
    Canned(VecDeque<Bytes>),
}

/// Why the next bytes did not come.
#[derive(Debug)]
pub enum Lost {
    /// Not before the deadline.
    Late,
    /// Not after so long a silence.
    Silent,
    /// The connection broke, or what came is no HTTP.
    Broken(String),
}

impl UpstreamBody {
    /// What a connection brings that goes home afterwards.
    pub(super) fn one(reading: Reading, home: Home) -> Self {
        Self::of(Source::One(Some(Box::new((reading, home)))))
    }

    /// What is there already.
    pub(super) fn canned(parts: VecDeque<Bytes>) -> Self {
        Self::of(Source::Canned(parts))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            _place: None,
        }
    }

    /// How many bytes are still to come, if that was announced.
    pub(crate) fn left(&self) -> Option<u64> {
        match &self.source {
            Source::One(open) => open.as_ref().and_then(|open| open.0.left()),
            Source::Two(body, _) => body.size_hint().exact(),
            Source::Canned(_) => None,
        }
    }

    /// The next bytes; `None` at a clean end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        match &mut self.source {
            Source::Canned(parts) => Poll::Ready(parts.pop_front().map(Ok)),
            Source::One(open) => {
                let Some(reading) = open else {
                    return Poll::Ready(None);
                };
                let data = ready!(reading.0.poll_data(cx));
                if data.is_none()
                    && let Some(ended) = open.take()
                {
                    let (reading, home) = *ended;
                    if let Some(link) = reading.into_kept() {
                        home.keep(link);
                    }
                }
                Poll::Ready(data)
            }
            Source::Two(body, _) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        // Trailers carry nothing that a client reads.
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.to_string()))),
                    None => return Poll::Ready(None),
                }
            },
        }
    }

    /// The next bytes, after a silence and until a deadline that are waited
    /// for; `None` at a clean end.
    ///
    /// # Errors
    /// See [`Lost`].
    pub async fn data(
        &mut self,
        silence: Duration,
        deadline: Instant,
    ) -> Option<Result<Bytes, Lost>> {
        let mut until = None;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(data) = self.poll_data(cx) {
                return Poll::Ready(data.map(|data| data.map_err(Lost::Broken)));
            }
            // Most bytes are there already: nobody looks at the clock for them.
            let until = *until.get_or_insert_with(|| Instant::now() + silence);
            let due = until.min(deadline);
            match &mut self.source {
                Source::One(Some(open)) => ready!(open.0.poll_late(cx, due)),
                Source::Two(_, alarm) => ready!(alarm.poll(cx, due)),
                Source::One(None) | Source::Canned(_) => {}
            }
            let lost = match deadline <= until {
                true => Lost::Late,
                false => Lost::Silent,
            };
            Poll::Ready(Some(Err(lost)))
        })
        .await
    }
}
