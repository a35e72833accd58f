//! The carrier: brings the journal's records to the store. A dead store stops
//! neither traffic nor accounting: the journal keeps what is not carried yet.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use journal::{Carrier, Journal};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
        let (store, journal) = (world.store.clone(), world.shared.journal.clone());
        let task = tokio::spawn(run(store, journal, Arc::clone(&world.uncarried), told));
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

async fn run(
    store: Store,
    journal: Journal,
    uncarried: Arc<Stale>,
    mut until: watch::Receiver<Until>,
) {
    let mut pause = IDLE;
    let mut carrier = loop {
        match store.marks().await {
            Ok(marks) => break Carrier::new(&journal, marks),
            Err(error) => {
                uncarried.set(Some(error.to_string()));
                tracing::warn!(%error, "carrier: the store is away");
            }
        }
        if is_over(&until) {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(AWAY) => {}
            () = over(&mut until) => {}
        }
    };
    loop {
        let is_last = is_over(&until);
        let rest = if *until.borrow() == Until::Empty {
            0
        } else {
            BATCH
        };
        match carry_all(&store, &mut carrier, rest).await {
            Ok(()) => {
                uncarried.set(None);
                pause = IDLE;
            }
            Err(error) => {
                tracing::warn!(%error, "carrier: will try again");
                uncarried.set(Some(error.to_string()));
                pause = (pause * 2).min(AWAY);
            }
        }
        if is_last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = over(&mut until) => {}
        }
    }
}

fn is_over(until: &watch::Receiver<Until>) -> bool {
    *until.borrow() != Until::Told
}

async fn over(until: &mut watch::Receiver<Until>) {
    // An error means that nobody is left who could say it.
    let _ = until.wait_for(|until| *until != Until::Told).await;
}

/// Carries batches until one has fewer than `rest` records.
async fn carry_all(store: &Store, carrier: &mut Carrier, rest: usize) -> anyhow::Result<()> {
    while let Some(batch) = carrier.next(BATCH)? {
        store.carry(&batch).await?;
        carrier.done(&batch);
        if batch.records.len() < rest {
            break;
        }
    }
    Ok(())
}
