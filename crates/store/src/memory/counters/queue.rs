//! Those that wait for room: the highest priority first, then the tenants in
//! turn, then who came first.
//!
//! Whoever waits for a limit keeps those behind from it: what needs much would
//! else wait for ever beside what needs little.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::counters::{Ask, Full, Granted, Rank};
use domain::time::Now;
use tokio::sync::oneshot;

use super::{Inner, lock};

/// Those that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// How many, so that whoever ends need not look.
    count: AtomicUsize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    waiters: Vec<Waiter>,
    next: u64,
    /// When each tenant was last served, of those that wait.
    turns: HashMap<Arc<str>, u64>,
    served: u64,
}

struct Waiter {
    number: u64,
    rank: Rank,
    asks: Vec<Ask>,
    answer: oneshot::Sender<Granted>,
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiter")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Whether anybody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    pub(super) fn join(&self, asks: Vec<Ask>, rank: Rank) -> oneshot::Receiver<Granted> {
        let (answer, answered) = oneshot::channel();
        let mut line = lock(&self.line);
        line.next += 1;
        let number = line.next;
        line.waiters.push(Waiter {
            number,
            rank,
            asks,
            answer,
        });
        self.count.store(line.waiters.len(), Ordering::Release);
        answered
    }
}

impl Line {
    /// Who comes next: positions, in order.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.waiters.len()).collect();
        order.sort_by_key(|at| {
            let waiter = &self.waiters[*at];
            let turn = self.turns.get(&waiter.rank.tenant).copied().unwrap_or(0);
            (Reverse(waiter.rank.priority), turn, waiter.number)
        });
        order
    }

    /// Serves the first that there is room for, and lets those go for whom there
    /// will be none by waiting. Whether there was one that got room.
    fn serve_one(&mut self, all: &Arc<Inner>, now: Now) -> bool {
        let mut blocked: Vec<Arc<str>> = Vec::new();
        let mut gone = Vec::new();
        let mut granted = None;
        for at in self.order() {
            let waiter = &self.waiters[at];
            let is_blocked = |ask: &Ask| blocked.contains(&ask.subject);
            if waiter.answer.is_closed() {
                gone.push((waiter.number, Full::default()));
                continue;
            }
            if waiter.asks.iter().any(is_blocked) {
                continue;
            }
            let full = match all.take(&waiter.asks, now) {
                Ok(taken) => {
                    granted = Some((at, taken));
                    break;
                }
                Err(full) => full,
            };
            if full.is_pending || waiter.rank.is_patient && full.retry_after.is_some() {
                let ask = waiter.asks.get(full.ask);
                blocked.extend(ask.map(|ask| Arc::clone(&ask.subject)));
            } else {
                gone.push((waiter.number, full));
            }
        }
        let is_granted = granted.is_some();
        if let Some((at, taken)) = granted {
            let waiter = self.waiters.remove(at);
            self.served += 1;
            self.turns
                .insert(Arc::clone(&waiter.rank.tenant), self.served);
            if let Err(granted) = waiter.answer.send(Ok(taken)) {
                // It left a moment ago. What it got goes back while the line is
                // held, so that nobody is served in the midst of this.
                all.queue.count.store(0, Ordering::Release);
                drop(granted);
            }
        }
        self.refuse(gone);
        is_granted
    }

    /// Tells those that wait in vain, all in one pass: they may be many.
    fn refuse(&mut self, gone: Vec<(u64, Full)>) {
        if gone.is_empty() {
            return;
        }
        let mut why: HashMap<u64, Full> = gone.into_iter().collect();
        let waiters = std::mem::take(&mut self.waiters).into_iter();
        self.waiters = waiters
            .filter_map(|waiter| match why.remove(&waiter.number) {
                None => Some(waiter),
                Some(full) => {
                    let _ = waiter.answer.send(Err(full));
                    None
                }
            })
            .collect();
    }
}

impl Inner {
    /// Something was given back, or time has passed: whoever it is enough for
    /// has it.
    pub(super) fn serve(self: &Arc<Self>, now: Now) {
        if self.queue.is_empty() {
            return;
        }
        let mut line = lock(&self.queue.line);
        while line.serve_one(self, now) {}
        if line.waiters.is_empty() {
            line.turns.clear();
        }
        self.queue
            .count
            .store(line.waiters.len(), Ordering::Release);
    }
}
