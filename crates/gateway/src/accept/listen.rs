//! Connections: one event loop a core, each with its own listener on the same
//! port (`SO_REUSEPORT`), HTTP/1.1 and HTTP/2 on one socket, TLS by
//! configuration.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use domain::probe::Probe;
use http::{Method, StatusCode};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::connection::{self, End};
use super::{Request, multiplexed};
use crate::admit;
use crate::plane::Plane;
use crate::send::pool::Pool;
use crate::serve::{self, AnswerBody, Served};
use crate::walk;
use crate::wire::{Line, Socket};

/// How long a TLS handshake may take.
const TLS_TIME: Duration = Duration::from_secs(10);
/// The most connections, over all loops, if the system says nothing.
const USUAL_DESCRIPTORS: usize = 1024;

/// Room for connections, over all loops: half of the descriptors that the
/// process may open, since each may need one more for its upstream. Above it
/// newcomers wait in the system's queue.
static ROOM: LazyLock<usize> = LazyLock::new(|| {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let descriptors = descriptors(&limits).unwrap_or(USUAL_DESCRIPTORS);
    (descriptors / 2).clamp(16, 1 << 20)
});
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(*ROOM)));

/// How many connections there may be.
pub(crate) fn room() -> usize {
    *ROOM
}

/// The soft limit on open files, as `/proc/self/limits` tells it.
fn descriptors(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|l| l.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Spawns onto the loop it is used on; futures need not be `Send`.
#[derive(Clone, Copy, Debug)]
pub struct LocalExec;

impl<F> hyper::rt::Executor<F> for LocalExec
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// Binds a listener that other loops of the process may bind too.
///
/// # Errors
/// The address is taken or not ours.
pub fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// How far the process is on its way out. What has reached it is answered in
/// each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Business as usual.
    #[default]
    Open,
    /// Nobody is let in for a moment: another process may be about to. What
    /// waits in the system's queue waits on.
    Paused,
    /// Everybody is let in and answered, and told to come back elsewhere:
    /// `connection: close`, and GOAWAY in HTTP/2.
    Leaving,
    /// Another process has the listeners, and with them whoever waits there.
    /// Connections that are open here are answered as in [`Phase::Leaving`].
    HandedOver,
    /// The listeners close; those of this process alone once who waits in the
    /// system's queue is let in. Connections without a request are closed,
    /// requests may finish.
    Closing(Held),
}

/// Who holds the listeners, and so their queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// This process alone: what waits there when it ends is lost.
    Alone,
    /// Another process or a supervisor too: what waits there is theirs, and
    /// nothing may be done to the socket.
    Shared,
}

impl Phase {
    /// Whether connections without a request are closed.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self, Self::Closing(_))
    }

    /// Whether an answer is the last one of its connection.
    pub(super) fn is_last_answer(self) -> bool {
        self >= Self::Leaving
    }
}

