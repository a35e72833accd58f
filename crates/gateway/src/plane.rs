//! What the process shares, and what one event loop owns.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use domain::counters::Counters;
use domain::ids::TicketId;
use domain::record::Record;
use domain::shelf::Shelf;
use domain::snapshot::Snapshot;
use domain::time::{Ticks, UnixMicros};
use identity::Install;
use journal::{Journal, Writer};

use crate::route::Health;
use crate::send::pool::Pool;
use crate::send::tls::ClientTls;
use crate::settle::Metrics;

/// What all event loops share.
pub struct Shared {
    /// The state of the world; swapped whole by `control`.
    pub snapshot: ArcSwap<Snapshot>,
    /// Turns a presented key into the digest it is stored under.
    pub install: Install,
    /// Limits; shared because they must be exact over all loops.
    pub counters: Arc<dyn Counters>,
    /// Answers kept for reuse.
    pub shelf: Arc<dyn Shelf>,
    /// Where records go.
    pub journal: Journal,
    /// Which deployments rest after failures.
    pub health: Health,
    /// Client TLS configurations, built once for each certificate authority.
    pub tls: ClientTls,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// Set when the process is told to stop.
    pub draining: AtomicBool,
    /// Random per start; part of every ticket's id.
    pub generation: u64,
    /// The zero of [`Ticks`].
    pub epoch: tokio::time::Instant,
}

impl Shared {
    /// Whether the process is on its way out.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Monotonic time; stands still in tests that pause tokio's clock.
    pub fn ticks(&self) -> Ticks {
        let micros = self.epoch.elapsed().as_micros();
        Ticks(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// Wall-clock time.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the way's one look at the wall clock"
)]
pub fn now() -> UnixMicros {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMicros(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
}

/// What one event loop owns: nothing here is ever locked.
pub struct Plane {
    /// What all loops share.
    pub shared: Arc<Shared>,
    /// This loop's number.
    pub core: u16,
    /// Upstream connections; they stay on the loop that made them.
    pub pool: Rc<Pool>,
    writer: Writer,
    /// Records that the disk would not take yet, oldest first.
    owed: RefCell<Vec<Record>>,
    sequence: Cell<u64>,
    dice: Cell<u64>,
}

impl Plane {
    /// An event loop's state.
    ///
    /// # Errors
    /// The journal could not make this loop's first segment.
    pub fn new(shared: Arc<Shared>, core: u16) -> Result<Rc<Self>, journal::JournalError> {
        let writer = shared.journal.writer(core)?;
        let seed = shared.generation ^ (u64::from(core) << 48) ^ 0x9e37_79b9_7f4a_7c15;
        Ok(Rc::new(Self {
            shared,
            core,
            pool: Rc::new(Pool::default()),
            writer,
            owed: RefCell::new(Vec::new()),
            sequence: Cell::new(0),
            dice: Cell::new(seed | 1),
        }))
    }

    /// The next ticket's id.
    pub fn next_ticket(&self) -> TicketId {
        self.sequence.set(self.sequence.get() + 1);
        TicketId {
            generation: self.shared.generation,
            core: self.core,
            sequence: self.sequence.get(),
        }
    }

    /// A number in `0..below` (xorshift; for weights and jitter, not secrets).
    pub fn roll(&self, below: u64) -> u64 {
        let mut x = self.dice.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.dice.set(x);
        x % below.max(1)
    }

    /// Appends a record that must be on disk before anything follows.
    ///
    /// # Errors
    /// The disk would not take it: the caller refuses.
    pub fn record_now(&self, record: Record) -> Result<(), journal::JournalError> {
        self.pay_debts()?;
        self.writer.append(&[record])
    }

    /// Appends a record of something that has happened. If the disk will not
    /// take it, it is owed: written before the next one, and newcomers are
    /// turned away until then.
    pub fn record(&self, record: Record) {
        let written = self
            .pay_debts()
            .and_then(|()| self.writer.append(std::slice::from_ref(&record)));
        if let Err(error) = written {
            tracing::error!(%error, ticket = %record.ticket(), "journal: record owed");
            self.owed.borrow_mut().push(record);
        }
    }

    /// Whether records wait for the disk.
    pub fn is_in_debt(&self) -> bool {
        !self.owed.borrow().is_empty()
    }

    /// Writes what is owed.
    ///
    /// # Errors
    /// The disk still does not take it.
    pub fn pay_debts(&self) -> Result<(), journal::JournalError> {
        let mut owed = self.owed.borrow_mut();
        if owed.is_empty() {
            return Ok(());
        }
        self.writer.append(&owed)?;
        owed.clear();
        Ok(())
    }
}
