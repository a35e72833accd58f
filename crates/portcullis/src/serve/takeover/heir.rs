//! The new process: asks for what the old one has, and counts for its last
//! requests.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::counters::{Ask, Counters, Taken, Used};
use domain::holding::Holding;
use domain::time::{Now, Ticks};
use gateway::accept::listen::Held;
use gateway::plane::Shared;
use tokio::time::Instant;

use super::limits::Limits;
use super::wire::{self, Estate, Word};

/// How long the elder may take to hand over: it ends what it is just carrying.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was handed over.
pub(crate) struct Inheritance {
    stream: UnixStream,
    estate: Estate,
    /// When it came.
    at: Instant,
    /// The locks of the data folder and of the journal.
    pub(crate) lock: File,
    pub(crate) journal_lock: File,
    admin: TcpListener,
    listeners: Vec<TcpListener>,
}

/// Asks the process that owns the folder for everything; `None` if nobody
/// does.
///
/// # Errors
/// It says no, or nothing.
pub(crate) fn ask(dir: &Path) -> anyhow::Result<Option<Inheritance>> {
    let cannot = || "cannot take over from the running process".to_owned();
    let Some(stream) = super::call(dir).with_context(cannot)? else {
        return Ok(None);
    };
    if !wire::is_ours(&stream) {
        bail!("{}: it is of another user", cannot());
    }
    let inheritance = receive(stream).with_context(cannot)?;
    Ok(Some(inheritance))
}

fn receive(stream: UnixStream) -> anyhow::Result<Inheritance> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let ask = Word::Ask {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    };
    wire::say(&stream, &ask, &[])?;
    let next = || wire::hear(&stream)?.context("it ended before it had handed over");
    let (estate, fds) = match next()? {
        (Word::Yes(estate), fds) => (*estate, fds),
        (Word::No { why }, _) => bail!("it says: {why}"),
        _ => bail!("it speaks another language; stop it, then start this one"),
    };
    let at = Instant::now();
    let Ok([lock, journal_lock, admin]) = <[OwnedFd; 3]>::try_from(fds) else {
        bail!("descriptors are missing");
    };
    let mut listeners = Vec::new();
    while listeners.len() < estate.listeners {
        match next()? {
            (Word::Listeners, fds) if !fds.is_empty() => {
                listeners.extend(fds.into_iter().map(TcpListener::from));
            }
            _ => bail!("listeners are missing"),
        }
    }
    Ok(Inheritance {
        stream,
        estate,
        at,
        lock: lock.into(),
        journal_lock: journal_lock.into(),
        admin: admin.into(),
        listeners,
    })
}

impl Inheritance {
    /// The process that it comes from.
    pub(crate) fn pid(&self) -> u32 {
        self.estate.pid
    }

    /// The listeners that are on `address`; port 0 is any.
    pub(crate) fn listeners(&self, address: SocketAddr) -> io::Result<Vec<TcpListener>> {
        let all = self.listeners.iter().filter(|l| is_on(l, address));
        all.map(TcpListener::try_clone).collect()
    }

    /// Who holds the listeners, once the elder has ended.
    pub(crate) fn held(&self) -> Held {
        match self.estate.is_activated {
            true => Held::Shared,
            false => Held::Alone,
        }
    }

    /// The operators' listener, if it is on `address`.
    pub(crate) fn admin(&self, address: SocketAddr) -> io::Result<Option<TcpListener>> {
        let admin = is_on(&self.admin, address).then(|| self.admin.try_clone());
        admin.transpose()
    }

    /// The zero of the clock that both go by.
    pub(crate) fn epoch(&self) -> Instant {
        let past = Duration::from_micros(self.estate.ticks);
        // A machine whose clock began later than the elder's: windows are
        // kept longer then, never shorter.
        self.at.checked_sub(past).unwrap_or(self.at)
    }

    /// Counts what the elder has given out.
    pub(crate) fn count(&self, limits: &Limits) {
        let now = Now {
            ticks: Ticks(self.estate.ticks),
            unix: crate::clock::now(),
        };
        for holding in &self.estate.holdings {
            limits.amend(None, holding, now);
        }
    }

    /// Requests are answered here: the elder may end its own, and is given
    /// room for them as long as it takes.
    ///
    /// # Errors
    /// The elder is gone.
    pub(crate) fn serving(
        self,
        limits: Arc<Limits>,
        shared: Arc<Shared>,
    ) -> anyhow::Result<JoinHandle<()>> {
        wire::say(&self.stream, &Word::Serving, &[])?;
        self.stream.set_read_timeout(None)?;
        let mut desk = Desk {
            stream: self.stream,
            limits,
            shared,
            runtime: tokio::runtime::Handle::current(),
            lent: HashMap::new(),
        };
        let holdings = self.estate.holdings;
        let thread = std::thread::Builder::new().name("elder".to_owned());
        Ok(thread.spawn(move || desk.run(holdings))?)
    }
}

fn is_on(listener: &TcpListener, address: SocketAddr) -> bool {
    listener
        .local_addr()
        .is_ok_and(|own| own == address || (address.port() == 0 && own.ip() == address.ip()))
}

/// Where the elder's requests get their room.
struct Desk {
    stream: UnixStream,
    limits: Arc<Limits>,
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
    /// What was given to requests of the elder that run.
    lent: HashMap<u64, Box<dyn Taken>>,
}

impl Desk {
    /// Until the elder has ended.
    fn run(&mut self, holdings: Vec<Holding>) {
        let named = |holding: Holding| (Arc::clone(&holding.subject), holding);
        let mut known: HashMap<Arc<str>, Holding> = holdings.into_iter().map(named).collect();
        while let Ok(Some((word, _))) = wire::hear(&self.stream) {
            let now = self.shared.moment();
            match word {
                Word::Take { id, asks } => self.take(id, &asks),
                Word::Settle { id, tokens, cost } => {
                    if let Some(taken) = self.lent.get_mut(&id) {
                        taken.settle(Used { tokens, cost }, now);
                    }
                }
                Word::End { id } => drop(self.lent.remove(&id)),
                Word::Changed(changed) => {
                    for after in changed {
                        self.limits.amend(known.get(&after.subject), &after, now);
                        known.insert(Arc::clone(&after.subject), after);
                    }
                }
                _ => {}
            }
        }
        // What it held in windows stays until it leaves them by itself; what it
        // had reserved and never used is given back.
        let now = self.shared.moment();
        for before in known.values() {
            let mut after = Holding {
                running: 0,
                ..before.clone()
            };
            for period in &mut after.periods {
                period.amount = period.amount.saturating_sub(period.pending);
                period.pending = 0;
            }
            self.limits.amend(Some(before), &after, now);
        }
        self.lent.clear();
    }

    fn take(&mut self, id: u64, asks: &[Ask]) {
        let taking = self.limits.take(asks, self.shared.moment());
        // In order with what the elder says of it next.
        let word = match self.runtime.block_on(taking.get()) {
            Ok(taken) => {
                let room = taken.room().to_vec();
                self.lent.insert(id, taken);
                Word::Taken { id, room }
            }
            Err(full) => Word::Full { id, full },
        };
        // An elder that is gone needs no answer.
        let _ = wire::say(&self.stream, &word, &[]);
    }
}
