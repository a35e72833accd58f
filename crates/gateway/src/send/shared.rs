//! The HTTP/2 connection that requests to one origin share.

use std::cell::RefCell;
use std::error::Error as _;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::outgoing::{Outgoing, Sliced};
use super::pool::{Due, ExchangeError, Way};
use super::upstream::Reply;
use crate::accept::listen::LocalExec;
use crate::wire::Socket;

/// How often a shared connection in use is asked whether it is alive, and how
/// long it may take to say so.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// A connection's end where requests go in.
pub(super) type Shared = http2::SendRequest<Sliced>;

/// The connection of an origin, if there is one.
#[derive(Default)]
pub(super) struct Sharing(RefCell<Option<Rc<Shared>>>);

impl Sharing {
    /// The connection, unless it has ended.
    pub(super) fn open(&self) -> Option<Rc<Shared>> {
        let known = self.0.borrow();
        known.as_ref().filter(|it| !it.is_closed()).map(Rc::clone)
    }

    /// Lets others use a connection, unless another request has connected
    /// meanwhile: then that one serves all.
    pub(super) fn begin(&self, fresh: Shared) -> Rc<Shared> {
        if let Some(first) = self.open() {
            return first;
        }
        let fresh = Rc::new(fresh);
        *self.0.borrow_mut() = Some(Rc::clone(&fresh));
        fresh
    }

    /// Nobody begins to use this connection from now on. Who uses it may
    /// finish.
    pub(super) fn forget(&self, gone: &Rc<Shared>) {
        let mut known = self.0.borrow_mut();
        if known.as_ref().is_some_and(|it| Rc::ptr_eq(it, gone)) {
            *known = None;
        }
    }
}

/// Speaks HTTP/2 on a fresh socket.
pub(super) async fn greet(socket: Socket) -> Result<Way, ExchangeError> {
    let (sender, connection) = http2::Builder::new(LocalExec)
        .timer(TokioTimer::new())
        // All who wait for it begin at once, and how many may is in the first
        // frame that comes: until then, one. Servers refuse the others, or end
        // the connection with all that is on it.
        .initial_max_send_streams(1)
        // A connection that died silently must not swallow every request.
        .keep_alive_interval(Some(PING))
        .keep_alive_timeout(PONG)
        .handshake(TokioIo::new(socket))
        .await
        .map_err(|error| ExchangeError::Unsent(error.to_string()))?;
    tokio::task::spawn_local(connection);
    Ok(Way::Shared(sender))
}

/// Sends a request and waits for the answer's head. The inner error is the
/// connection's.
///
/// # Errors
/// The request cannot be built, or no head comes in time.
pub(super) async fn ask(
    shared: &Shared,
    request: &Outgoing,
    due: Due,
) -> Result<Result<Reply, hyper::Error>, ExchangeError> {
    let request = request.request();
    let request = request.map_err(|error| ExchangeError::Unsent(error.to_string()))?;
    let mut shared = shared.clone();
    let asked = async {
        shared.ready().await?;
        shared.send_request(request).await
    };
    let answered = tokio::time::timeout_at(due.at(), asked).await;
    let answered = answered.map_err(|_| due.late())?;
    Ok(answered.map(Reply::two))
}

/// Whether an HTTP/2 upstream has certainly not worked on a request: it never
/// went out, its stream was refused, or the upstream goes away and named an
/// earlier stream as the last that it works on (RFC 9113, 8.7).
pub(super) fn is_unheard(error: &hyper::Error) -> bool {
    // The last: it waited for its stream when the connection ended.
    if error.is_canceled() || error.is_closed() || error.is_user() {
        return true;
    }
    let by_frame = error.source().and_then(|it| it.downcast_ref::<h2::Error>());
    by_frame.is_some_and(|it| {
        let is_refused = it.is_reset() && it.reason() == Some(h2::Reason::REFUSED_STREAM);
        it.is_remote() && (it.is_go_away() || is_refused)
    })
}
