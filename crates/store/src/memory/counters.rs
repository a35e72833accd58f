//! Limits in process, shared by every event loop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::counters::{Answer, Ask, Counters, Full, Measure, Room, Taken};
use domain::time::Ticks;

use super::few::Few;
use super::hash::Seeded;
use super::window::Window;

/// Subjects between two sweeps of idle ones.
const SWEEP: usize = 4096;

/// All limits of one subject: one lock, so that a request takes from all of
/// them or from none.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) running: u64,
    // Few, and looked for in order; none ever goes, so that a request that
    // holds room knows its window by position.
    pub(super) windows: Vec<(Measure, Window)>,
}

pub(super) type Shared = Arc<Mutex<Subject>>;
type Table = HashMap<Arc<str>, Shared, Seeded>;

/// Limits in process.
#[derive(Debug, Default)]
pub struct MemoryCounters {
    pub(super) subjects: Mutex<Table>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl MemoryCounters {
    pub(super) fn subject(&self, name: &Arc<str>, now: Ticks) -> Shared {
        find(&mut lock(&self.subjects), name, now)
    }

    fn take_from_one(&self, asks: &[Ask], now: Ticks) -> Result<Box<Grant>, Full> {
        let subject = self.subject(&asks[0].subject, now);
        let mut grant = Grant::of(Subjects::One(Arc::clone(&subject)));
        let mut open = lock(&subject);
        grant.take_all(asks, &mut [&mut *open], |_| 0, now)?;
        drop(open);
        Ok(grant)
    }

    fn take_from_many(&self, asks: &[Ask], now: Ticks) -> Result<Box<Grant>, Full> {
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
        let mut grant = Grant::of(Subjects::Many(subjects.clone()));
        let mut guards: Vec<_> = subjects.iter().map(|subject| lock(subject)).collect();
        let mut open: Vec<&mut Subject> = guards.iter_mut().map(|guard| &mut **guard).collect();
        let place = |ask: &Ask| names.binary_search(&&ask.subject).unwrap_or(0);
        grant.take_all(asks, &mut open, place, now)?;
        drop(guards);
        Ok(grant)
    }
}

fn find(table: &mut Table, name: &Arc<str>, now: Ticks) -> Shared {
    if let Some(subject) = table.get(name) {
        return Arc::clone(subject);
    }
    if table.len() >= SWEEP && table.len() == table.capacity() {
        sweep(table, now);
    }
    Arc::clone(table.entry(Arc::clone(name)).or_default())
}

fn sweep(table: &mut Table, now: Ticks) {
    table.retain(|_, subject| {
        if Arc::strong_count(subject) > 1 {
            return true;
        }
        let mut subject = lock(subject);
        let mut windows = subject.windows.iter_mut();
        let is_idle = windows.all(|(_, window)| window.is_idle(now.0));
        subject.running > 0 || !is_idle
    });
}

impl Counters for MemoryCounters {
    fn take(&self, asks: &[Ask], now: Ticks) -> Answer<Result<Box<dyn Taken>, Full>> {
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
        Answer::Now(granted.map(|grant| grant as Box<dyn Taken>))
    }
}

/// What to say when one of `asks` does not fit.
fn full(
    asks: &[Ask],
    subjects: &mut [&mut Subject],
    place: impl Fn(&Ask) -> usize,
    now: Ticks,
) -> Full {
    let mut first = None;
    let mut room = Vec::with_capacity(asks.len());
    for (at, ask) in asks.iter().enumerate() {
        let subject = &mut *subjects[place(ask)];
        let window = subject.place(ask);
        let left = subject.room(window, ask, now);
        if ask.cost > left.remaining && first.is_none() {
            first = Some((at, subject.wait(window, ask, now)));
        }
        room.push(left);
    }
    let (ask, retry_after) = first.unwrap_or_default();
    Full {
        ask,
        room,
        retry_after,
    }
}

impl Subject {
    /// Where the ask's limit is counted.
    fn place(&mut self, ask: &Ask) -> Place {
        if ask.measure == Measure::Parallel {
            return Place::Running;
        }
        Place::Window(self.position(ask.measure, micros(ask.window)) as u32)
    }

    /// Which window is this one; made if it is not there.
    pub(super) fn position(&mut self, measure: Measure, length_us: u64) -> usize {
        let is_it = |(its, window): &(Measure, Window)| *its == measure && window.is_of(length_us);
        self.windows.iter().position(is_it).unwrap_or_else(|| {
            self.windows.push((measure, Window::new(length_us)));
            self.windows.len() - 1
        })
    }

