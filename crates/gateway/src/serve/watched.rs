//! A stream with somebody who looks at the clock.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::task::AbortHandle;

use super::stream::Streaming;

/// A stream with somebody who looks at the clock. Nobody asks a body for more
/// while its client takes nothing, so without this an HTTP/2 stream whose
/// window stays shut would hold its upstream for ever.
pub struct Watched {
    stream: Rc<RefCell<Streaming>>,
    watch: AbortHandle,
}

impl Watched {
    pub(super) fn new(stream: Streaming) -> Self {
        let deadline = stream.deadline;
        let stream = Rc::new(RefCell::new(stream));
        let watched = Rc::downgrade(&stream);
        let watch = tokio::task::spawn_local(async move {
            tokio::time::sleep_until(deadline).await;
            if let Some(stream) = watched.upgrade() {
                stream.borrow_mut().late();
            }
        });
        Self {
            stream,
            watch: watch.abort_handle(),
        }
    }

    /// The next bytes for the client.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut stream = self.stream.borrow_mut();
        let next = stream.poll_next(cx);
        stream.waits = next.is_pending();
        next
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
