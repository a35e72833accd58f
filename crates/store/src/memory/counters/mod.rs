//! Limits in process, shared by every event loop.

mod grant;
mod queue;
mod subject;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::counters::{Answer, Ask, Counters, Full, Granted, Rank, Taken};
use domain::time::Now;

use grant::{Grant, Subjects};
use queue::Queue;
pub(super) use subject::Counted;
use subject::Subject;

use super::hash::Seeded;

/// Subjects between two sweeps of idle ones.
const SWEEP: usize = 4096;

pub(super) type Shared = Arc<Mutex<Subject>>;
type Table = HashMap<Arc<str>, Shared, Seeded>;

/// Limits in process.
#[derive(Debug, Default)]
pub struct MemoryCounters {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) subjects: Mutex<Table>,
    queue: Queue,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(super) fn subject(&self, name: &Arc<str>, now: Now) -> Shared {
        find(&mut lock(&self.subjects), name, now)
    }

    fn take(self: &Arc<Self>, asks: &[Ask], now: Now) -> Granted {
        let is_one = asks.first().is_some_and(|first| {
            let same = |ask: &Ask| {
                Arc::ptr_eq(&ask.subject, &first.subject) || ask.subject == first.subject
            };
            asks[1..].iter().all(same)
        });
        let granted = match is_one {
            true => self.take_from_one(asks, now),
            false => self.take_from_many(asks, now),
        };
        granted.map(|grant| grant as Box<dyn Taken>)
    }

    fn take_from_one(self: &Arc<Self>, asks: &[Ask], now: Now) -> Result<Box<Grant>, Full> {
        let subject = self.subject(&asks[0].subject, now);
        let mut grant = Grant::of(self, Subjects::One(Arc::clone(&subject)), now);
        let mut open = lock(&subject);
        let taken = grant.take_all(asks, &mut [&mut *open], |_| 0, now);
        drop(open);
        taken.map(|()| grant)
    }

    fn take_from_many(self: &Arc<Self>, asks: &[Ask], now: Now) -> Result<Box<Grant>, Full> {
        let mut names: Vec<&Arc<str>> = asks.iter().map(|ask| &ask.subject).collect();
        // The order in which everybody locks.
        names.sort_unstable();
        names.dedup();
        let mut table = lock(&self.subjects);
        let subjects: Vec<Shared> = names
            .iter()
            .map(|name| find(&mut table, name, now))
            .collect();
        drop(table);
        let mut grant = Grant::of(self, Subjects::Many(subjects.clone()), now);
        let mut guards: Vec<_> = subjects.iter().map(|subject| lock(subject)).collect();
        let mut open: Vec<&mut Subject> = guards.iter_mut().map(|guard| &mut **guard).collect();
        let place = |ask: &Ask| names.binary_search(&&ask.subject).unwrap_or(0);
        let taken = grant.take_all(asks, &mut open, place, now);
        drop(guards);
        taken.map(|()| grant)
    }
}

fn find(table: &mut Table, name: &Arc<str>, now: Now) -> Shared {
    if let Some(subject) = table.get(name) {
        return Arc::clone(subject);
    }
    if table.len() >= SWEEP && table.len() == table.capacity() {
        sweep(table, now);
    }
    Arc::clone(table.entry(Arc::clone(name)).or_default())
}

fn sweep(table: &mut Table, now: Now) {
    table.retain(|_, subject| Arc::strong_count(subject) > 1 || !lock(subject).is_idle(now));
}

impl Counters for MemoryCounters {
    fn take(&self, asks: &[Ask], now: Now) -> Answer<Granted> {
        Answer::Now(self.inner.take(asks, now))
    }

    fn queue(
        &self,
        asks: Vec<Ask>,
        rank: Rank,
        now: Now,
    ) -> Pin<Box<dyn Future<Output = Granted> + Send>> {
        let answered = self.inner.queue.join(asks, rank);
        self.inner.serve(now);
        // The line lives as long as these limits, and answers everybody.
        Box::pin(async move { answered.await.unwrap_or_else(|_| Err(Full::default())) })
    }

    fn nudge(&self, now: Now) {
        self.inner.serve(now);
    }

    fn refused(&self, ask: &Ask, now: Now) {
        let subject = self.inner.subject(&ask.subject, now);
        let mut open = lock(&subject);
        let window = open.place(ask);
        open.refuses(window);
    }
}

#[cfg(test)]
mod tests;
