//! When the process hands over to another one, and how it goes on if that one
//! does not make it.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use gateway::accept::listen::Phase;
use tokio::sync::{mpsc, oneshot, watch};

use super::carry::{Carrying, Until};
use super::doors::Doors;
use super::stop::{Loops, Signals, Told};
use super::takeover::elder::{self, Goods, Heir, Starting};
use super::world::World;

/// How long the loops may take to notice a pause.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the carrier may take to end what it just writes.
const CARRY: Duration = Duration::from_secs(15);

/// What goes from one process to the next.
pub(super) struct House {
    pub(super) world: Arc<World>,
    pub(super) doors: Doors,
    pub(super) carrier: Carrying,
    /// A word of each loop that has noticed a pause.
    pub(super) pauses: mpsc::UnboundedReceiver<()>,
    /// Hears the process before, if there was one, until that has ended.
    pub(super) elder: Option<JoinHandle<()>>,
}

/// Why the process ends.
pub(super) enum Reason {
    /// It was told to.
    Told(Told),
    /// One of its loops has ended, and nobody lets in who comes to that.
    Broken(anyhow::Error),
    /// Another process serves.
    Succeeded(Follower),
    /// It was told to twice, while another process was about to take over.
    ToldTwice,
}

/// Tells the heir what becomes of this process' requests.
pub(super) struct Follower {
    end: watch::Sender<bool>,
    done: oneshot::Receiver<()>,
    /// Who told this process to stop while it handed over.
    pub(super) told: Option<Told>,
}

impl Follower {
    /// No request is open here any more: the heir hears the last of it.
    pub(super) async fn last_word(self) {
        self.end.send_replace(true);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.done).await;
    }
}

impl House {
    /// Serves until told to stop, or until another process does.
    pub(super) async fn until_told(&mut self, loops: &mut Loops, signals: &mut Signals) -> Reason {
        let mut heirs = match elder::listen(&self.world.places.data_dir) {
            Ok(heirs) => Some(heirs),
            Err(error) => {
                tracing::warn!("this process cannot be taken over from: {error:#}");
                None
            }
        };
        let next = async |heirs: &mut Option<mpsc::Receiver<Heir>>| match heirs {
            Some(heirs) => heirs.recv().await,
            None => std::future::pending().await,
        };
        loop {
            let heir = tokio::select! {
                told = signals.next() => return Reason::Told(told),
                error = loops.running.broken() => return Reason::Broken(error),
                heir = next(&mut heirs) => heir,
            };
            let Some(heir) = heir else {
                heirs = None;
                continue;
            };
            let (pid, version) = (heir.pid, heir.version.clone());
            tracing::info!(pid, version, "another process takes over");
            let (handed, told) = hearing(signals, self.hand_over(heir, loops)).await;
            match handed {
                None => return Reason::ToldTwice,
                Some(Ok(mut follower)) => {
                    tracing::info!(pid, "handed over: requests that are open here may finish");
                    follower.told = told;
                    return Reason::Succeeded(follower);
                }
                Some(Err(error)) => tracing::error!(
                    pid,
                    "the other process could not take over, this one goes on: {error:#}"
                ),
            }
            if let Some(told) = told {
                return Reason::Told(told);
            }
        }
    }

    async fn hand_over(&mut self, heir: Heir, loops: &Loops) -> anyhow::Result<Follower> {
        let world = Arc::clone(&self.world);
        let starting = heir.admit(&world.limits);
        let handed = self.try_to(starting, loops).await;
        if handed.is_err() {
            world.limits.come_back();
            loops.phase.send_replace(Phase::Open);
        }
        handed
    }

    async fn try_to(&mut self, starting: Starting, loops: &Loops) -> anyhow::Result<Follower> {
        while self.pauses.try_recv().is_ok() {}
        loops.phase.send_replace(Phase::Paused);
        let all_paused = async {
            for _ in &loops.running.threads {
                self.pauses.recv().await;
            }
        };
        let paused = tokio::time::timeout(PAUSE, all_paused).await;
        paused.context("an event loop is too busy")?;
        // From here on whoever fails starts the carrier again.
        let carrier = std::mem::replace(&mut self.carrier, Carrying::idle());
        let stopped = tokio::time::timeout(CARRY, carrier.stop(Until::Now)).await;
        let handed = match stopped {
            Ok(stopped) => match stopped {
                Ok(()) => self.give(starting).await,
                Err(error) => Err(error),
            },
            Err(_) => Err(anyhow::anyhow!("the database takes too long to be left")),
        };
        if handed.is_err() {
            self.carrier = Carrying::start(&self.world);
        }
        handed
    }

    async fn give(&self, starting: Starting) -> anyhow::Result<Follower> {
        let shared = Arc::clone(&self.world.shared);
        let journal_lock = shared.journal.lock()?;
        let lock = self.doors.lock.file.try_clone()?;
        let admin = self.doors.admin.try_clone()?;
        let listeners = self.doors.for_loops()?;
        let held = self.doors.held;
        let handing = move || {
            let goods = Goods {
                lock: lock.as_fd(),
                journal_lock: journal_lock.as_fd(),
                admin: &admin,
                listeners: &listeners,
                held,
            };
            let told = starting.hand_over(&goods, shared.generation, shared.ticks().0)?;
            anyhow::Ok((starting, told))
        };
        let (starting, told) = tokio::task::spawn_blocking(handing).await??;
        let (end, ended) = watch::channel(false);
        let done = starting.follow(told, ended)?;
        Ok(Follower {
            end,
            done,
            told: None,
        })
    }
}

/// What comes of `handing`, which is not given up where the process is told to
/// stop meanwhile, or nobody might serve; `None` once it is told twice.
async fn hearing<T>(
    signals: &mut Signals,
    handing: impl Future<Output = T>,
) -> (Option<T>, Option<Told>) {
    let mut handing = std::pin::pin!(handing);
    let mut told = None;
    loop {
        tokio::select! {
            handed = &mut handing => return (Some(handed), told),
            again = signals.next() => {
                if told.replace(again).is_some() {
                    return (None, told);
                }
                tracing::info!("told to stop: once the other process serves, or does not make it");
            }
        }
    }
}

/// Tells the process before, if there was one, that this one serves.
///
/// # Errors
/// It is gone, or would not hear.
pub(super) fn serving(
    doors: &mut Doors,
    world: &Arc<World>,
) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(inheritance) = doors.inheritance.take() else {
        return Ok(None);
    };
    let pid = inheritance.pid();
    let (limits, shared) = (Arc::clone(&world.limits), Arc::clone(&world.shared));
    let elder = inheritance.serving(limits, shared)?;
    tracing::info!(pid, "took over from the process before");
    Ok(Some(elder))
}

/// Waits until the process before has ended: its last requests are given room
/// here.
pub(super) async fn wait_for(elder: Option<JoinHandle<()>>, timeout: Duration) {
    let Some(elder) = elder else {
        return;
    };
    let due = tokio::time::Instant::now() + timeout;
    while !elder.is_finished() && tokio::time::Instant::now() < due {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
