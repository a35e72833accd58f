//! The way out: told once, the process answers all that reaches it and ends;
//! told twice, it ends at once.

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use gateway::accept::listen::Phase;
use gateway::plane::Shared;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long the loops may take to settle what was cut.
const CUT: Duration = Duration::from_secs(2);

/// How long an idle connection may still bring a request to a process that has
/// handed over.
const ONE_MORE: Duration = Duration::from_secs(5);

/// The signals that end the process, heard from when this is made.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// Who told the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A supervisor, which may have others to tell.
    Terminate,
    /// Somebody at a terminal, who waits.
    Interrupt,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns when the process is told to stop.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.interrupt.recv() => Told::Interrupt,
        }
    }
}

/// How long each part of the way out may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Requests are let in still.
    pub(super) delay: Duration,
    /// Open ones may finish.
    pub(super) timeout: Duration,
}

impl Pace {
    /// The same for whoever waits at a terminal: nobody else has to be told.
    pub(super) fn told_by(self, told: Told) -> Self {
        match told {
            Told::Terminate => self,
            Told::Interrupt => Self {
                delay: Duration::ZERO,
                ..self
            },
        }
    }
}

/// The event loops, and how they are told.
pub(super) struct Loops {
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) cut: watch::Sender<bool>,
}

/// Lets everybody finish who is here or on the way.
pub(super) async fn leave(loops: Loops, shared: &Shared, pace: Pace, signals: &mut Signals) {
    shared.draining.store(true, Ordering::Relaxed);
    let mut is_patient = true;
    if !pace.delay.is_zero() {
        tracing::info!(
            delay_ms = pace.delay.as_millis(),
            "stopping: requests are let in for a while, so that whoever sends them can go elsewhere"
        );
        loops.phase.send_replace(Phase::Leaving);
        tokio::select! {
            () = tokio::time::sleep(pace.delay) => {}
            _ = signals.next() => is_patient = false,
        }
    }
    tracing::info!("stopping: open requests may finish");
    loops.phase.send_replace(Phase::Closing);
    let timeout = if is_patient {
        pace.timeout
    } else {
        Duration::ZERO
    };
    finish(loops, timeout, signals).await;
}

/// Ends the requests that are open here after another process has taken over.
/// Idle connections may bring one more before they are closed: a client that
/// uses them all the time moves over without meeting an end.
pub(super) async fn succeeded(loops: Loops, timeout: Duration, signals: &mut Signals) {
    loops.phase.send_replace(Phase::HandedOver);
    let phase = loops.phase.clone();
    let closing = tokio::spawn(async move {
        tokio::time::sleep(ONE_MORE.min(timeout)).await;
        phase.send_replace(Phase::Closing);
    });
    finish(loops, timeout, signals).await;
    closing.abort();
}

/// Waits for open requests, but not for ever, and not for somebody who asks
/// twice.
pub(super) async fn finish(loops: Loops, timeout: Duration, signals: &mut Signals) {
    let threads = loops.threads;
    let mut joined =
        tokio::task::spawn_blocking(move || threads.into_iter().for_each(|t| drop(t.join())));
    tokio::select! {
        _ = &mut joined => return,
        () = tokio::time::sleep(timeout) => tracing::warn!(
            "some requests were still open after {} s and are cut",
            timeout.as_secs()
        ),
        _ = signals.next() => tracing::warn!("told to stop again: open requests are cut"),
    }
    loops.cut.send_replace(true);
    if tokio::time::timeout(CUT, joined).await.is_err() {
        tracing::error!("an event loop does not end; its requests count as lost");
    }
}
