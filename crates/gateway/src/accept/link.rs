//! One HTTP/1 connection of a client, as two see it: the loop that serves it,
//! and the body of the request that is being answered.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http1::{Ask, Body, Length, Step};
use tokio::time::Instant;

use crate::wire::{End, Scratch, Socket};

/// A body up to this size is handed on in one piece.
const WHOLE: u64 = 1 << 20;
/// How much of a next request is read while the present one is answered: only
/// who reads sees the other side's end.
const AHEAD: usize = 16 << 10;
/// How soon to look for the client's end if more than that has come; later on
/// after so many parts of the time that it has waited, and once in so long: to
/// look costs as much as any turn of the request, and thousands may wait.
const AGAIN: Duration = Duration::from_millis(5);
const PART: u32 = 8;
const AT_LEAST: Duration = Duration::from_secs(1);

/// A client's connection.
pub(super) struct Link {
    pub(super) end: End,
    body: Body,
    length: Option<u64>,
    /// The client sends its body only once it is told to.
    waits_for_word: bool,
    /// Since when its end can only be looked for now and then.
    looking: Option<Instant>,
}

impl Link {
    pub(super) fn new(socket: Socket, scratch: &Scratch) -> Self {
        Self {
            end: End::new(socket, scratch),
            body: Body::new(Length::None),
            length: Some(0),
            waits_for_word: false,
            looking: None,
        }
    }

    /// A request's head was read: its body is next.
    pub(super) fn begin(&mut self, ask: &Ask) {
        let length = ask.length;
        self.length = match length {
            Length::None => Some(0),
            Length::Exact(bytes) => Some(bytes),
            Length::Chunked | Length::UntilClose => None,
        };
        self.body = Body::new(length);
        self.waits_for_word = ask.expects_continue;
        self.looking = None;
    }

    /// The length that the head announced.
    pub(super) fn announced(&self) -> Option<u64> {
        self.length
    }

    /// The next bytes of the body.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let expected = self.body.remaining().unwrap_or(0);
            let comes_whole = expected <= WHOLE && (self.end.unread() as u64) < expected;
            if !comes_whole {
                match self.body.next(self.end.bytes()) {
                    Ok(Step::Data(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                    Ok(Step::Done) => return Poll::Ready(None),
                    Ok(Step::More) => {}
                    Err(fault) => {
                        return Poll::Ready(Some(Err(io::Error::other(fault.sentence()))));
                    }
                }
            }
            if std::mem::take(&mut self.waits_for_word) && self.end.unread() == 0 {
                self.end.push(Bytes::from_static(http1::CONTINUE));
            }
            if !self.end.is_written() {
                ready!(self.end.poll_write(cx))?;
            }
            if ready!(self.end.poll_fill(cx, expected))? == 0 {
                let error = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Whether the whole request was read, or can be without waiting.
    pub(super) fn has_read_all(&mut self) -> bool {
        while !self.body.is_done() {
            match self.body.next(self.end.bytes()) {
                Ok(Step::Data(_)) => {}
                Ok(Step::Done) => return true,
                Ok(Step::More) | Err(_) => return false,
            }
        }
        true
    }

    /// Ready when the client has left, or will read nothing more.
    ///
    /// Reads ahead what a client pipelines, since its end stands behind that.
    pub(super) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.body.is_done() {
            // Whoever reads the body sees the end.
            return Poll::Pending;
        }
        while self.end.unread() < AHEAD {
            match ready!(self.end.poll_fill(cx, 0)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        loop {
            if self.end.socket.line().is_closed() {
                return Poll::Ready(());
            }
            let now = Instant::now();
            let waited = now.duration_since(*self.looking.get_or_insert(now));
            let pause = (waited / PART).clamp(AGAIN, AT_LEAST);
            ready!(self.end.poll_late(cx, now + pause));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;
    use crate::wire::{Line, stage::play};

    #[test]
    fn the_end_of_who_has_sent_much_is_found_soon_and_not_looked_for_all_the_time() {
        play(async |writer| {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let mut client = TcpStream::connect(address).await.expect("connected");
            let (stream, _) = listener.accept().await.expect("a connection");
            client.write_all(&[b'x'; 64 << 10]).await.expect("sent");
            tokio::time::sleep(Duration::from_millis(50)).await;
            let line = Line::from_client(stream, writer);
            let mut link = Link::new(Socket::Plain(line), &Scratch::default());
            tokio::time::pause();
            let mut looks = 0;
            let looking = poll_fn(|cx| {
                looks += 1;
                link.poll_left(cx)
            });
            let left = timeout(Duration::from_secs(60), looking).await;
            assert!(left.is_err(), "it is there");
            assert!((60..200).contains(&looks), "{looks} in a minute");
            link.looking = None;
            let began = Instant::now();
            drop(client);
            poll_fn(|cx| link.poll_left(cx)).await;
            assert!(began.elapsed() <= 4 * AGAIN, "{:?}", began.elapsed());
        });
    }
}
