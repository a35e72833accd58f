//! The upstream: raw sockets, one thread, and it counts what it was asked.

mod answers;
mod anthropic;
mod conversation;
mod openai;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

pub(crate) use answers::moment;
use answers::{Answers, Kind, Shape};
use conversation::{Conversation, Next};

use crate::poll::{For, Poll, Ready};
use crate::schedule::Dice;

/// What the upstream counted, and how it is told to pace.
#[derive(Debug)]
pub(crate) struct Counts {
    requests: AtomicU64,
    chunks: AtomicU64,
    interval: AtomicU64,
}

impl Counts {
    /// Whole requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Chunks sent so far.
    pub(crate) fn chunks(&self) -> u64 {
        self.chunks.load(Ordering::Relaxed)
    }

    /// Sets the time between two chunks of a paced stream that begins later.
    pub(crate) fn pace(&self, interval: Duration) {
        let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        self.interval.store(nanos, Ordering::Relaxed);
    }
}

/// A running upstream; it ends with the process.
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it counted.
    pub(crate) counts: Arc<Counts>,
}

/// Chunks of a brief stream behind its first, and the time between them.
const BRIEF: (u32, Duration) = (3, Duration::from_millis(4));
/// Chunks of a stream as fast as it is read.
const FLOOD: u32 = 200;
const LISTENER: usize = usize::MAX;
const BACKLOG: i32 = 4096;

impl Upstream {
    /// Starts it on a free port; chunks count their moments from `epoch`.
    ///
    /// # Errors
    /// There is no port.
    pub(crate) fn start(epoch: Instant) -> Result<Self> {
        let listener = listen()?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts {
            requests: AtomicU64::new(0),
            chunks: AtomicU64::new(0),
            interval: AtomicU64::new(20_000_000),
        });
        let counted = Arc::clone(&counts);
        std::thread::Builder::new()
            .name("upstream".to_owned())
            .spawn(move || {
                if let Err(error) = Turn::new(listener, counted, epoch).and_then(Turn::run) {
                    eprintln!("\nthe upstream ends: {error:#}");
                    std::process::exit(2);
                }
            })
            .context("cannot start the upstream")?;
        Ok(Self { address, counts })
    }
}

fn listen() -> Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// All that the thread owns.
struct Turn {
    poll: Poll,
    listener: TcpListener,
    counts: Arc<Counts>,
    chat: Answers,
    messages: Answers,
    open: Vec<Option<Conversation>>,
    free: Vec<usize>,
    /// When which stream's next chunk is due: moment, place, stream.
    due: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    dice: Dice,
    /// Streams begun so far; tells a stream from a later one in its place.
    begun: u64,
}

impl Turn {
    fn new(listener: TcpListener, counts: Arc<Counts>, epoch: Instant) -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            listener,
            counts,
            chat: Answers::new(Shape::OpenAi, epoch),
            messages: Answers::new(Shape::Anthropic, epoch),
            open: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            dice: Dice::new(11),
            begun: 0,
        })
    }

    fn run(mut self) -> Result<()> {
        // Chunks should leave when they are due, not 50 µs later.
        rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
        self.poll.add(&self.listener, LISTENER, For::Reading)?;
        let (mut ready, mut buffer) = (Vec::new(), vec![0; 256 * 1024]);
        loop {
            let next = self.due.peek().map(|Reverse((at, ..))| *at);
            let most = next.map_or(Duration::from_secs(3600), |at| {
                at.saturating_duration_since(Instant::now())
            });
            self.poll.wait(&mut ready, most)?;
            for event in &ready {
                if event.token == LISTENER {
                    self.accept()?;
                } else {
                    self.serve(*event, &mut buffer)?;
                }
            }
            self.send_due()?;
        }
    }

    fn accept(&mut self) -> Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.open.push(None);
                self.open.len() - 1
            });
            self.poll.add(&stream, place, For::Reading)?;
            self.open[place] = Some(Conversation::new(stream));
        }
        Ok(())
    }

    fn serve(&mut self, event: Ready, buffer: &mut [u8]) -> Result<()> {
        let Some(open) = &mut self.open[event.token] else {
            return Ok(());
        };
        let mut next = Next::Wait;
        if event.can_read {
            next = open.read(buffer);
        }
        if event.can_write && matches!(next, Next::Wait) {
            next = open.flush();
        }
        match next {
            Next::Wait => Ok(()),
            Next::Gone => {
                self.close(event.token);
                Ok(())
            }
            Next::Flushed => {
                let open = &self.open[event.token];
                if let Some(open) = open {
                    self.poll.change(&open.stream, event.token, For::Reading)?;
                }
                Ok(())
            }
            Next::Asked(kind, shape) => {
                self.counts.requests.fetch_add(1, Ordering::Relaxed);
                self.answer(event.token, kind, shape)
            }
        }
    }

    fn close(&mut self, place: usize) {
        self.open[place] = None;
        self.free.push(place);
    }

    fn answer(&mut self, place: usize, kind: Kind, shape: Shape) -> Result<()> {
        let Some(open) = &mut self.open[place] else {
            return Ok(());
        };
        let answers = match shape {
            Shape::OpenAi => &mut self.chat,
            Shape::Anthropic => &mut self.messages,
        };
        open.shape = shape;
        if kind == Kind::Plain {
            open.write(&answers.plain);
            return self.watch(place);
        }
        open.write(&answers.stream_head);
        self.begun += 1;
        open.stream_number = self.begun;
        let (left, first) = match kind {
            Kind::Brief => (BRIEF.0, BRIEF.1),
            Kind::Flood => {
                for _ in 0..FLOOD {
                    open.write(answers.chunk_now());
                }
                let sent = u64::from(FLOOD);
                self.counts.chunks.fetch_add(sent, Ordering::Relaxed);
                open.write(&answers.stream_end);
                return self.watch(place);
            }
            _ => {
                let interval = Duration::from_nanos(self.counts.interval.load(Ordering::Relaxed));
                open.interval = interval;
                // Streams that begin together do not stay in step.
                (u32::MAX, interval.mul_f64(self.dice.roll()))
            }
        };
        open.left = left;
        open.write(answers.chunk_now());
        self.counts.chunks.fetch_add(1, Ordering::Relaxed);
        self.due
            .push(Reverse((Instant::now() + first, place, self.begun)));
        self.watch(place)
    }

    /// Watches for room if something is left to write.
    fn watch(&mut self, place: usize) -> Result<()> {
        if let Some(open) = &mut self.open[place]
            && open.wants_room()
        {
            self.poll.change(&open.stream, place, For::Both)?;
        }
        Ok(())
    }

    fn send_due(&mut self) -> Result<()> {
        let now = Instant::now();
        while let Some(Reverse((at, place, number))) = self.due.peek().copied() {
            if at > now {
                return Ok(());
            }
            self.due.pop();
            let Some(open) = self.open[place]
                .as_mut()
                .filter(|open| open.stream_number == number)
            else {
                continue;
            };
            let answers = match open.shape {
                Shape::OpenAi => &mut self.chat,
                Shape::Anthropic => &mut self.messages,
            };
            if open.left == 0 {
                open.write(&answers.stream_end);
                open.stream_number = 0;
            } else {
                open.left -= 1;
                open.write(answers.chunk_now());
                self.counts.chunks.fetch_add(1, Ordering::Relaxed);
                let interval = if open.interval.is_zero() {
                    BRIEF.1
                } else {
                    open.interval
                };
                self.due.push(Reverse((at + interval, place, number)));
            }
            self.watch(place)?;
        }
        Ok(())
    }
}
