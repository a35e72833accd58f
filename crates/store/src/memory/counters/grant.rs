//! What a request holds of its limits.

use std::sync::Arc;

use domain::counters::{Ask, Full, Measure, Room, Taken, Used};
use domain::time::Now;

use super::super::few::Few;
use super::subject::{Place, Subject};
use super::{Inner, Shared, lock};

/// What a request took of one limit.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    slot: u64,
    cost: u64,
    /// Positions of the subject, and of its window.
    subject: u32,
    window: Place,
    /// Whether it counts what is used, and that is not known yet.
    is_reserved: bool,
}

#[derive(Debug)]
pub(super) enum Subjects {
    One(Shared),
    Many(Vec<Shared>),
}

impl Subjects {
    fn all(&self) -> &[Shared] {
        match self {
            Self::One(subject) => std::slice::from_ref(subject),
            Self::Many(subjects) => subjects,
        }
    }

    fn get(&self, at: u32) -> Option<&Shared> {
        self.all().get(at as usize)
    }
}

pub(super) struct Grant {
    /// Told when something is given back, for those that wait.
    all: Arc<Inner>,
    subjects: Subjects,
    held: Few<Held>,
    room: Few<Room>,
    /// When it last heard what time it is.
    now: Now,
}

impl Grant {
    /// Of nothing yet. In its place in memory from the start: it is large.
    pub(super) fn of(all: &Arc<Inner>, subjects: Subjects, now: Now) -> Box<Self> {
        let no_room = Room {
            measure: Measure::Parallel,
            capacity: 0,
            remaining: 0,
            reset: std::time::Duration::ZERO,
        };
        Box::new(Self {
            all: Arc::clone(all),
            subjects,
            held: Few::none(Held::default()),
            room: Few::none(no_room),
            now,
        })
    }

    /// Takes every ask from its subject, which stands at `place` of those that
    /// are `open`, or none.
    pub(super) fn take_all(
        &mut self,
        asks: &[Ask],
        open: &mut [&mut Subject],
        place: impl Fn(&Ask) -> usize,
        now: Now,
    ) -> Result<(), Full> {
        for ask in asks {
            let at = place(ask);
            let subject = &mut *open[at];
            let window = subject.place(ask);
            if ask.cost > ask.capacity.saturating_sub(subject.used(window, now)) && ask.cost > 0 {
                self.held.clear();
                return Err(full(asks, open, place, now));
            }
            self.held.push(Held {
                slot: 0,
                cost: ask.cost,
                subject: at as u32,
                window,
                is_reserved: matches!(ask.measure, Measure::Tokens | Measure::Cost),
            });
        }
        for (ask, held) in asks.iter().zip(self.held.as_mut_slice()) {
            let subject = &mut *open[held.subject as usize];
            held.slot = subject.take(held.window, ask, now);
            // What is left, and until when, counts this request too.
            self.room.push(subject.room(held.window, ask, now));
        }
        Ok(())
    }
}

/// What to say when one of `asks` does not fit.
fn full(
    asks: &[Ask],
    subjects: &mut [&mut Subject],
    place: impl Fn(&Ask) -> usize,
    now: Now,
) -> Full {
    let mut first = None;
    let mut room = Vec::with_capacity(asks.len());
    let mut is_pending = true;
    for (at, ask) in asks.iter().enumerate() {
        let subject = &mut *subjects[place(ask)];
        let window = subject.place(ask);
        let left = subject.room(window, ask, now);
        if ask.cost > left.remaining && ask.cost > 0 {
            first.get_or_insert_with(|| (at, subject.wait(window, ask, now)));
            // What has left its window is pending and counts no more.
            let used = subject.used(window, now);
            let spent = used.saturating_sub(subject.pending(window));
            is_pending &= spent.saturating_add(ask.cost) <= ask.capacity;
        }
        room.push(left);
    }
    let (ask, retry_after) = first.unwrap_or_default();
    Full {
        ask,
        room,
        retry_after,
        is_pending,
    }
}

impl Taken for Grant {
    fn room(&self) -> &[Room] {
        self.room.as_slice()
    }

    fn extend(&mut self, more: Used, now: Now) -> bool {
        let shared: Vec<Shared> = self.subjects.all().to_vec();
        // In the order in which everybody locks.
        let mut open: Vec<_> = shared.iter().map(|subject| lock(subject)).collect();
        let measured = self.room.as_slice().iter();
        for (held, room) in self.held.as_slice().iter().zip(measured) {
            let cost = more.of(room.measure).unwrap_or(0);
            let subject = &mut *open[held.subject as usize];
            let left = room.capacity.saturating_sub(subject.used(held.window, now));
            if cost > left {
                return false;
            }
        }
        let measured = self.room.as_slice().iter();
        for (held, room) in self.held.as_mut_slice().iter_mut().zip(measured) {
            if let Some(cost) = more.of(room.measure) {
                open[held.subject as usize].grow(held.window, held.slot, cost);
                held.cost = held.cost.saturating_add(cost);
            }
        }
        true
    }

    fn settle(&mut self, used: Used, now: Now) {
        let measured = self.room.as_mut_slice().iter_mut();
        for (held, room) in self.held.as_mut_slice().iter_mut().zip(measured) {
            let Some(used) = used.of(room.measure).filter(|_| held.is_reserved) else {
                continue;
            };
            let took = std::mem::replace(&mut held.cost, used);
            held.is_reserved = false;
            room.remaining = room.remaining.saturating_add(took).saturating_sub(used);
            if let Some(subject) = self.subjects.get(held.subject) {
                lock(subject).settle(held.window, held.slot, took, used);
            }
        }
        self.now = now;
        self.all.serve(now);
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        let mut is_freed = false;
        for held in self.held.as_slice() {
            let is_running = held.window == Place::Running;
            if !(is_running || held.is_reserved) {
                continue;
            }
            if let Some(subject) = self.subjects.get(held.subject) {
                let mut subject = lock(subject);
                match is_running {
                    true => subject.running = subject.running.saturating_sub(held.cost),
                    false => subject.settle(held.window, held.slot, held.cost, 0),
                }
                is_freed = true;
            }
        }
        if is_freed {
            self.all.serve(self.now);
        }
    }
}
