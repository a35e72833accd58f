//! Limits that go on in another process. Once the heir counts, every further
//! request here asks it for room: what both give out together is what one
//! would have.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use domain::counters::{Answer, Ask, Counters, Full, Room, Taken};
use domain::holding::Holding;
use domain::time::Ticks;
use store::memory::MemoryCounters;
use tokio::sync::oneshot;

use super::wire::{self, Mouth, Word};

type Granted = Result<Vec<Room>, Full>;

/// The process' limits, wherever they are counted now.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    local: Arc<MemoryCounters>,
    away: ArcSwapOption<Away>,
}

/// The process that counts instead of this one.
#[derive(Debug)]
pub(super) struct Away {
    mouth: Mouth,
    next: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    is_over: bool,
    takes: HashMap<u64, oneshot::Sender<Granted>>,
}

impl Away {
    pub(super) fn new(mouth: Mouth) -> Arc<Self> {
        Arc::new(Self {
            mouth,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, asks: &[Ask]) -> (u64, oneshot::Receiver<Granted>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting();
        if !waiting.is_over {
            waiting.takes.insert(id, answer);
        }
        drop(waiting);
        self.say(&Word::Take {
            id,
            asks: asks.to_vec(),
        });
        (id, answered)
    }

    fn say(&self, word: &Word) {
        // Who is gone is noticed by whoever listens to it.
        let _ = wire::say_by(&self.mouth, word);
    }

    /// The heir has answered.
    pub(super) fn answered(&self, id: u64, granted: Granted) {
        if let Some(answer) = self.waiting().takes.remove(&id) {
            let _ = answer.send(granted);
        }
    }

    /// The heir is gone: whoever waits for it asks here.
    pub(super) fn is_gone(&self) {
        let mut waiting = self.waiting();
        waiting.is_over = true;
        waiting.takes.clear();
    }
}

impl Limits {
    /// What is given out here.
    pub(super) fn holdings(&self) -> Vec<Holding> {
        self.local.holdings()
    }

    /// Counts what another process gave out.
    pub(super) fn amend(&self, before: Option<&Holding>, after: &Holding, now: Ticks) {
        self.local.amend(before, after, now);
    }

    /// From now on another process is asked; `None`: this one again.
    pub(super) fn go_to(&self, away: Option<Arc<Away>>) {
        let before = self.away.swap(away);
        if let Some(before) = before {
            before.is_gone();
        }
    }
}

impl Limits {
    /// Nobody else counts any more, if anybody did.
    pub(crate) fn come_back(&self) {
        self.go_to(None);
    }
}

impl Counters for Limits {
    fn take(&self, asks: &[Ask], now: Ticks) -> Answer<Result<Box<dyn Taken>, Full>> {
        let away = self.away.load();
        let Some(away) = away.as_ref() else {
            return self.local.take(asks, now);
        };
        let (id, answered) = away.ask(asks);
        let (away, local, asks) = (Arc::clone(away), Arc::clone(&self.local), asks.to_vec());
        Answer::Later(Box::pin(async move {
            match answered.await {
                Ok(Ok(room)) => Ok(Box::new(Lent { room, id, away }) as Box<dyn Taken>),
                Ok(Err(full)) => Err(full),
                Err(_) => local.take(&asks, now).get().await,
            }
        }))
    }
}

/// Room that the heir gave.
struct Lent {
    room: Vec<Room>,
    id: u64,
    away: Arc<Away>,
}

impl Taken for Lent {
    fn room(&self) -> &[Room] {
        &self.room
    }

    fn settle(&mut self, tokens: u64, _now: Ticks) {
        self.away.say(&Word::Settle {
            id: self.id,
            tokens,
        });
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.away.say(&Word::End { id: self.id });
    }
}
