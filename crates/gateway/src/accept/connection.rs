//! One HTTP/1 connection: request after request, each read strictly, walked,
//! answered, and given up the moment its client leaves.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};
use http::{Method, Version};
use http1::{AnswerFraming, Ask, Bounds, Fault, Length, Reader};
use tokio::sync::watch;
use tokio::time::Instant;

use super::gathering::Streaming;
use super::incoming::{Incoming, Request};
use super::link::Link;
use super::listen::{Phase, answer};
use crate::plane::Plane;
use crate::serve::{self, AnswerBody, Served};
use crate::wire::Socket;

/// How long a connection may idle between two requests: longer than clients
/// usually keep theirs. They close first, and no request meets a connection
/// that is just being closed.
const IDLE: Duration = Duration::from_secs(100);
/// How long a head may take, and a new connection until its first.
pub(super) const HEAD: Duration = Duration::from_secs(10);
/// How long a new connection may still take to its first request, and how long
/// a request that is on its way may meet a connection that is just closing,
/// while the process ends.
const LAST_CALL: Duration = Duration::from_secs(1);
const CROSSING: Duration = Duration::from_millis(250);
/// The most of an unread body that is thrown away so that its client hears
/// the answer, and how long that may take.
const LINGER_BYTES: usize = 64 << 20;
const LINGER: Duration = Duration::from_secs(5);
/// What begins a connection that speaks HTTP/2 from its first byte.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// Bounds of a head.
pub(super) const BOUNDS: Bounds = Bounds {
    head_bytes: 64 << 10,
    fields: 100,
};

/// How a connection ended.
pub(super) enum End {
    /// It is over.
    Closed,
    /// It speaks HTTP/2: whoever does goes on with what has come.
    Http2(Socket, Bytes),
}

/// What came next on a connection.
enum Next {
    Ask(Box<Ask>),
    Faulty(Fault),
    Late,
    Http2,
    Over,
    Closing,
}

/// Serves a connection until it ends or its client has left.
pub(super) async fn serve(plane: Rc<Plane>, socket: Socket, phase: &watch::Receiver<Phase>) -> End {
    // One for the connection's whole life: to make it anew for each request
    // would cost more than the rest of the waiting.
    let mut told = phase.clone();
    let mut closing = std::pin::pin!(async {
        if told.wait_for(Phase::is_closing).await.is_err() {
            // Nobody is left who could say it.
            std::future::pending::<()>().await;
        }
    });
    let peer = socket.line().peer();
    let mut connection = Connection {
        peer,
        link: Rc::new(RefCell::new(Link::new(socket, plane.scratch()))),
        plane,
        reader: Reader::default(),
        is_fresh: true,
    };
    let mut due = Instant::now() + HEAD;
    loop {
        let next = match connection.is_fresh {
            true => connection.first(due, closing.as_mut()).await,
            false => connection.next(due, closing.as_mut()).await,
        };
        connection.is_fresh = false;
        let goes_on = match next {
            Next::Ask(ask) => connection.exchange(*ask, phase).await,
            Next::Faulty(fault) => connection.refuse(refusal(fault)).await,
            Next::Late => connection.refuse(late()).await,
            Next::Http2 => return connection.hand_over(),
            Next::Over => Ok(false),
            Next::Closing => connection.close().await,
        };
        if !goes_on.unwrap_or(false) {
            return End::Closed;
        }
        due = Instant::now() + IDLE;
    }
}

/// What the bytes so far are, if that can be told; `preface` begins HTTP/2.
fn read(reader: &mut Reader, bytes: &mut BytesMut, preface: Option<&[u8]>) -> Option<Next> {
    if let Some(preface) = preface {
        let begun = bytes.len().min(preface.len());
        if preface.starts_with(&bytes[..begun]) {
            return (begun == preface.len()).then_some(Next::Http2);
        }
    }
    match reader.ask(bytes, &BOUNDS) {
        Ok(ask) => ask.map(|ask| Next::Ask(Box::new(ask))),
        Err(fault) => Some(Next::Faulty(fault)),
    }
}

