//! The load: connections that one thread drives, and what they saw.

mod closed;
mod open;
pub(crate) mod request;
mod streams;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::poll::{For, Poll, Ready};
use crate::upstream::moment;
use crate::wire::Answer;

/// Nothing for so long is no measurement any more.
const STALLED: Duration = Duration::from_secs(20);

/// What a run of requests took.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Whole answers.
    pub(crate) count: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// From the request (open loop: its planned moment) to the whole answer,
    /// in nanoseconds.
    pub(crate) whole: Vec<u64>,
    /// From the request to the body's first byte, in nanoseconds.
    pub(crate) first: Vec<u64>,
}

impl Outcome {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        crate::numbers::real(self.count) / self.elapsed.as_secs_f64()
    }
}

/// Something that came on a connection.
#[derive(Clone, Copy, Debug)]
struct Seen {
    place: usize,
    /// The first bytes of the answer's body are among it.
    is_first: bool,
    /// The answer is whole.
    is_whole: bool,
    /// When the upstream sent it, if a chunk says so.
    moment: Option<u64>,
}

struct Connection {
    stream: TcpStream,
    answer: Answer,
    /// When its request was sent, or planned.
    since: Instant,
    /// Bytes of the request that the socket has taken.
    sent: usize,
    has_body: bool,
}

/// Connections to one server, all asking the same.
pub(crate) struct Fleet {
    address: SocketAddr,
    request: Arc<[u8]>,
    poll: Poll,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    ready: Vec<Ready>,
    seen: Vec<Seen>,
}

impl Fleet {
    /// Opens `count` connections.
    ///
    /// # Errors
    /// Nobody answers there.
    pub(crate) fn open(address: SocketAddr, request: &Arc<[u8]>, count: usize) -> Result<Self> {
        let mut fleet = Self {
            address,
            request: Arc::clone(request),
            poll: Poll::new()?,
            connections: Vec::with_capacity(count),
            buffer: vec![0; 64 * 1024],
            ready: Vec::new(),
            seen: Vec::new(),
        };
        for _ in 0..count {
            fleet.connect()?;
        }
        Ok(fleet)
    }

    fn connect(&mut self) -> Result<usize> {
        let stream = TcpStream::connect(self.address)
            .with_context(|| format!("cannot connect to {}", self.address))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let place = self.connections.len();
        self.poll.add(&stream, place, For::Reading)?;
        self.connections.push(Connection {
            stream,
            answer: Answer::default(),
            since: Instant::now(),
            sent: 0,
            has_body: false,
        });
        Ok(place)
    }

    /// Sends the request, whose time counts from `since`.
    fn send(&mut self, place: usize, since: Instant) -> Result<()> {
        let connection = &mut self.connections[place];
        connection.since = since;
        connection.sent = 0;
        connection.has_body = false;
        if !self.push(place)? {
            let stream = &self.connections[place].stream;
            self.poll.change(stream, place, For::Both)?;
        }
        Ok(())
    }

    /// Writes what is left of the request: whether it is all out.
    fn push(&mut self, place: usize) -> Result<bool> {
        let connection = &mut self.connections[place];
        while connection.sent < self.request.len() {
            match connection.stream.write(&self.request[connection.sent..]) {
                Ok(written) => connection.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("a request could not be sent"),
            }
        }
        Ok(true)
    }

    /// Waits at most so long, reads what came, and returns it.
    fn step(&mut self, most: Duration) -> Result<Vec<Seen>> {
        let mut ready = std::mem::take(&mut self.ready);
        let mut seen = std::mem::take(&mut self.seen);
        seen.clear();
        self.poll.wait(&mut ready, most)?;
        for event in &ready {
            if event.can_write && self.push(event.token)? {
                let stream = &self.connections[event.token].stream;
                self.poll.change(stream, event.token, For::Reading)?;
            }
            if event.can_read {
                seen.extend(self.read(event.token)?);
            }
        }
        self.ready = ready;
        Ok(seen)
    }

    /// Gives the list back that [`Self::step`] returned.
    fn keep(&mut self, seen: Vec<Seen>) {
        self.seen = seen;
    }

    fn read(&mut self, place: usize) -> Result<Option<Seen>> {
        let connection = &mut self.connections[place];
        let length = match connection.stream.read(&mut self.buffer) {
            Ok(0) => bail!("{} closed a connection", self.address),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context("an answer could not be read"),
        };
        let had_body = connection.has_body;
        let (mut has_body, mut at) = (had_body, None);
        let is_whole = connection
            .answer
            .feed(&self.buffer[..length], &mut |body| {
                has_body |= !body.is_empty();
                at = at.or_else(|| moment(body));
            })?;
        connection.has_body = has_body;
        Ok(Some(Seen {
            place,
            is_first: has_body && !had_body,
            is_whole,
            moment: at,
        }))
    }
}

/// Notices that nothing comes any more.
struct Watch(Instant);

impl Watch {
    fn new() -> Self {
        Self(Instant::now())
    }

    /// Something came, or not.
    fn saw(&mut self, seen: &[Seen], now: Instant) -> Result<()> {
        if !seen.is_empty() {
            self.0 = now;
        } else if now.duration_since(self.0) > STALLED {
            bail!("no answer for {} s", STALLED.as_secs());
        }
        Ok(())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
