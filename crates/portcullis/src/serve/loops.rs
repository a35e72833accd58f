//! The event loops: one thread each, with its own runtime and listener.

use std::cell::RefCell;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context;
use gateway::accept::listen::{self, Phase};
use gateway::plane::{Plane, Shared};
use rustls::ServerConfig;
use tokio::sync::{mpsc, watch};

use super::pulse::Pulse;
use super::world::World;

/// How the loops end.
#[derive(Clone)]
pub(super) struct End {
    /// How far the process is on its way out.
    pub(super) phase: watch::Receiver<Phase>,
    /// Told by each loop once it has noticed [`Phase::Paused`].
    pub(super) paused: mpsc::UnboundedSender<()>,
    /// Set: open requests are dropped, and settled by that.
    pub(super) cut: watch::Receiver<bool>,
}

/// Starts the loops.
pub(super) fn start(
    world: &World,
    listeners: Vec<TcpListener>,
    tls: Option<&Arc<ServerConfig>>,
    end: &End,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let mut threads = Vec::new();
    for (core, listener) in (0_u16..).zip(listeners) {
        let (shared, pulse) = (Arc::clone(&world.shared), Arc::clone(&world.pulse));
        let (tls, end) = (tls.cloned(), end.clone());
        let thread = std::thread::Builder::new()
            .name(format!("loop-{core}"))
            .spawn(move || {
                if let Err(error) = run((shared, pulse), core, listener, tls, end) {
                    tracing::error!(core, %error, "event loop ended");
                }
            })
            .context("cannot start an event loop")?;
        threads.push(thread);
    }
    Ok(threads)
}

thread_local! {
    /// This loop's end of the journal, for [`pay`].
    static WRITER: RefCell<Option<Rc<journal::Writer>>> = const { RefCell::new(None) };
}

/// What a loop does before it sleeps: no record waits for the next request.
fn pay() {
    WRITER.with_borrow(|writer| {
        if let Some(writer) = writer {
            // An error is said there, and the records are owed.
            let _ = writer.flush();
        }
    });
}

fn run(
    (shared, pulse): (Arc<Shared>, Arc<Pulse>),
    core: u16,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    mut end: End,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(pay)
        .build_local(tokio::runtime::LocalOptions::default())?;
    pulse.watch(runtime.handle().metrics());
    let ended = runtime.block_on(async {
        let plane = Plane::new(shared, core)?;
        WRITER.set(Some(Rc::clone(&plane.writer)));
        tokio::task::spawn_local(notice(end.phase.clone(), end.paused));
        tokio::select! {
            ended = listen::run(plane, listener, tls, end.phase) => Ok(ended?),
            // What is still open is dropped with the runtime.
            _ = end.cut.wait_for(|cut| *cut) => Ok(()),
        }
    });
    drop(runtime);
    // The journal's end is closed by the last that holds it.
    pay();
    WRITER.set(None);
    ended
}

/// Says that this loop has noticed a pause: whatever it was just doing is
/// done.
async fn notice(mut phase: watch::Receiver<Phase>, paused: mpsc::UnboundedSender<()>) {
    while phase.changed().await.is_ok() {
        if *phase.borrow_and_update() == Phase::Paused {
            let _ = paused.send(());
        }
    }
}
