//! Where the process listens: at sockets of its own, at those that systemd
//! holds for it, or at those of the process that it takes over from.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::bail;
use gateway::accept::listen::{self, Held};
use listenfd::ListenFd;

use super::files;
use super::lock::{self, Lock};
use super::takeover::heir::{self, Inheritance};
use super::world::Places;

/// The data folder and the listeners, owned until this is dropped.
pub(super) struct Doors {
    pub(super) lock: Lock,
    /// One a loop.
    pub(super) listeners: Vec<TcpListener>,
    pub(super) admin: TcpListener,
    /// Whether somebody holds the loops' listeners beside this process.
    pub(super) held: Held,
    /// What came from the process before.
    pub(super) inheritance: Option<Inheritance>,
}

/// Whether a running process may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Alone.
    Alone,
    /// From whoever runs, if anybody does.
    TakeOver,
}

/// Takes the folder and opens the listeners; `places` learns what port 0
/// became.
///
/// # Errors
/// The folder is in use, or an address is taken. Whoever ran goes on.
pub(super) fn open(places: &mut Places, start: Start) -> anyhow::Result<Doors> {
    let inheritance = match start {
        Start::Alone => None,
        Start::TakeOver => heir::ask(&places.data_dir)?,
    };
    let lock = match &inheritance {
        Some(inheritance) => Lock::of(inheritance.lock.try_clone()?, &places.data_dir),
        None => lock::take(&places.data_dir)?,
    };
    let opened = activated().and_then(|given| {
        let (listeners, held) = listeners(places, inheritance.as_ref(), given.clients)?;
        let admin = admin(places, inheritance.as_ref(), given.operators)?;
        Ok((listeners, held, admin))
    });
    let (listeners, held, admin) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            lock.undo();
            return Err(error);
        }
    };
    places.admin = admin.local_addr()?;
    if let Some(first) = listeners.first() {
        places.listen = first.local_addr()?;
    }
    Ok(Doors {
        lock,
        listeners,
        admin,
        held,
        inheritance,
    })
}

fn listeners(
    places: &Places,
    from: Option<&Inheritance>,
    given: Vec<TcpListener>,
) -> anyhow::Result<(Vec<TcpListener>, Held)> {
    let wanted = places.workers.max(1);
    let (listeners, held) = match from {
        Some(from) => (from.listeners(places.listen)?, from.held()),
        None => (Vec::new(), Held::Alone),
    };
    let (mut listeners, held) = match listeners.is_empty() {
        true => (given, Held::Shared),
        false => (listeners, held),
    };
    let Some(first) = listeners.first() else {
        return Ok((bind(places.listen, wanted)?, Held::Alone));
    };
    // As many as there were at least: who waits at one must be let in.
    let address = first.local_addr()?;
    let more = (listeners.len()..wanted).map(|_| match held {
        Held::Alone => listen::bind(address).map_err(|error| taken(address, error)),
        // One socket for all loops: whoever is free takes the next.
        Held::Shared => Ok(first.try_clone()?),
    });
    let more: Vec<_> = more.collect::<anyhow::Result<_>>()?;
    listeners.extend(more);
    Ok((listeners, held))
}

fn admin(
    places: &Places,
    from: Option<&Inheritance>,
    mut given: Vec<TcpListener>,
) -> anyhow::Result<TcpListener> {
    let inherited = match from {
        Some(from) => from.admin(places.admin)?,
        None => given.pop(),
    };
    inherited.map_or_else(|| bind_one(places.admin), Ok)
}

/// Sockets that systemd holds for us.
#[derive(Default)]
struct Given {
    clients: Vec<TcpListener>,
    operators: Vec<TcpListener>,
}

/// Sockets of systemd (`LISTEN_FDS`): those whose `FileDescriptorName=` is
/// `admin` are the operators', all others the clients'. To be asked once: it
/// takes the variables away.
fn activated() -> anyhow::Result<Given> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = ListenFd::from_env();
    let mut given = Given::default();
    for at in 0..sockets.len() {
        let Some(socket) = sockets.take_tcp_listener(at)? else {
            bail!("LISTEN_FDS: a socket is given twice");
        };
        socket.set_nonblocking(true)?;
        match names.next() {
            Some("admin") => given.operators.push(socket),
            _ => given.clients.push(socket),
        }
    }
    Ok(given)
}

/// Binds one listener a loop, all on the same address: port 0 is any, but one.
fn bind(address: SocketAddr, loops: usize) -> anyhow::Result<Vec<TcpListener>> {
    // The first one without SO_REUSEPORT would find a foreign process on the
    // port; a plain bind does, and is given up at once.
    let address = bind_one(address)?.local_addr()?;
    (0..loops)
        .map(|_| listen::bind(address).map_err(|error| taken(address, error)))
        .collect()
}

/// Binds a single listener.
fn bind_one(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| taken(address, error))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Another address helps where it is the address that is at fault.
fn taken(address: SocketAddr, error: io::Error) -> anyhow::Error {
    let advice = match files::is_used_up(&error) {
        true => "",
        false => "; choose another address with --listen or --admin-listen",
    };
    anyhow::Error::new(error).context(format!("cannot listen on {address}{advice}"))
}

impl Doors {
    /// The journal's lock, if another process had it.
    pub(super) fn journal_lock(&self) -> std::io::Result<Option<File>> {
        let inherited = self.inheritance.as_ref();
        inherited.map(|i| i.journal_lock.try_clone()).transpose()
    }

    /// The listeners once more, for the loops: these stay to be handed over.
    pub(super) fn for_loops(&self) -> std::io::Result<Vec<TcpListener>> {
        self.listeners.iter().map(TcpListener::try_clone).collect()
    }
}
