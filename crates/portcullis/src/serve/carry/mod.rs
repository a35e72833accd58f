//! The carrier: brings the journal's records to the store. A dead store stops
//! neither traffic nor accounting: the journal keeps what is not carried yet.
//! While the event loops have no time to give away, it waits ([`pace`]).

mod pace;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use journal::{Carrier, Journal};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::pace::Pace;
use super::alerts::Alerts;
use super::pulse::{Beat, Pulse};
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
            alerts: Arc::clone(&world.alerts),
            journal: world.shared.journal.clone(),
            uncarried: Arc::clone(&world.uncarried),
            pulse: Arc::clone(&world.pulse),
            beat: world.pulse.beat(),
            until: told,
            carrier: None,
            caught_up: Instant::now(),
        };
        let journal = world.shared.journal.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = work.run() => {}
                () = look(&journal) => {}
            }
        });
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

/// The carrier's own.
struct Work {
    store: Store,
    alerts: Arc<Alerts>,
    journal: Journal,
    uncarried: Arc<Stale>,
    pulse: Arc<Pulse>,
    beat: Beat,
    until: watch::Receiver<Until>,
    /// None before the store has said where to go on.
    carrier: Option<Carrier>,
    /// When the store had everything, or nearly.
    caught_up: Instant,
}

impl Work {
    async fn run(mut self) {
        let mut pause = IDLE;
        loop {
            let until = self.told();
            if until == Until::Now {
                return;
            }
            match self.carry().await {
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
            // What came while it carried is seen in the next round.
            if until == Until::Empty {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = over(&mut self.until) => {}
            }
        }
    }

    /// What it was told. If nobody is left who could tell, another goes on.
    fn told(&mut self) -> Until {
        match self.until.has_changed() {
            Ok(_) => *self.until.borrow_and_update(),
            Err(_) => Until::Now,
        }
    }

    /// Carries batches, at the pace that fits, until one is small, or there is
    /// something to be told; at the end, until there are no more.
    async fn carry(&mut self) -> anyhow::Result<()> {
        let is_end = *self.until.borrow() == Until::Empty;
        let small = if is_end { 0 } else { BATCH };
        loop {
            let pace = if is_end { Pace::Now } else { self.pace() };
            if pace == Pace::Later || self.until.has_changed().unwrap_or(true) {
                return Ok(());
            }
            let begun = Instant::now();
            let carried = self.batch().await?;
            if carried.is_none_or(|records| records < small) {
                self.caught_up = Instant::now();
                return Ok(());
            }
            if pace == Pace::Gently {
                tokio::time::sleep(3 * begun.elapsed()).await;
            }
        }
    }

    /// Carries one batch: how many records it had; `None` if there was none.
    async fn batch(&mut self) -> anyhow::Result<Option<usize>> {
        let carrier = match &mut self.carrier {
            Some(carrier) => carrier,
            None => {
                let marks = self.store.marks().await.context("the store is away")?;
                self.carrier.insert(Carrier::new(&self.journal, marks))
            }
        };
        let Some(batch) = carrier.next(BATCH)? else {
            return Ok(None);
        };
        // Before the ledger has them: what it has is not looked at again.
        self.alerts.seen(&batch.records).await?;
        self.store.carry(&batch).await?;
        carrier.done(&batch);
        Ok(Some(batch.records.len()))
    }

    fn pace(&mut self) -> Pace {
        let busy = self.pulse.busy_since(&mut self.beat);
        let late = self.caught_up.elapsed();
        Pace::fitting(busy, late, self.journal.uncarried_share())
    }
}

/// Watches over the journal's files, whatever the store does meanwhile.
async fn look(journal: &Journal) {
    loop {
        journal.look();
        tokio::time::sleep(IDLE).await;
    }
}

async fn over(until: &mut watch::Receiver<Until>) {
    // An error means that nobody is left who could say it.
    let _ = until.wait_for(|until| *until != Until::Told).await;
}
