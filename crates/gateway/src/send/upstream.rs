//! The body of an upstream's answer. Read to its end, its connection goes back
//! into the pool; dropped before, the connection is closed, which tells the
//! upstream to stop.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Incoming};

use super::pool::Lease;

/// Bytes from an upstream.
pub enum UpstreamBody {
    /// Over the network.
    Wire(Incoming, Option<Lease>),
    /// Made in process.
    Canned(VecDeque<Bytes>),
}

impl UpstreamBody {
    /// The next bytes; `None` at a clean end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        let (body, lease) = match self {
            Self::Wire(body, lease) => (body, lease),
            Self::Canned(parts) => return Poll::Ready(parts.pop_front().map(Ok)),
        };
        loop {
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers carry nothing that a client of this dialect reads.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    if let Some(lease) = lease.take() {
                        lease.give_back();
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// The next bytes; `None` at a clean end.
    pub async fn data(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        std::future::poll_fn(|cx| self.poll_data(cx)).await
    }
}
