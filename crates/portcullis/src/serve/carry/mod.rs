//! The carrier: brings the journal's records to the store. A dead store stops
//! neither traffic nor accounting: the journal keeps what is not carried yet.
//! While the event loops have no time to give away, it waits ([`pace`]).

mod book;
mod export;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use journal::{Carrier, Journal};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::book::Book;
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

/// What operators are told while nobody signs.
const UNSEALED: &str = "records of the audit log are not sealed: the log says why";

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
    task: JoinHandle<anyhow::Result<()>>,
}

impl Carrying {
    pub(super) fn start(world: &World) -> Self {
        let (until, told) = watch::channel(Until::Told);
        let (seal, sealed) = watch::channel(None);
        let shared = &world.shared;
        let book = world.audit.as_ref().map(|place| {
            let strangers = &shared.strangers;
            let book = Book::new(place, shared.generation, strangers, seal);
            Box::new(book.telling(&world.alerts))
        });
        let work = Work {
            store: world.store.clone(),
            alerts: Arc::clone(&world.alerts),
            journal: world.shared.journal.clone(),
            uncarried: Arc::clone(&world.uncarried),
            pulse: Arc::clone(&world.pulse),
            beat: world.pulse.beat(),
            until: told,
            carrier: None,
            book,
            caught_up: Instant::now(),
        };
        let journal = world.shared.journal.clone();
        let to = world.audit.as_ref().map(|place| place.export.clone());
        let export = export::run(to.unwrap_or_default(), sealed);
        let task = tokio::spawn(async move {
            let all = async { tokio::join!(work.run(), export) };
            tokio::select! {
                (carried, ()) = all => carried,
                () = look(&journal) => Ok(()),
            }
        });
        Self { until, task }
    }

    /// None, for as long as another process may be about to carry.
    pub(super) fn idle() -> Self {
        let (until, _) = watch::channel(Until::Now);
        let task = tokio::spawn(async { Ok(()) });
        Self { until, task }
    }

    /// Returns once nothing is written into the store any more.
    pub(super) async fn stop(self, until: Until) -> anyhow::Result<()> {
        self.until.send_replace(until);
        // What is left is carried by the next process.
        self.task.await.context("the carrier").map(drop)
    }

    /// Returns once all that the journal has is in the store.
    ///
    /// # Errors
    /// It would not go there.
    pub(super) async fn empty(self) -> anyhow::Result<()> {
        self.until.send_replace(Until::Empty);
        self.task.await.context("the carrier")?
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
    /// The audit log, where there is one.
    book: Option<Box<Book>>,
    /// When the store had everything, or nearly.
    caught_up: Instant,
}

impl Work {
    /// Returns what became of the last round.
    async fn run(mut self) -> anyhow::Result<()> {
        let mut pause = IDLE;
        loop {
            let until = self.told();
            if until == Until::Now {
                return Ok(());
            }
            let carried = self.carry().await;
            match &carried {
                Ok(()) => {
                    let unsealed = self.book.as_ref().is_some_and(|book| book.is_unsealed());
                    self.uncarried.set(unsealed.then(|| UNSEALED.to_owned()));
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
                return carried;
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
        let small = match &self.book {
            _ if is_end => 0,
            None => BATCH,
            Some(_) => book::BATCH,
        };
        if let Some(book) = &mut self.book {
            if is_end {
                book.last();
            }
            // Whether or not there is time to carry more.
            book.seal_if_due().await;
        }
        loop {
            let pace = if is_end { Pace::Now } else { self.pace() };
            if pace == Pace::Later || self.until.has_changed().unwrap_or(true) {
                return Ok(());
            }
            let begun = Instant::now();
            let carried = self.batch().await?;
            if carried.is_none_or(|records| records < small) {
                self.caught_up = Instant::now();
                if let Some(book) = self.book.as_mut().filter(|_| is_end) {
                    book.seal().await;
                }
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
        if let Some(book) = &mut self.book {
            return book.carry(carrier, &self.store).await;
        }
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
