//! HTTP/2 connections, by `hyper`, bounded against those who would make one
//! cost more than it brings.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::connection::{BOUNDS, HEAD};
use super::incoming::Request;
use super::listen::{LocalExec, Phase, answer};
use super::pace::Pace;
use crate::plane::Plane;
use crate::serve;
use crate::wire::Socket;

/// Streams a connection may have open.
const STREAMS: u32 = 100;
/// Streams that a client may reset before they were looked at, and errors of
/// its own making; one more and the connection is told to go away.
const RESETS: usize = 20;
const ERRORS: usize = 100;
/// What a connection and a stream may send ahead of being read.
const WINDOW: u32 = 1 << 20;
/// What waits to be sent on one stream.
const SEND_BUFFER: usize = 64 << 10;

/// Serves a connection; `ahead` was read from it already.
pub(super) async fn serve(
    plane: Rc<Plane>,
    socket: Socket,
    ahead: Bytes,
    phase: &mut watch::Receiver<Phase>,
) {
    let line = socket.line().clone();
    let mut builder = http2::Builder::new(LocalExec);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(BOUNDS.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(ERRORS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20));
    let peer = socket.line().peer();
    let has_asked = Rc::new(Cell::new(false));
    let silent = silence(Rc::clone(&has_asked));
    let leaving = leaving(phase, Rc::clone(&has_asked));
    let pace = Pace::new();
    let counts = Rc::clone(&pace);
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        has_asked.set(true);
        let plane = Rc::clone(&plane);
        let turn = counts.begins();
        async move {
            let served = if names_two_hosts(&request) {
                serve::refuse(&plane, two_hosts().into(), (Dialect::OpenAi, peer))
            } else {
                answer(&plane, Request::two(request, peer)).await
            };
            Ok::<_, Infallible>(served.into_response().map(|body| turn.answers(body)))
        }
    });
    let serving = builder.serve_connection(TokioIo::new(Rest { ahead, socket }), service);
    tokio::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => {}
        () = silent => {}
        () = pace.stalled() => {}
        () = std::future::poll_fn(|cx| line.poll_closed(cx)) => {}
        () = leaving => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                _ = serving.as_mut() => {}
                () = pace.stalled() => {}
                () = std::future::poll_fn(|cx| line.poll_closed(cx)) => {}
            }
        }
    }
}

/// Whether `Host` says something else than the request itself (RFC 9113,
/// 8.3.1), or stands more than once: two readers would see two requests.
fn names_two_hosts<B>(request: &http::Request<B>) -> bool {
    let mut hosts = request.headers().get_all(http::header::HOST).iter();
    let Some(host) = hosts.next() else {
        return false;
    };
    let authority = request.uri().authority();
    let is_other = |authority: &http::uri::Authority| {
        !host
            .as_bytes()
            .eq_ignore_ascii_case(authority.as_str().as_bytes())
    };
    hosts.next().is_some() || authority.is_some_and(is_other)
}

fn two_hosts() -> Refusal {
    let sentence = "The header Host names another host than :authority; send one of them.";
    Refusal::new(Reason::BadHeader, sentence)
}

/// Ends if no request came in time: `hyper` waits for a preface for ever.
async fn silence(has_asked: Rc<Cell<bool>>) {
    tokio::time::sleep(HEAD).await;
    if has_asked.get() {
        std::future::pending::<()>().await;
    }
}

/// Ends when the client is to be told to go elsewhere: not before its first
/// request, or a new connection would have been for nothing.
async fn leaving(phase: &mut watch::Receiver<Phase>, has_asked: Rc<Cell<bool>>) {
    let _ = phase.wait_for(|phase| phase.is_last_answer()).await;
    let last = phase.wait_for(Phase::is_closing);
    let asked = async {
        while !has_asked.get() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = last => {}
        () = asked => {}
    }
}

/// A socket of which some bytes were read already.
struct Rest {
    ahead: Bytes,
    socket: Socket,
}

impl AsyncRead for Rest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..length]);
        self.ahead.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