/// What a fault of the head means to its sender.
fn refusal(fault: Fault) -> Refusal {
    let reason = match fault {
        Fault::TargetTooLong => Reason::TargetTooLong,
        Fault::Expect => Reason::Expectation,
        Fault::HeadTooLarge | Fault::TooManyFields => Reason::HeadTooLarge,
        Fault::TransferEncoding => Reason::UnknownCoding,
        Fault::Version => Reason::UnknownVersion,
        _ => Reason::BadHeader,
    };
    Refusal::new(reason, fault.sentence())
}

fn late() -> Refusal {
    Refusal::new(Reason::BodyTimeout, "The request's head came too slowly.")
}

struct Connection {
    plane: Rc<Plane>,
    link: Rc<RefCell<Link>>,
    reader: Reader,
    /// Who is connected.
    peer: Option<IpAddr>,
    /// No request has come: it may be HTTP/2.
    is_fresh: bool,
}

impl Connection {
    /// Waits for the first request's head. Who was let in is not shown the
    /// door before it could say a word.
    async fn first(&mut self, due: Instant, closing: Pin<&mut impl Future<Output = ()>>) -> Next {
        let called = async {
            closing.await;
            tokio::time::sleep(LAST_CALL).await;
        };
        // Large, and of no use to the connection's other requests.
        let mut called = Box::pin(called);
        self.next(due, called.as_mut()).await
    }

