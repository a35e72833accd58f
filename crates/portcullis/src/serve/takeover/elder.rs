//! The running process: hands over to the next one that asks, and goes on if
//! that one does not make it.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, bail};
use domain::holding::Holding;
use gateway::accept::listen::Held;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::limits::{Away, Limits};
use super::wire::{self, AT_ONCE, Estate, Word};

/// How long an heir may take to say what it wants.
const GREETING: Duration = Duration::from_secs(2);
/// How long it may take to start: a database may have to be brought to its
/// version.
const STARTING: Duration = Duration::from_secs(60);
/// How often the heir hears what has changed.
const NEWS: Duration = Duration::from_millis(50);

/// A process that wants to take over.
pub(crate) struct Heir {
    stream: UnixStream,
    /// Its process and version.
    pub(crate) pid: u32,
    pub(crate) version: String,
}

/// Hears heirs until this process ends or hands over: dropping what comes out
/// of it is enough.
///
/// # Errors
/// The socket cannot be made.
pub(crate) fn listen(dir: &Path) -> anyhow::Result<mpsc::Receiver<Heir>> {
    let cannot = || format!("cannot listen for a takeover in {}", dir.display());
    let listener = super::listen(dir).with_context(cannot)?;
    let (heirs, heard) = mpsc::channel(1);
    let hear = move || {
        for stream in listener.incoming() {
            let heir = match stream.map_err(anyhow::Error::from).and_then(greet) {
                Ok(heir) => heir,
                Err(error) => {
                    tracing::warn!("somebody who asked to take over was turned away: {error:#}");
                    continue;
                }
            };
            if let Err(busy) = heirs.try_send(heir) {
                let heir = busy.into_inner();
                let why = "it is about to end, or hands over to another process".to_owned();
                let _ = wire::say(&heir.stream, &Word::No { why }, &[]);
            }
        }
    };
    let thread = std::thread::Builder::new().name("takeover".to_owned());
    thread.spawn(hear).with_context(cannot)?;
    Ok(heard)
}

fn greet(stream: UnixStream) -> anyhow::Result<Heir> {
    if !wire::is_ours(&stream) {
        bail!("it is of another user");
    }
    stream.set_read_timeout(Some(GREETING))?;
    stream.set_write_timeout(Some(STARTING))?;
    match wire::hear(&stream)? {
        Some((Word::Ask { version, pid }, _)) => Ok(Heir {
            stream,
            pid,
            version,
        }),
        _ => bail!("it did not say what it wants"),
    }
}

/// What is handed over.
pub(crate) struct Goods<'a> {
    pub(crate) lock: BorrowedFd<'a>,
    pub(crate) journal_lock: BorrowedFd<'a>,
    pub(crate) admin: &'a TcpListener,
    pub(crate) listeners: &'a [TcpListener],
    pub(crate) held: Held,
}

/// A heir that is about to start; requests here ask it for room, and wait for
/// that until it does.
pub(crate) struct Starting {
    stream: UnixStream,
    limits: Arc<Limits>,
    away: Arc<Away>,
    words: Receiver<Word>,
}

impl Heir {
    /// From now on nobody is given room here.
    pub(crate) fn admit(self, limits: &Arc<Limits>) -> Starting {
        let (away, words) = Away::new();
        limits.go_to(Some(Arc::clone(&away)));
        Starting {
            stream: self.stream,
            limits: Arc::clone(limits),
            away,
            words,
        }
    }
}

impl Starting {
    /// Hands over and waits until the heir serves. Not before all loops have
    /// noticed that nobody is given room here.
    ///
    /// # Errors
    /// It did not make it. All is here still.
    pub(crate) fn hand_over(
        &self,
        goods: &Goods<'_>,
        generation: u64,
        ticks: u64,
    ) -> anyhow::Result<Vec<Holding>> {
        let holdings = self.limits.holdings();
        let estate = Word::Yes(Box::new(Estate {
            pid: std::process::id(),
            generation,
            ticks,
            listeners: goods.listeners.len(),
            is_activated: goods.held == Held::Shared,
            holdings: holdings.clone(),
        }));
        let first = [goods.lock, goods.journal_lock, goods.admin.as_fd()];
        wire::say(&self.stream, &estate, &first)?;
        for listeners in goods.listeners.chunks(AT_ONCE) {
            let fds: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
            wire::say(&self.stream, &Word::Listeners, &fds)?;
        }
        self.stream.set_read_timeout(Some(STARTING))?;
        match wire::hear(&self.stream)? {
            Some((Word::Serving, _)) => Ok(holdings),
            Some(_) => bail!("it speaks another language"),
            None => bail!("it ended; its log says why"),
        }
    }