    fn window(&mut self, at: u32) -> &mut Window {
        &mut self.windows[at as usize].1
    }

    fn used(&mut self, place: Place, now: Ticks) -> u64 {
        match place {
            Place::Running => self.running,
            Place::Window(at) => self.window(at).sum(now.0),
        }
    }

    fn room(&mut self, place: Place, ask: &Ask, now: Ticks) -> Room {
        let (used, reset) = match place {
            Place::Running => (self.running, 0),
            Place::Window(at) => {
                let window = self.window(at);
                (window.sum(now.0), window.until_empty(now.0))
            }
        };
        Room {
            measure: ask.measure,
            capacity: ask.capacity,
            remaining: ask.capacity.saturating_sub(used),
            reset: Duration::from_micros(reset),
        }
    }

    /// When the ask will fit; `None` if it never does.
    fn wait(&mut self, place: Place, ask: &Ask, now: Ticks) -> Option<Duration> {
        let rest = ask.capacity.checked_sub(ask.cost)?;
        Some(match place {
            // Nobody knows when a running request ends.
            Place::Running => Duration::from_secs(1),
            Place::Window(at) => Duration::from_micros(self.window(at).until(rest, now.0).max(1)),
        })
    }

    fn take(&mut self, place: Place, cost: u64, now: Ticks) -> u64 {
        match place {
            Place::Running => {
                self.running += cost;
                0
            }
            Place::Window(at) => self.window(at).take(cost, now.0),
        }
    }
}

/// What a request took of one limit.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    slot: u64,
    cost: u64,
    /// Positions of the subject, and of its window.
    subject: u32,
    window: Place,
}

/// Where a limit is counted.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Among the requests that run now.
    #[default]
    Running,
    Window(u32),
}

#[derive(Debug)]
enum Subjects {
    One(Shared),
    Many(Vec<Shared>),
}

impl Subjects {
    fn get(&self, at: u32) -> Option<&Shared> {
        match self {
            Self::One(subject) => Some(subject),
            Self::Many(subjects) => subjects.get(at as usize),
        }
    }
}

struct Grant {
    subjects: Subjects,
    held: Few<Held>,
    room: Few<Room>,
}

impl Grant {
    /// Of nothing yet. In its place in memory from the start: it is large.
    fn of(subjects: Subjects) -> Box<Self> {
        let no_room = Room {
            measure: Measure::Parallel,
            capacity: 0,
            remaining: 0,
            reset: Duration::ZERO,
        };
        Box::new(Self {
            subjects,
            held: Few::none(Held::default()),
            room: Few::none(no_room),
        })
    }

    /// Takes every ask from its subject, which stands at `place` of those that
    /// are `open`, or none.
    fn take_all(
        &mut self,
        asks: &[Ask],
        open: &mut [&mut Subject],
        place: impl Fn(&Ask) -> usize,
        now: Ticks,
    ) -> Result<(), Full> {
        for ask in asks {
            let at = place(ask);
            let subject = &mut *open[at];
            let window = subject.place(ask);
            if ask.cost > ask.capacity.saturating_sub(subject.used(window, now)) {
                self.held.clear();
                return Err(full(asks, open, place, now));
            }
            self.held.push(Held {
                slot: 0,
                cost: ask.cost,
                subject: at as u32,
                window,
            });
        }
        for (ask, held) in asks.iter().zip(self.held.as_mut_slice()) {
            let subject = &mut *open[held.subject as usize];
            held.slot = subject.take(held.window, ask.cost, now);
            // What is left, and until when, counts this request too.
            self.room.push(subject.room(held.window, ask, now));
        }
        Ok(())
    }
}

impl Taken for Grant {
    fn room(&self) -> &[Room] {
        self.room.as_slice()
    }

    fn settle(&mut self, tokens: u64, _now: Ticks) {
        let measured = self.room.as_slice().iter();
        for (held, room) in self.held.as_mut_slice().iter_mut().zip(measured) {
            let (Measure::Tokens, Place::Window(at)) = (room.measure, held.window) else {
                continue;
            };
            let took = std::mem::replace(&mut held.cost, tokens);
            if let Some(subject) = self.subjects.get(held.subject) {
                lock(subject).window(at).correct(held.slot, took, tokens);
            }
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        for held in self.held.as_slice() {
            if let Place::Running = held.window
                && let Some(subject) = self.subjects.get(held.subject)
            {
                let mut subject = lock(subject);
                subject.running = subject.running.saturating_sub(held.cost);
            }
        }
    }
}

#[cfg(test)]
mod tests;
