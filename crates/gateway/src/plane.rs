//! What the process shares, and what one event loop owns.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use domain::counters::Counters;
use domain::ids::TicketId;
use domain::reasoning::ReasoningStore;
use domain::record::Record;
use domain::shelf::Shelf;
use domain::snapshot::Snapshot;
use domain::time::{Now, Ticks, UnixMicros};
use domain::turns::Turns;
use identity::Install;
use journal::{Journal, Writer};

use crate::admit::Memo;
use crate::belongs::Belongings;
use crate::route::Health;
use crate::send::pool::Pool;
use crate::send::tls::ClientTls;
use crate::send::{Bulkheads, Fetcher, KeyRests, Reporting, Unspoken};
use crate::serve::{Busy, Jobs};
use crate::settle::{Counts, Metrics, Strangers};
use crate::wire::Scratch;

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
    /// Conversations that are kept for clients.
    pub turns: Arc<dyn Turns>,
    /// Reasoning that is kept for clients that do not send it back.
    pub reasoning: Arc<dyn ReasoningStore>,
    /// Answers that are worked on in the background.
    pub jobs: Jobs,
    /// Where records go.
    pub journal: Journal,
    /// Which deployments rest after failures.
    pub health: Health,
    /// How many requests are at each provider.
    pub bulkheads: Bulkheads,
    /// What servers turned out not to speak.
    pub unspoken: Unspoken,
    /// Where items and thoughts of providers belong.
    pub belongings: Belongings,
    /// Which providers' keys rest.
    pub key_rests: KeyRests,
    /// Client TLS configurations, built once for each certificate authority.
    pub tls: ClientTls,
    /// Fetches media that requests name by URL.
    pub fetcher: Fetcher,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// Refusals before identity, for the audit log.
    pub strangers: Arc<Strangers>,
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

    /// This moment, by both clocks.
    #[must_use]
    pub fn moment(&self) -> Now {
        Now {
            ticks: self.ticks(),
            unix: now(),
        }
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

/// The length of a date in a header.
const DATE: usize = 29;

/// A moment as RFC 9110, 5.6.7, writes it.
fn date(second: i64) -> [u8; DATE] {
    let time = jiff::Timestamp::from_second(second).unwrap_or_default();
    let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    text.as_bytes().try_into().unwrap_or([b' '; DATE])
}

/// What one event loop owns: nothing here is ever locked.
pub struct Plane {
    /// What all loops share.
    pub shared: Arc<Shared>,
    /// This loop's number.
    pub core: u16,
    /// Upstream connections; they stay on the loop that made them.
    pub pool: Rc<Pool>,
    /// This loop's end of the journal. Sockets of this loop share it: no byte
    /// leaves while a record is staged.
    pub writer: Rc<Writer>,
    scratch: Scratch,
    /// The second that it was made in, and the text.
    date: Cell<(i64, [u8; DATE])>,
    /// Requests of this loop that have a ticket.
    pub(crate) in_flight: Cell<usize>,
    pub(crate) counts: Counts,
    pub(crate) memo: Memo,
    /// Who says what it used.
    pub(crate) reporting: Reporting,
    /// Work of this loop that no connection waits for.
    pub(crate) busy: Busy,
    sequence: Cell<u64>,
    dice: Cell<u64>,
}

impl Plane {
    /// An event loop's state.
    ///
    /// # Errors
    /// The journal could not make this loop's first segment.
    pub fn new(shared: Arc<Shared>, core: u16) -> Result<Rc<Self>, journal::JournalError> {
        let writer = Rc::new(shared.journal.writer(core)?);
        let scratch = Scratch::default();
        let seed = shared.generation ^ (u64::from(core) << 48) ^ 0x9e37_79b9_7f4a_7c15;
        Ok(Rc::new(Self {
            shared,
            core,
            pool: Rc::new(Pool::new(Rc::clone(&writer), scratch.clone())),
            writer,
            scratch,
            date: Cell::new((i64::MIN, [b' '; DATE])),
            in_flight: Cell::new(0),
            counts: Counts::default(),
            memo: Memo::default(),
            reporting: Reporting::default(),
            busy: Busy::default(),
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

    /// Where connections of this loop read into.
    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The time as the `date` header has it.
    pub(crate) fn date(&self) -> [u8; DATE] {
        let second = now().0.div_euclid(1_000_000);
        let (made, text) = self.date.get();
        if made == second {
            return text;
        }
        let text = date(second);
        self.date.set((second, text));
        text
    }

    /// Stages a record. It is on disk before the next byte leaves by a socket
    /// of this loop, and before the loop sleeps.
    ///
    /// # Errors
    /// The format cannot hold the record.
    pub fn record(&self, record: &Record) -> Result<(), journal::JournalError> {
        if cfg!(feature = "unjournaled") || !crate::GOVERNS {
            return Ok(());
        }
        self.writer.stage(record)
    }

    /// Lets whoever is ready run first while a record is staged: theirs are
    /// then written to the journal by the same call.
    pub(crate) async fn others_first(&self) {
        let is_alone = self.in_flight.get() <= 1;
        let mut has_waited = is_alone || !self.writer.has_staged();
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut has_waited, true) {
                return std::task::Poll::Ready(());
            }
            // Not `yield_now`: that would ask the system for events first.
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }

    /// Writes all records that are staged, in one write; nearly nothing when
    /// there are none.
    ///
    /// # Errors
    /// The disk does not take them; they are owed.
    #[inline]
    pub fn flush(&self) -> Result<(), journal::JournalError> {
        self.writer.flush()
    }

    /// Whether records wait for the disk.
    pub fn is_in_debt(&self) -> bool {
        self.writer.is_in_debt()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_date_is_written_as_http_has_it() {
        assert_eq!(&super::date(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
