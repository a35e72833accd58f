//! Limits in process, shared by every event loop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::counters::{Answer, Ask, Counters, Full, Measure, Room, Taken};
use domain::time::Ticks;

use super::window::Window;

/// Subjects between two sweeps of idle ones.
const SWEEP: usize = 4096;

/// All limits of one subject: one lock, so that a request takes from all of
/// them or from none.
#[derive(Debug, Default)]
struct Subject {
    running: u64,
    windows: HashMap<(Measure, u64), Window>,
}

type Table = HashMap<Arc<str>, Arc<Mutex<Subject>>>;

/// Limits in process.
#[derive(Debug, Default)]
pub struct MemoryCounters {
    subjects: Mutex<Table>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl MemoryCounters {
    /// The subjects of `asks`, each once, in the order in which they are
    /// locked.
    fn subjects(&self, asks: &[Ask], now: Ticks) -> Vec<(Arc<str>, Arc<Mutex<Subject>>)> {
        let mut names: Vec<&Arc<str>> = asks.iter().map(|ask| &ask.subject).collect();
        names.sort_unstable();
        names.dedup();
        let mut table = lock(&self.subjects);
        if table.len() >= SWEEP && table.len() == table.capacity() {
            sweep(&mut table, now);
        }
        names
            .into_iter()
            .map(|name| {
                (
                    Arc::clone(name),
                    Arc::clone(table.entry(Arc::clone(name)).or_default()),
                )
            })
            .collect()
    }
}

fn sweep(table: &mut Table, now: Ticks) {
    table.retain(|_, subject| {
        if Arc::strong_count(subject) > 1 {
            return true;
        }
        let mut subject = lock(subject);
        subject.running > 0
            || !subject
                .windows
                .values_mut()
                .all(|window| window.is_idle(now.0))
    });
}

impl Counters for MemoryCounters {
    fn take(&self, asks: &[Ask], now: Ticks) -> Answer<Result<Box<dyn Taken>, Full>> {
        let subjects = self.subjects(asks, now);
        let mut guards: Vec<(&Arc<str>, MutexGuard<'_, Subject>)> = subjects
            .iter()
            .map(|(name, subject)| (name, lock(subject)))
            .collect();
        let mut room = Vec::with_capacity(asks.len());
        let mut full = None;
        for (at, ask) in asks.iter().enumerate() {
            let Some((_, subject)) = guards.iter_mut().find(|(name, _)| **name == ask.subject)
            else {
                continue;
            };
            let (fits, left) = subject.look(ask, now);
            if !fits && full.is_none() {
                full = Some((at, subject.wait(ask, now)));
            }
            room.push(left);
        }
        if let Some((ask, retry_after)) = full {
            return Answer::Now(Err(Full {
                ask,
                room,
                retry_after,
            }));
        }
        let mut held = Vec::with_capacity(asks.len());
        for (ask, left) in asks.iter().zip(&mut room) {
            let Some(at) = guards.iter().position(|(name, _)| **name == ask.subject) else {
                continue;
            };
            let slot = guards[at].1.take(ask, now);
            // What is left, and until when, counts this request too.
            *left = guards[at].1.look(ask, now).1;
            held.push(Held {
                subject: Arc::clone(&subjects[at].1),
                ask: ask.clone(),
                slot,
            });
        }
        drop(guards);
        Answer::Now(Ok(Box::new(Grant { held, room })))
    }
}

impl Subject {
    fn window(&mut self, ask: &Ask) -> &mut Window {
        let length = micros(ask.window);
        self.windows
            .entry((ask.measure, length))
            .or_insert_with(|| Window::new(length))
    }

    fn look(&mut self, ask: &Ask, now: Ticks) -> (bool, Room) {
        let (used, reset) = match ask.measure {
            Measure::Parallel => (self.running, 0),
            _ => {
                let window = self.window(ask);
                (window.sum(now.0), window.until(0, now.0))
            }
        };
        let remaining = ask.capacity.saturating_sub(used);
        let room = Room {
            measure: ask.measure,
            capacity: ask.capacity,
            remaining,
            reset: Duration::from_micros(reset),
        };
        (ask.cost <= remaining, room)
    }

    /// When the ask will fit; `None` if it never does.
    fn wait(&mut self, ask: &Ask, now: Ticks) -> Option<Duration> {
        let rest = ask.capacity.checked_sub(ask.cost)?;
        Some(match ask.measure {
            // Nobody knows when a running request ends.
            Measure::Parallel => Duration::from_secs(1),
            _ => Duration::from_micros(self.window(ask).until(rest, now.0).max(1)),
        })
    }

