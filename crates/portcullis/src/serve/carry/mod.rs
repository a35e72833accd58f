//! The carrier: brings the journal's records to the store. A dead store stops
//! neither traffic nor accounting: the journal keeps what is not carried yet.
//!
//! It has a thread of its own, behind the event loops ([`rank`]).

mod rank;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use journal::{Carrier, Journal};
use store::Store;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::rank::Rank;
use super::world::{Stale, World};

/// Records in one transaction; fewer are not worth one at once, if there was
/// one just now: others join them in the next.
const BATCH: usize = 4096;
/// The pause when there is nothing to carry.
const IDLE: Duration = Duration::from_millis(100);
/// The longest pause while the store is away.
const AWAY: Duration = Duration::from_secs(5);

/// Until when the carrier works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Nobody said yet.
    Told,
    /// Another process goes on with what is left.
    Now,
    /// All is in the store: no request is open any more.
    Empty,
}

/// The carrier at work.
pub(super) struct Carrying {
    until: watch::Sender<Until>,
    task: JoinHandle<()>,
}

impl Carrying {
    pub(super) fn start(world: &World) -> Self {
        let (until, told) = watch::channel(Until::Told);
        let work = Work {
            store: world.store.clone(),
            journal: world.shared.journal.clone(),
            uncarried: Arc::clone(&world.uncarried),
            until: told,
            carrier: None,
            full: Instant::now(),
        };
        let task = tokio::spawn(run(work));
        Self { until, task }
    }

    /// None, for as long as another process may be about to carry.
    pub(super) fn idle() -> Self {
        let (until, _) = watch::channel(Until::Now);
        let task = tokio::spawn(async {});
        Self { until, task }
    }

    /// Returns once nothing is written into the store any more.
    pub(super) async fn stop(self, until: Until) -> anyhow::Result<()> {
        self.until.send_replace(until);
        self.task.await.context("the carrier")
    }
}

/// One thread after the other, each of the rank that the one before asked for.
async fn run(mut work: Work) {
    let mut rank = Rank::Behind;
    loop {
        let (done, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("carrier".to_owned());
        let started = thread.spawn(move || {
            rank.take();
            // Whoever waits for it may be gone with the process.
            let _ = done.send(on_this_thread(work, rank));
        });
        if let Err(error) = started {
            tracing::error!(%error, "carrier: no thread; records stay in the journal");
            return;
        }
        match ended.await {
            Ok(Some((next, back))) => (rank, work) = (next, back),
            Ok(None) => return,
            Err(_) => {
                tracing::error!("carrier: ended; records stay in the journal");
                return;
            }
        }
    }
}

/// Carries at `rank`; `None` if that is over, otherwise what another rank has
/// to go on with.
fn on_this_thread(mut work: Work, rank: Rank) -> Option<(Rank, Work)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "carrier: cannot start; records stay in the journal");
            return None;
        }
    };
    let next = runtime.block_on(async {
        // A connection's thread has the rank of the one that opened it.
        work.store.renew_ledger().await;
        work.carry(rank).await
    })?;
    Some((next, work))
}

/// What the carrier's threads hand on to each other.
struct Work {
    store: Store,
    journal: Journal,
    uncarried: Arc<Stale>,
    until: watch::Receiver<Until>,
    /// None before the store has said where to go on.
    carrier: Option<Carrier>,
    /// When the store had everything, or nearly.
    full: Instant,
}

impl Work {
    /// Carries until it is over (`None`), or until another rank fits.
    async fn carry(&mut self, rank: Rank) -> Option<Rank> {
        let mut pause = IDLE;
        loop {
            if self.until.has_changed().is_err() {
                // Nobody is left who could say it.
                return None;
            }
            let until = *self.until.borrow_and_update();
            match until {
                Until::Now => return None,
                // Somebody waits.
                Until::Empty if rank != Rank::Equal => return Some(Rank::Equal),
                Until::Told | Until::Empty => {}
            }
            match self.carry_all(rank).await {
                Ok(()) => {
                    self.uncarried.set(None);
                    pause = IDLE;
                }
                Err(error) => {
                    tracing::warn!(%error, "carrier: will try again");
                    self.uncarried.set(Some(error.to_string()));
                    pause = (pause * 2).min(AWAY);
                }
            }
            if until == Until::Empty {
                return None;
            }
            let fitting = self.rank();
            if fitting != rank {
                return Some(fitting);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = over(&mut self.until) => {}
            }
        }
    }

    /// Carries batches until one is small; or, at the end, until there are no
    /// more; or until another rank fits.
    async fn carry_all(&mut self, rank: Rank) -> anyhow::Result<()> {
        let rest = match *self.until.borrow() {
            Until::Empty => 0,
            Until::Told | Until::Now => BATCH,
        };
        let carrier = match &mut self.carrier {
            Some(carrier) => carrier,
            None => {
                let marks = self.store.marks().await.context("the store is away")?;
                self.carrier.insert(Carrier::new(&self.journal, marks))
            }
        };
        while let Some(batch) = carrier.next(BATCH)? {
            self.store.carry(&batch).await?;
            carrier.done(&batch);
            if batch.records.len() < rest {
                break;
            }
            let is_told = self.until.has_changed().unwrap_or(false);
            if is_told || Rank::fitting(self.full.elapsed(), self.journal.filled()) > rank {
                return Ok(());
            }
        }
        self.full = Instant::now();
        Ok(())
    }

    fn rank(&self) -> Rank {
        Rank::fitting(self.full.elapsed(), self.journal.filled())
    }
}

async fn over(until: &mut watch::Receiver<Until>) {
    // An error means that nobody is left who could say it.
    let _ = until.wait_for(|until| *until != Until::Told).await;
}
