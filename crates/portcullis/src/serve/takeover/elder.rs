//! The running process: hands over to the next one that asks, and goes on if
//! that one does not make it.

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use domain::holding::Holding;
use gateway::accept::listen::Held;
use tokio::sync::{mpsc, oneshot, watch};

use super::limits::{Away, Limits};
use super::wire::{self, AT_ONCE, Estate, Mouth, Word};

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
    mouth: Mouth,
}

impl Heir {
    /// From now on nobody is given room here.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub(crate) fn admit(self, limits: &Arc<Limits>) -> anyhow::Result<Starting> {
        let mouth = Arc::new(Mutex::new(self.stream.try_clone()?));
        let away = Away::new(Arc::clone(&mouth));
        limits.go_to(Some(Arc::clone(&away)));
        Ok(Starting {
            stream: self.stream,
            limits: Arc::clone(limits),
            away,
            mouth,
        })
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
        let mouth = self.mouth.lock();
        let stream = mouth.unwrap_or_else(std::sync::PoisonError::into_inner);
        wire::say(&stream, &estate, &first)?;
        for listeners in goods.listeners.chunks(AT_ONCE) {
            let fds: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
            wire::say(&stream, &Word::Listeners, &fds)?;
        }
        drop(stream);
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
        let (stream, away) = (self.stream, Arc::clone(&self.away));
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
        let (limits, mouth) = (self.limits, self.mouth);
        let tell = move || {
            let mut told = told;
            loop {
                let is_last = *ended.borrow();
                let now = limits.holdings();
                let news: Vec<_> = now.iter().filter(|h| !told.contains(h)).cloned().collect();
                if !news.is_empty() && wire::say_by(&mouth, &Word::Changed(news)).is_err() {
                    break;
                }
                told = now;
                if is_last {
                    break;
                }
                #[expect(clippy::disallowed_methods, reason = "on a thread of its own")]
                std::thread::sleep(NEWS);
            }
            let _ = done.send(());
        };
        std::thread::Builder::new()
            .name("heir-news".to_owned())
            .spawn(tell)?;
        Ok(is_done)
    }
}