    fn take(&mut self, ask: &Ask, now: Ticks) -> u64 {
        match ask.measure {
            Measure::Parallel => {
                self.running += ask.cost;
                0
            }
            _ => self.window(ask).take(ask.cost, now.0),
        }
    }
}

struct Held {
    subject: Arc<Mutex<Subject>>,
    ask: Ask,
    slot: u64,
}

struct Grant {
    held: Vec<Held>,
    room: Vec<Room>,
}

impl Taken for Grant {
    fn room(&self) -> &[Room] {
        &self.room
    }

    fn settle(&mut self, tokens: u64, _now: Ticks) {
        for held in self
            .held
            .iter_mut()
            .filter(|held| held.ask.measure == Measure::Tokens)
        {
            let took = std::mem::replace(&mut held.ask.cost, tokens);
            lock(&held.subject)
                .window(&held.ask)
                .correct(held.slot, took, tokens);
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        for held in self
            .held
            .iter()
            .filter(|held| held.ask.measure == Measure::Parallel)
        {
            let mut subject = lock(&held.subject);
            subject.running = subject.running.saturating_sub(held.ask.cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(measure: Measure, capacity: u64, cost: u64) -> Ask {
        Ask {
            subject: "key_a".into(),
            measure,
            capacity,
            window: Duration::from_secs(60),
            cost,
        }
    }

    fn take(counters: &MemoryCounters, asks: &[Ask], now: u64) -> Result<Box<dyn Taken>, Full> {
        match counters.take(asks, Ticks(now)) {
            Answer::Now(taken) => taken,
            Answer::Later(_) => unreachable!("memory never waits"),
        }
    }

    #[test]
    fn of_a_thousand_at_once_exactly_k_are_taken() {
        let counters = Arc::new(MemoryCounters::default());
        let threads: Vec<_> = (0..10)
            .map(|_| {
                let counters = Arc::clone(&counters);
                std::thread::spawn(move || {
                    (0..100)
                        .filter(|_| take(&counters, &[ask(Measure::Requests, 137, 1)], 5).is_ok())
                        .count()
                })
            })
            .collect();
        let taken: usize = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum();
        assert_eq!(taken, 137);
    }

    #[test]
    fn a_request_takes_from_all_limits_or_from_none() {
        let counters = MemoryCounters::default();
        let both = [ask(Measure::Requests, 10, 1), ask(Measure::Tokens, 100, 90)];
        let _first = take(&counters, &both, 0).expect("room");
        let full = take(&counters, &both, 0).err().expect("no tokens left");
        assert_eq!(full.ask, 1);
        assert!(full.retry_after.is_some());
        let third = take(&counters, &[ask(Measure::Requests, 10, 1)], 0).expect("room");
        assert_eq!(third.room()[0].remaining, 8, "the refused one took nothing");
    }

    #[test]
    fn what_is_left_counts_the_request_that_asks() {
        let counters = MemoryCounters::default();
        let taken = take(&counters, &[ask(Measure::Requests, 10, 1)], 0).expect("room");
        let room = taken.room()[0];
        assert_eq!(
            (room.remaining, room.reset),
            (9, std::time::Duration::from_secs(60))
        );
    }

    #[test]
    fn a_parallel_slot_comes_back_however_the_request_ends() {
        let counters = MemoryCounters::default();
        let one = [ask(Measure::Parallel, 1, 1)];
        let first = take(&counters, &one, 0).expect("room");
        assert!(take(&counters, &one, 0).is_err());
        drop(first);
        assert!(take(&counters, &one, 0).is_ok());
    }

    #[test]
    fn settling_gives_unused_tokens_back() {
        let counters = MemoryCounters::default();
        let mut taken = take(&counters, &[ask(Measure::Tokens, 100, 80)], 0).expect("room");
        taken.settle(10, Ticks(0));
        assert!(take(&counters, &[ask(Measure::Tokens, 100, 90)], 0).is_ok());
    }

    #[test]
    fn more_than_a_limit_can_ever_hold_is_never() {
        let counters = MemoryCounters::default();
        let full = take(&counters, &[ask(Measure::Tokens, 100, 101)], 0)
            .err()
            .expect("too much");
        assert_eq!(full.retry_after, None);
    }
}
