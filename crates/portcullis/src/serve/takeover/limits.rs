//! Limits that go on in another process. Once the heir counts, every further
//! request here asks it for room: what both give out together is what one
//! would have.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use domain::counters::{Answer, Ask, Counters, Full, Granted, Rank, Room, Taken, Used};
use domain::holding::Holding;
use domain::time::Now;
use store::memory::{Look, MemoryCounters, Reached};
use tokio::sync::oneshot;

use super::wire::Word;

/// How long a request waits for an heir that starts. Before that serves, nobody
/// else gives anything out: to count here is as good, and it is told then.
const PATIENCE: Duration = Duration::from_secs(2);

type GrantedThere = Result<Vec<Room>, Full>;

/// The process' limits, wherever they are counted now.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    local: Arc<MemoryCounters>,
    away: ArcSwapOption<Away>,
}

/// The process that counts instead of this one.
#[derive(Debug)]
pub(super) struct Away {
    /// What it is told, by a thread of its own: no request waits for a socket.
    words: Sender<Word>,
    next: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    heir: Heir,
    takes: HashMap<u64, Take>,
}

/// How far the other process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Heir {
    /// It starts, and nobody counts. Nothing is said to it yet.
    #[default]
    Starts,
    Serves,
    IsGone,
}

/// A request that waits for room.
#[derive(Debug)]
struct Take {
    asks: Vec<Ask>,
    answer: oneshot::Sender<GrantedThere>,
}

impl Away {
    /// And what is to be said to it, once it serves.
    pub(super) fn new() -> (Arc<Self>, Receiver<Word>) {
        let (words, said) = mpsc::channel();
        let away = Self {
            words,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
        };
        (Arc::new(away), said)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Self>, asks: Vec<Ask>) -> Asked {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.heir == Heir::Serves {
            let asks = asks.clone();
            self.say(Word::Take { id, asks });
        }
        if waiting.heir != Heir::IsGone {
            waiting.takes.insert(id, Take { asks, answer });
        }
        drop(waiting);
        Asked {
            id,
            away: Arc::clone(self),
            answer: answered,
        }
    }

    fn say(&self, word: Word) {
        // Who is gone is noticed by whoever listens to it.
        let _ = self.words.send(word);
    }

    /// The heir serves: it is asked by all who wait.
    pub(super) fn serves(&self) {
        let mut waiting = self.waiting();
        waiting.heir = Heir::Serves;
        for (&id, take) in &waiting.takes {
            let asks = take.asks.clone();
            self.say(Word::Take { id, asks });
        }
    }

    /// The heir has answered.
    pub(super) fn answered(&self, id: u64, granted: GrantedThere) {
        let unheard = match self.waiting().takes.remove(&id) {
            Some(take) => take.answer.send(granted).err(),
            None => Some(granted),
        };
        if let Some(Ok(_)) = unheard {
            self.give_back(id);
        }
    }

    /// Nobody uses the room that the heir gave.
    fn give_back(&self, id: u64) {
        self.say(Word::Settle {
            id,
            tokens: 0,
            cost: 0,
        });
        self.say(Word::End { id });
    }

    /// The heir is gone: whoever waits for it asks here.
    pub(super) fn is_gone(&self) {
        let mut waiting = self.waiting();
        waiting.heir = Heir::IsGone;
        waiting.takes.clear();
    }
}

/// A request's question to the heir. Whose client leaves meanwhile holds
/// nothing there.
struct Asked {
    id: u64,
    away: Arc<Away>,
    answer: oneshot::Receiver<GrantedThere>,
}

impl Asked {
    /// The heir's answer; `None` if it is to be asked here: the heir is gone,
    /// or takes too long to start.
    async fn granted(&mut self) -> Option<GrantedThere> {
        match tokio::time::timeout(PATIENCE, &mut self.answer).await {
            Ok(granted) => granted.ok(),
            Err(_) if self.away.waiting().heir == Heir::Starts => None,
            Err(_) => (&mut self.answer).await.ok(),
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.away.waiting().takes.remove(&self.id);
        self.answer.close();
        // It may have come since anybody looked.
        if let Ok(Ok(_)) = self.answer.try_recv() {
            self.away.give_back(self.id);
        }
    }
}

impl Limits {
    /// What is given out here.
    pub(super) fn holdings(&self) -> Vec<Holding> {
        self.local.holdings()
    }

    /// Counts what another process gave out.
    pub(super) fn amend(&self, before: Option<&Holding>, after: &Holding, now: Now) {
        self.local.amend(before, after, now);
    }

    /// Counts what was given out before this process.
    pub(crate) fn count(&self, before: &Holding, now: Now) {
        self.local.amend(None, before, now);
    }

    /// How far limits are used here.
    pub(crate) fn reached(&self, look: Look, now: Now) -> Vec<Reached> {
        self.local.reached(look, now)
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
    fn take(&self, asks: &[Ask], now: Now) -> Answer<Granted> {
        let away = self.away.load();
        let Some(away) = away.as_ref() else {
            return self.local.take(asks, now);
        };
        let (local, asks) = (Arc::clone(&self.local), asks.to_vec());
        let mut asked = away.ask(asks.clone());
        Answer::Later(Box::pin(async move {
            match asked.granted().await {
                Some(Ok(room)) => {
                    let (id, away) = (asked.id, Arc::clone(&asked.away));
                    Ok(Box::new(Lent { room, id, away }) as Box<dyn Taken>)
                }
                Some(Err(full)) => Err(full),
                None => {
                    drop(asked);
                    local.take(&asks, now).get().await
                }
            }
        }))
    }

    fn queue(
        &self,
        asks: Vec<Ask>,
        rank: Rank,
        now: Now,
    ) -> Pin<Box<dyn Future<Output = Granted> + Send>> {
        if self.away.load().is_none() {
            return self.local.queue(asks, rank, now);
        }
        // The heir has a line of its own for its own requests. Those that end
        // here are few, and soon over.
        let answer = self.take(&asks, now);
        Box::pin(async move { answer.get().await })
    }

    fn nudge(&self, now: Now) {
        self.local.nudge(now);
    }

    fn refused(&self, ask: &Ask, now: Now) {
        // Who has gone away tells nobody any more; the heir finds out by itself.
        self.local.refused(ask, now);
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

    /// The heir is not asked for more in the midst: it has given what the
    /// request may use, and books what it did.
    fn extend(&mut self, _more: Used, _now: Now) -> bool {
        true
    }

    fn settle(&mut self, used: Used, _now: Now) {
        self.away.say(Word::Settle {
            id: self.id,
            tokens: used.tokens,
            cost: used.cost,
        });
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.away.say(Word::End { id: self.id });
    }
}

#[cfg(test)]
mod tests;
