//! A stream with somebody who looks at the clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// For whom a stream waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// For its client to take more.
    Client,
    /// For its upstream to bring more.
    Upstream,
}

/// What goes out as it comes in.
pub trait Flow {
    /// The next bytes for the client.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;

    /// When all of it must be over.
    fn deadline(&self) -> Instant;

    /// The deadline has come, and this party is late.
    fn late(&mut self, who: Party);

    /// Whether its end is no clean one, and nothing in it says so.
    fn is_broken(&self) -> bool;
}

/// A stream with somebody who looks at the clock. Nobody asks a body for more
/// while its client takes nothing, so without this an HTTP/2 stream whose
/// window stays shut would hold its upstream for ever.
pub struct Watched<F> {
    shared: Rc<Shared<F>>,
    watch: AbortHandle,
}

struct Shared<F> {
    stream: RefCell<F>,
    late: Cell<Party>,
}

impl<F: Flow + 'static> Watched<F> {
    pub(super) fn new(stream: F) -> Self {
        let deadline = stream.deadline();
        let shared = Rc::new(Shared {
            stream: RefCell::new(stream),
            late: Cell::new(Party::Client),
        });
        let watched = Rc::downgrade(&shared);
        let watch = tokio::task::spawn_local(async move {
            tokio::time::sleep_until(deadline).await;
            if let Some(shared) = watched.upgrade() {
                shared.stream.borrow_mut().late(shared.late.get());
            }
        });
        Self {
            shared,
            watch: watch.abort_handle(),
        }
    }

    /// The next bytes for the client.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let next = self.shared.stream.borrow_mut().poll_next(cx);
        self.shared.late.set(match next {
            Poll::Pending => Party::Upstream,
            Poll::Ready(_) => Party::Client,
        });
        next
    }

    /// Whether its end is no clean one.
    pub(super) fn is_broken(&self) -> bool {
        self.shared.stream.borrow().is_broken()
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