    /// Waits for the next request's head.
    async fn next(&mut self, due: Instant, closing: Pin<&mut impl Future<Output = ()>>) -> Next {
        let Self {
            link,
            reader,
            is_fresh,
            ..
        } = self;
        let preface = is_fresh.then_some(PREFACE);
        let watched = Rc::clone(link);
        let mut due = due;
        let mut has_begun = false;
        let next = poll_fn(|cx| {
            let mut link = link.borrow_mut();
            let link = &mut *link;
            loop {
                if let Some(next) = read(reader, link.end.bytes(), preface) {
                    return Poll::Ready(next);
                }
                if !has_begun && link.end.unread() > 0 {
                    has_begun = true;
                    due = due.min(Instant::now() + HEAD);
                }
                match link.end.poll_fill(cx, 0) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Over),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => {
                        ready!(link.end.poll_late(cx, due));
                        let over = if has_begun { Next::Late } else { Next::Over };
                        return Poll::Ready(over);
                    }
                }
            }
        });
        let mut next = std::pin::pin!(next);
        // Only a connection that waits is closed while the process ends, and
        // not if a part of a request has come.
        let mut closing = closing;
        poll_fn(|cx| match next.as_mut().poll(cx) {
            Poll::Pending if watched.borrow().end.unread() == 0 => {
                closing.as_mut().poll(cx).map(|()| Next::Closing)
            }
            done => done,
        })
        .await
    }

    /// Walks one request and writes its answer; says whether another may
    /// follow.
    async fn exchange(&mut self, ask: Ask, phase: &watch::Receiver<Phase>) -> io::Result<bool> {
        self.link.borrow_mut().begin(&ask);
        let framing = Framing {
            keep_alive: ask.keep_alive,
            version: ask.version,
            is_look: ask.method == Method::HEAD,
        };
        let request = Request {
            method: ask.method,
            uri: ask.uri,
            version: ask.version,
            fields: ask.fields,
            body: Incoming::one(&self.link),
            peer: self.peer,
        };
        let Some(served) = self.walk(request).await else {
            return Ok(false);
        };
        let framing = Framing {
            keep_alive: framing.keep_alive
                && !(framing.version == Version::HTTP_10 && served.body.length().is_none())
                && self.link.borrow_mut().has_read_all()
                && !phase.borrow().is_last_answer(),
            ..framing
        };
        self.write(served, framing).await?;
        if !framing.keep_alive {
            self.linger(LINGER).await;
        }
        Ok(framing.keep_alive)
    }

    /// The answer, or nothing if the client has left before it.
    async fn walk(&self, request: Request) -> Option<Served> {
        // In a box: what awaits it is moved with it otherwise, and a waiting
        // connection would hold the room for it.
        let mut walking = Box::pin(answer(&self.plane, request));
        poll_fn(|cx| match walking.as_mut().poll(cx) {
            Poll::Ready(served) => Poll::Ready(Some(served)),
            Poll::Pending => self.link.borrow_mut().poll_left(cx).map(|()| None),
        })
        .await
    }

    /// Answers what is no request, and ends the connection.
    async fn refuse(&mut self, refusal: Refusal) -> io::Result<bool> {
        let served = serve::refuse(&self.plane, refusal.into(), (Dialect::OpenAi, self.peer));
        let framing = Framing {
            keep_alive: false,
            version: Version::HTTP_11,
            is_look: false,
        };
        self.write(served, framing).await?;
        self.linger(LINGER).await;
        Ok(false)
    }

    /// Closes a connection without a request, so that one which is on its way
    /// meets the end of a connection and no reset: its client sends it again.
    async fn close(&mut self) -> io::Result<bool> {
        self.linger(CROSSING).await;
        Ok(false)
    }

    async fn write(&mut self, served: Served, framing: Framing) -> io::Result<()> {
        let Served {
            status,
            fields,
            body,
        } = served;
        let is_look = framing.is_look;
        let is_stream = body.is_stream();
        let length = match body.length() {
            Some(length) => Length::Exact(length),
            None if framing.version == Version::HTTP_10 => Length::UntilClose,
            None => Length::Chunked,
        };
        let mut out = BytesMut::with_capacity(1024);
        let framed = AnswerFraming {
            keep_alive: framing.keep_alive,
            version: framing.version,
            date: &self.plane.date(),
        };
        http1::write_answer(&mut out, status, &fields, &length, framed);
        {
            let end = &mut self.link.borrow_mut().end;
            end.push(out.freeze());
            if let AnswerBody::Whole(Some(bytes)) = &body
                && !is_look
            {
                end.push(bytes.clone());
            }
        }
        self.plane.others_first().await;
        if !is_stream {
            return poll_fn(|cx| self.poll_write(cx)).await;
        }
        let mut streaming = Streaming::new(body, length);
        poll_fn(|cx| self.poll_stream(cx, &mut streaming)).await
    }

    fn poll_write(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.borrow_mut().end.poll_write(cx)
    }

    /// Writes a stream as it comes, all that is there at once in one write,
    /// until it is over or its client has left.
    fn poll_stream(&self, cx: &mut Context<'_>, streaming: &mut Streaming) -> Poll<io::Result<()>> {
        // Only a gathering of this very poll has left a waker upstream.
        streaming.waits = false;
        loop {
            let has_bytes = {
                let end = &mut self.link.borrow_mut().end;
                if end.is_written() && !streaming.is_over {
                    streaming.gather(cx, end.outlet());
                }
                !end.is_written()
            };
            if has_bytes && self.poll_write(cx)?.is_pending() {
                return self.poll_gone(cx);
            }
            if streaming.is_broken {
                streaming.cut_off(&self.link.borrow().end);
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            if streaming.is_over {
                return Poll::Ready(Ok(()));
            }
            if streaming.waits {
                return self.poll_gone(cx);
            }
        }
    }

    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.link.borrow_mut().poll_left(cx));
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    /// Ends the connection so that its client reads the answer first: closing
    /// with unread bytes would reset it.
    async fn linger(&self, time: Duration) {
        let due = Instant::now() + time;
        let mut left = LINGER_BYTES;
        let mut has_ended = false;
        poll_fn(|cx| {
            let mut link = self.link.borrow_mut();
            let link = &mut *link;
            if !has_ended {
                match link.end.socket.poll_end(cx) {
                    Poll::Ready(Ok(())) => has_ended = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return link.end.poll_late(cx, due),
                }
            }
            loop {
                link.end.bytes().clear();
                match link.end.poll_fill(cx, 0) {
                    Poll::Ready(Ok(read)) if 0 < read && read < left => left -= read,
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return link.end.poll_late(cx, due),
                }
            }
        })
        .await;
    }

    /// Gives the socket to whoever speaks HTTP/2.
    fn hand_over(self) -> End {
        match Rc::try_unwrap(self.link) {
            Ok(link) => {
                let (socket, ahead) = link.into_inner().end.into_parts();
                End::Http2(socket, ahead)
            }
            Err(_) => End::Closed,
        }
    }
}

/// How an answer is framed.
#[derive(Clone, Copy)]
struct Framing {
    keep_alive: bool,
    version: Version,
    is_look: bool,
}
