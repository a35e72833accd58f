//! The way out: told once, the process answers all that reaches it and ends;
//! told twice, it ends at once. Where another process has taken over, the first
//! time changes nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway::accept::listen::{Held, Phase};
use gateway::plane::Shared;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::carry::Until;
use super::handover::{Follower, House, wait_for};
use super::loops::Running;
use super::turns;

/// How long the loops may take to settle what was cut.
const CUT: Duration = Duration::from_secs(2);

/// How long the last records may take into the database; the next start goes
/// on with the rest.
const CARRY: Duration = Duration::from_secs(5);
/// The same for somebody who asks twice.
const CARRY_AT_ONCE: Duration = Duration::from_millis(500);

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
    pub(super) running: Running,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) cut: watch::Sender<bool>,
}

impl House {
    /// Answers all that reaches this process, and carries the last of it.
    ///
    /// # Errors
    /// The carrier panicked.
    pub(super) async fn leave(
        self,
        loops: Loops,
        told: Told,
        signals: &mut Signals,
    ) -> anyhow::Result<()> {
        let pace = self.world.pace().told_by(told);
        // Those of the loops are theirs; the folder is kept to the end.
        let held = self.doors.held;
        drop((self.doors.listeners, self.doors.admin));
        let again = let_finish(loops, held, &self.world.shared, pace, signals).await;
        let patience = match again {
            None => {
                unless_told(signals, wait_for(self.elder, pace.timeout)).await;
                CARRY
            }
            Some(_) => CARRY_AT_ONCE,
        };
        let last = async {
            turns::lose(&self.world).await;
            self.carrier.stop(Until::Empty).await
        };
        let in_time = tokio::time::timeout(patience, last);
        if let Some(Ok(stopped)) = unless_told(signals, in_time).await {
            return stopped;
        }
        tracing::info!("records that are not in the database yet get there with the next start");
        // A last write may be under way: the folder is given up by the very
        // end of the process.
        std::mem::forget(self.doors.lock);
        Ok(())
    }

    /// Another process serves: answers what is open here.
    pub(super) async fn give_way(self, loops: Loops, follower: Follower, signals: &mut Signals) {
        let timeout = self.world.pace().timeout;
        drop(self.doors);
        self.world.shared.journal.give_up_lock();
        succeeded(loops, timeout, follower.told, signals).await;
        let last = async {
            turns::lose(&self.world).await;
            wait_for(self.elder, timeout).await;
        };
        unless_told(signals, last).await;
        follower.last_word().await;
    }
}

/// What comes of `work`; `None` if the process is told to stop meanwhile.
async fn unless_told<T>(signals: &mut Signals, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        _ = signals.next() => None,
    }
}

/// Lets everybody finish who is here or on the way; who told the process to
/// stop again, if anybody did.
async fn let_finish(
    loops: Loops,
    held: Held,
    shared: &Shared,
    pace: Pace,
    signals: &mut Signals,
) -> Option<Told> {
    shared.draining.store(true, Ordering::Relaxed);
    let mut again = None;
    if !pace.delay.is_zero() {
        tracing::info!(
            delay_ms = pace.delay.as_millis(),
            "stopping: requests are let in for a while, so that whoever sends them can go elsewhere"
        );
        loops.phase.send_replace(Phase::Leaving);
        tokio::select! {
            () = tokio::time::sleep(pace.delay) => {}
            told = signals.next() => again = Some(told),
        }
    }
    tracing::info!("stopping: open requests may finish");
    loops.phase.send_replace(Phase::Closing(held));
    let timeout = match again {
        None => pace.timeout,
        Some(_) => Duration::ZERO,
    };
    finish(loops, timeout, signals.next()).await.or(again)
}

/// Ends the requests that are open here after another process has taken over.
/// Idle connections may bring one more before they are closed: a client that
/// uses them all the time moves over without meeting an end.
/// To be told to stop changes nothing, it ends in any case: who upgrades often
/// tells the old process too. Told twice, it ends at once.
async fn succeeded(loops: Loops, timeout: Duration, told: Option<Told>, signals: &mut Signals) {
    loops.phase.send_replace(Phase::HandedOver);
    let phase = loops.phase.clone();
    let closing = tokio::spawn(async move {
        tokio::time::sleep(ONE_MORE.min(timeout)).await;
        phase.send_replace(Phase::Closing(Held::Shared));
    });
    let again = async {
        if told.is_none() {
            signals.next().await;
            tracing::info!("told to stop: this process ends once its open requests have");
        }
        signals.next().await;
    };
    finish(loops, timeout, again).await;
    closing.abort();
}

/// Waits for open requests, but not for ever, and not for somebody who asks
/// `again`; what that said.
async fn finish<T>(loops: Loops, timeout: Duration, again: impl Future<Output = T>) -> Option<T> {
    let mut told = None;
    let threads = loops.running.threads;
    let mut joined =
        tokio::task::spawn_blocking(move || threads.into_iter().for_each(|t| drop(t.join())));
    tokio::select! {
        _ = &mut joined => return None,
        () = tokio::time::sleep(timeout) => tracing::warn!(
            "some requests were still open after {} s and are cut",
            timeout.as_secs()
        ),
        again = again => {
            tracing::warn!("told to stop again: open requests are cut");
            told = Some(again);
        }
    }
    loops.cut.send_replace(true);
    if tokio::time::timeout(CUT, joined).await.is_err() {
        tracing::error!("an event loop does not end; its requests count as lost");
    }
    told
}

/// Ends open requests at once.
pub(super) async fn cut(loops: Loops) {
    finish(loops, Duration::MAX, std::future::ready(())).await;
}
