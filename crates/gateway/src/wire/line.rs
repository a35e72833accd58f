//! A TCP connection as both sides of the gateway use it.
//!
//! *Write-ahead at the socket*: before any byte leaves, the records that this
//! loop has staged are written to the journal, all of one turn in one write.
//! So no request goes upstream without its *opened* record and no last byte
//! reaches a client without its *settled* one, whoever sends them. Records that
//! the disk does not take are owed, and end no connection: newcomers are turned
//! away until they are paid, the last of them where it would be sent (`Pool`).

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, Shutdown};
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use journal::Writer;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;

/// A connection that somebody else may watch.
#[derive(Clone)]
pub(crate) struct Line {
    stream: Rc<Stream>,
    journal: Rc<Writer>,
}

/// A connection, and what the system has taken for it.
struct Stream {
    tcp: TcpStream,
    taken: Cell<u64>,
}

impl Deref for Stream {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.tcp
    }
}

/// The most that one call writes.
const MOST: usize = 128 << 10;
/// A task has 128 units of tokio's budget for one turn of its loop. So many
/// bytes cost one, so that whoever moves a large body gives way to others
/// after a tenth of a millisecond, and not after a hundred calls of any size.
const UNIT: usize = 1 << 10;

/// Takes what moving so many bytes costs out of the turn of this task.
fn spend(cx: &mut Context<'_>, bytes: usize) {
    for _ in 0..bytes / UNIT {
        if !coop::has_budget_remaining() {
            return;
        }
        if let Poll::Ready(unit) = coop::poll_proceed(cx) {
            unit.made_progress();
        }
    }
}

/// What the system may hold of an answer beyond what it has sent. By itself it
/// takes megabytes for a client that reads nothing, and says nothing until a
/// third of them has gone: then nobody could tell a slow client from one that
/// has stopped.
#[cfg(target_os = "linux")]
fn hold_little(stream: &TcpStream) {
    const UNSENT: u32 = 128 << 10;
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
}

#[cfg(not(target_os = "linux"))]
fn hold_little(_: &TcpStream) {}

impl Line {
    /// Who is at the other end.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        let address = self.stream.tcp.peer_addr().ok()?;
        Some(address.ip())
    }

    /// A connection that a client has opened.
    pub(crate) fn from_client(stream: TcpStream, journal: Rc<Writer>) -> Self {
        hold_little(&stream);
        Self::to_upstream(stream, journal)
    }

    /// One that was opened to an upstream.
    pub(crate) fn to_upstream(stream: TcpStream, journal: Rc<Writer>) -> Self {
        let _ = stream.set_nodelay(true);
        Self {
            stream: Rc::new(Stream {
                tcp: stream,
                taken: Cell::new(0),
            }),
            journal,
        }
    }

    /// Reads what is there; `Ok(0)` is the end.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let room = buffer.len();
        self.read(cx, room, |stream| stream.try_read(buffer))
    }

    /// Reads what is there into the room that the buffer has; `Ok(0)` is the
    /// end. Unlike [`Self::poll_take`], it does not write zeros there first.
    pub(crate) fn poll_append(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let room = buffer.capacity() - buffer.len();
        self.read(cx, room, |stream| stream.try_read_buf(buffer))
    }

    fn read(
        &self,
        cx: &mut Context<'_>,
        room: usize,
        mut read: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match read(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(read) => {
                    spend(cx, read);
                    if 0 < read && read < room {
                        // Less came than might have: the socket is empty, and
                        // asking it once more would be a call for nothing.
                        let empty = || Err::<(), _>(ErrorKind::WouldBlock.into());
                        let _ = self.stream.try_io(Interest::READABLE, empty);
                    }
                    return Poll::Ready(Ok(read));
                }
            }
        }
    }

    /// Ready once the other side has closed its half. Wakes nobody by itself:
    /// asked by the task that reads the connection, which its end wakes.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ready = std::pin::pin!(self.stream.ready(Interest::READABLE));
        match ready.as_mut().poll(cx) {
            Poll::Ready(Ok(state)) if !state.is_read_closed() => Poll::Pending,
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Whether the system has told that the other side closed its half;
    /// unread bytes may stand in front of its end.
    pub(crate) fn is_closed(&self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.poll_closed(&mut cx).is_ready()
    }

    fn write(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        // Said in the log by the journal; the records are owed.
        let _ = self.journal.flush();
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match write(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(written) => {
                    let taken = &self.stream.taken;
                    taken.set(taken.get() + written as u64);
                    spend(cx, written);
                    return Poll::Ready(Ok(written));
                }
                failed @ Err(_) => return Poll::Ready(failed),
            }
        }
    }

    /// How many bytes the system has taken so far.
    pub(crate) fn taken(&self) -> u64 {
        self.stream.taken.get()
    }

    /// Writes as much as the system takes, but no more than is good for others.
    pub(crate) fn poll_give(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let small = slices.iter().take_while(|one| one.len() <= MOST).count();
        match &slices[..small.max(1).min(slices.len())] {
            [one] => self.write(cx, |stream| stream.try_write(&one[..one.len().min(MOST)])),
            some => self.write(cx, |stream| stream.try_write_vectored(some)),
        }
    }

    /// The end of this connection is a reset: what the system holds for its
    /// other side would else be kept until that has taken it.
    pub(crate) fn forget(&self) {
        let _ = socket2::SockRef::from(&self.stream.tcp).set_linger(Some(Duration::ZERO));
    }

    /// Says that nothing more will come.
    pub(crate) fn end(&self) -> io::Result<()> {
        let socket = socket2::SockRef::from(&self.stream.tcp);
        match socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            done => done,
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(self.poll_take(cx, buffer.initialize_unfilled()))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_give(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_give(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end())
    }
}