    /// The heir serves: it is told what changes here until `ended`, and hears
    /// and answers who asks for room. What is sent last is sent when this is
    /// done.
    ///
    /// # Errors
    /// No thread can be made.
    pub(crate) fn follow(
        self,
        told: Vec<Holding>,
        ended: watch::Receiver<bool>,
    ) -> anyhow::Result<oneshot::Receiver<()>> {
        self.stream.set_read_timeout(None)?;
        self.away.serves();
        let (stream, away) = (self.stream.try_clone()?, self.away);
        let limits = Arc::clone(&self.limits);
        let hear = move || {
            while let Ok(Some((word, _))) = wire::hear(&stream) {
                match word {
                    Word::Taken { id, room } => away.answered(id, Ok(room)),
                    Word::Full { id, full } => away.answered(id, Err(full)),
                    _ => {}
                }
            }
            limits.go_to(None);
        };
        std::thread::Builder::new()
            .name("heir".to_owned())
            .spawn(hear)?;
        let (done, is_done) = oneshot::channel();
        let mut teller = Teller {
            stream: self.stream,
            words: self.words,
            limits: self.limits,
            told: Told::of(told),
            ended,
        };
        let tell = move || {
            if teller.run().is_err() {
                teller.give_up();
            }
            let _ = done.send(());
        };
        std::thread::Builder::new()
            .name("heir-news".to_owned())
            .spawn(tell)?;
        Ok(is_done)
    }
}

/// Tells the heir what requests here want of it, and what changes.
struct Teller {
    stream: UnixStream,
    words: Receiver<Word>,
    limits: Arc<Limits>,
    told: Told,
    ended: watch::Receiver<bool>,
}

impl Teller {
    /// Until the last request here has ended.
    fn run(&mut self) -> io::Result<()> {
        let mut due = Instant::now();
        loop {
            let is_last = *self.ended.borrow();
            let wait = match is_last {
                true => Duration::ZERO,
                false => due.saturating_duration_since(Instant::now()),
            };
            match self.words.recv_timeout(wait) {
                Ok(word) => wire::say(&self.stream, &word, &[])?,
                Err(RecvTimeoutError::Timeout) if is_last => return self.news(),
                Err(RecvTimeoutError::Timeout) => {}
                // The heir is gone.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if due <= Instant::now() {
                self.news()?;
                due = Instant::now() + NEWS;
            }
        }
    }

    fn news(&mut self) -> io::Result<()> {
        let news = self.told.news(self.limits.holdings());
        match news.is_empty() {
            true => Ok(()),
            false => wire::say(&self.stream, &Word::Changed(news), &[]),
        }
    }

    /// What was said in part is no word: whoever listens to the heir hears
    /// that it is over, and nobody is asked there any more.
    fn give_up(&self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// What the heir knows of what is given out here.
struct Told(HashMap<Arc<str>, Holding>);

impl Told {
    fn of(holdings: Vec<Holding>) -> Self {
        let by_subject = |holding: Holding| (Arc::clone(&holding.subject), holding);
        Self(holdings.into_iter().map(by_subject).collect())
    }

    /// What of `now` it does not know yet; it does from then on.
    fn news(&mut self, mut now: Vec<Holding>) -> Vec<Holding> {
        now.retain(|holding| self.0.get(&holding.subject) != Some(holding));
        for holding in &now {
            self.0.insert(Arc::clone(&holding.subject), holding.clone());
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_limits_those_that_changed_are_told_once_and_soon() {
        let holding = |at: u64, running| Holding {
            subject: format!("key:{at}").into(),
            running,
            windows: Vec::new(),
            periods: Vec::new(),
        };
        let mut told = Told::of((0..20_000).map(|at| holding(at, 1)).collect());
        let now = || (0..20_001).map(|at| holding(at, if at == 7 { 2 } else { 1 }));
        let begun = Instant::now();
        assert_eq!(
            told.news(now().collect()),
            [holding(7, 2), holding(20_000, 1)]
        );
        assert_eq!(told.news(now().collect()), []);
        // Each with each would be 400 million comparisons.
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}