/// Accepts connections until the listener goes, then waits for the open ones,
/// and for what is worked on in the background.
///
/// # Errors
/// Who waited in the queue at the end could not be let in.
pub async fn run(
    plane: Rc<Plane>,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    mut phase: watch::Receiver<Phase>,
) -> std::io::Result<()> {
    tokio::task::spawn_local(Pool::keep_clean(Rc::downgrade(&plane.pool)));
    // Every connection holds a sender; the channel closes with the last one.
    let (open, mut none_open) = mpsc::channel::<()>(1);
    let hall = Hall {
        plane: Rc::clone(&plane),
        tls,
        phase: phase.clone(),
        open,
    };
    loop {
        let now = *phase.borrow_and_update();
        match now {
            Phase::Open | Phase::Leaving => {}
            Phase::Paused => {
                if phase.changed().await.is_err() {
                    break;
                }
                continue;
            }
            Phase::HandedOver | Phase::Closing(Held::Shared) => {
                drop(listener);
                break;
            }
            Phase::Closing(Held::Alone) => {
                hall.empty(listener).await?;
                break;
            }
        }
        let next = async {
            if PLACES.available_permits() == 0 {
                tracing::debug!("no room for more connections: newcomers wait");
            }
            let room = Arc::clone(&PLACES).acquire_owned().await;
            listener.accept().await.map(|(stream, _)| (stream, room))
        };
        tokio::select! {
            accepted = next => match accepted {
                Ok((stream, room)) => hall.greet(stream, room.ok()),
                Err(error) => {
                    // Out of descriptors, most likely: do not spin.
                    tracing::warn!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            changed = phase.changed() => if changed.is_err() {
                break;
            },
        }
    }
    drop(hall);
    none_open.recv().await;
    plane.busy.over().await;
    Ok(())
}

/// Where a loop's connections come in.
struct Hall {
    plane: Rc<Plane>,
    tls: Option<Arc<ServerConfig>>,
    phase: watch::Receiver<Phase>,
    open: mpsc::Sender<()>,
}

impl Hall {
    fn greet(&self, stream: TcpStream, room: Option<OwnedSemaphorePermit>) {
        let (plane, tls) = (Rc::clone(&self.plane), self.tls.clone());
        let (phase, open) = (self.phase.clone(), self.open.clone());
        tokio::task::spawn_local(async move {
            greeted(plane, stream, tls, phase).await;
            drop((open, room));
        });
    }

    /// Lets everybody in whose connection the system has made already: to
    /// close the listener on them would be a reset. Room is not asked for.
    async fn empty(&self, listener: TcpListener) -> std::io::Result<()> {
        // Whoever would come between the last look and the closing is held
        // off first; who has begun to shake hands may still end that.
        let is_held = socket2::SockRef::from(&listener).attach_filter(&no_newcomers());
        if let Err(error) = is_held {
            tracing::debug!(%error, "newcomers cannot be held off");
        } else {
            tokio::time::sleep(HANDSHAKE).await;
        }
        // The system itself is asked: what the loop knows may be old.
        let listener = listener.into_std()?;
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            self.greet(TcpStream::from_std(stream)?, None);
        }
        Ok(())
    }
}

/// How long a handshake that has begun may take to its end.
const HANDSHAKE: Duration = Duration::from_millis(20);

/// Drops segments that would begin a connection (SYN without ACK), as the
/// system's packet filter has it: their clients try again a second later, and
/// are refused then.
fn no_newcomers() -> [socket2::SockFilter; 5] {
    let step = |code, jump, k| socket2::SockFilter::new(code, jump, 0, k);
    [
        // The flags.
        step(0x30, 0, 13),
        // Of these, SYN and ACK.
        step(0x54, 0, 0x12),
        // SYN alone?
        step(0x15, 1, 0x02),
        // No: as it is.
        step(0x06, 0, u32::MAX),
        // Yes: nothing of it.
        step(0x06, 0, 0),
    ]
}

/// Serves a connection until it ends or its client has left.
async fn greeted(
    plane: Rc<Plane>,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    mut phase: watch::Receiver<Phase>,
) {
    let line = Line::from_client(stream, Rc::clone(&plane.writer));
    let (socket, speaks_http2) = match tls {
        None => (Socket::Plain(line), false),
        Some(config) => {
            let handshake = tokio_rustls::TlsAcceptor::from(config).accept(line.clone());
            let handshake = Box::pin(tokio::time::timeout(TLS_TIME, handshake));
            let Ok(Ok(stream)) = handshake.await else {
                return;
            };
            let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            (Socket::Tls(Box::new(stream.into()), line), speaks_http2)
        }
    };
    if speaks_http2 {
        let serving = multiplexed::serve(plane, socket, Bytes::new(), &mut phase);
        return Box::pin(serving).await;
    }
    let end = connection::serve(Rc::clone(&plane), socket, &phase).await;
    if let End::Http2(socket, ahead) = end {
        Box::pin(multiplexed::serve(plane, socket, ahead, &mut phase)).await;
    }
}

/// Health routes, or the way.
pub(super) async fn answer(plane: &Rc<Plane>, mut request: Request) -> Served {
    if let Some(known) = health(plane, &request).or_else(|| root(&request)) {
        return known;
    }
    let dialect = super::dialect(&request.uri, &request.fields);
    let trusted = &plane.shared.snapshot.load().trusted_proxies;
    request.peer = admit::address(request.peer, &request.fields, trusted);
    let from = request.peer;
    let mut served = match walk(plane, request).await {
        Ok(served) => served,
        Err(refused) => serve::refuse(plane, refused, (dialect, from)),
    };
    serve::name_id(&mut served.fields, dialect);
    served
}

/// `/livez` says that the process runs, `/readyz` that it takes requests.
fn health(plane: &Rc<Plane>, request: &Request) -> Option<Served> {
    let probe = Probe::at(request.uri.path())?;
    if request.method != Method::GET && request.method != Method::HEAD {
        return None;
    }
    let said = match probe {
        Probe::Alive => "ok\n",
        Probe::Ready if plane.shared.is_draining() => "draining\n",
        Probe::Ready
            if !plane.shared.journal.is_writable() && !plane.shared.journal.is_lenient() =>
        {
            "the journal takes no records\n"
        }
        Probe::Ready => "ok\n",
    };
    let mut served = Served::new(AnswerBody::whole(said)).of_type("text/plain");
    if said != "ok\n" {
        served.status = StatusCode::SERVICE_UNAVAILABLE;
    }
    Some(served)
}

/// Tools look at a base URL before they use it, without a key: something is
/// there. Others get the list of paths with the usual 404.
fn root(request: &Request) -> Option<Served> {
    let is_look = request.method == Method::HEAD && request.uri.path() == "/";
    is_look.then(|| Served::new(AnswerBody::whole("")).of_type("text/plain"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_on_open_files_is_read_as_the_system_tells_it() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            20000                524288               files     \n";
        assert_eq!(descriptors(limits), Some(20_000));
        let unlimited = limits.replace("20000", "unlimited");
        assert_eq!(descriptors(&unlimited), None);
        assert_eq!(descriptors(""), None);
    }
}
