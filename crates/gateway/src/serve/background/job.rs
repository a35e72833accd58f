//! What this process works on in the background: who may stop it, and what of
//! each answer has come. Any loop may ask.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use domain::ids::KeyId;
use tokio::sync::{Notify, watch};

use crate::plane::{Plane, Shared};

/// The most bytes of events that are held of one answer. Above it the oldest
/// go: the last event has the whole answer.
const MOST_HELD: usize = 4 << 20;
/// What goes out at once, if there is more.
const PIECE: usize = 64 << 10;

/// Whose answer, and its id.
type Name = (KeyId, String);

/// All that this process works on in the background.
#[derive(Default)]
pub struct Jobs(Mutex<HashMap<Name, Arc<Job>>>);

/// A place among the jobs; it is free again when this is dropped.
pub(super) struct Entry {
    shared: Arc<Shared>,
    name: Name,
    pub(super) job: Arc<Job>,
    /// What is told last.
    last: Vec<(u64, Bytes)>,
}

impl Jobs {
    /// Takes a place for this answer, if fewer than `most` are taken.
    pub(super) fn enter(shared: &Arc<Shared>, name: Name, most: usize) -> Option<Entry> {
        let job = Arc::new(Job::default());
        let mut jobs = shared.jobs.all();
        if jobs.len() >= most {
            return None;
        }
        jobs.insert(name.clone(), Arc::clone(&job));
        shared.metrics.background.inc();
        Some(Entry {
            shared: Arc::clone(shared),
            name,
            job,
            last: Vec::new(),
        })
    }

    /// The work on this answer, if this process does it.
    pub(crate) fn find(&self, owner: &KeyId, id: &str) -> Option<Arc<Job>> {
        let jobs = self.all();
        if jobs.is_empty() {
            return None;
        }
        jobs.get(&(owner.clone(), id.to_owned())).cloned()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The work is over, and how it has ended is kept.
    pub(super) fn end(mut self, events: Vec<(u64, Bytes)>) {
        self.last = events;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // Whoever waits for the end may want the place.
        self.shared.jobs.all().remove(&self.name);
        self.shared.metrics.background.dec();
        // Whoever looks on is told, also where the work was cut off.
        self.job.close(std::mem::take(&mut self.last));
    }
}

/// The work on one answer.
#[derive(Default)]
pub(crate) struct Job {
    is_stopped: watch::Sender<bool>,
    log: Mutex<Log>,
    /// Told whenever the log has changed.
    changed: watch::Sender<()>,
}

/// The events of an answer, as far as they have come.
#[derive(Default)]
struct Log {
    events: VecDeque<(u64, Bytes)>,
    bytes: usize,
    is_over: bool,
}

/// What of the events is next for one who looks on.
pub(super) enum Next {
    /// These; up to the one of this number.
    Events(Bytes, u64),
    /// None before more has come.
    Later,
    /// None any more.
    Over,
}

impl Job {
    /// Asks it to stop.
    pub(crate) fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    /// Returns once it is to stop.
    pub(super) async fn stopped(&self) {
        let mut told = self.is_stopped.subscribe();
        // The sender lives as long as the job.
        let _ = told.wait_for(|is_stopped| *is_stopped).await;
    }

    /// An event has come.
    pub(super) fn push(&self, number: u64, event: Bytes) {
        self.log().push(number, event);
        self.changed.send_replace(());
    }

    /// The last events have come.
    fn close(&self, events: Vec<(u64, Bytes)>) {
        {
            let mut log = self.log();
            for (number, event) in events {
                log.push(number, event);
            }
            log.is_over = true;
        }
        self.changed.send_replace(());
    }

    /// The number of the event that is next.
    pub(super) fn next_number(&self) -> u64 {
        let log = self.log();
        log.events.back().map_or(0, |(number, _)| number + 1)
    }

    /// All events that are held, one after the other.
    pub(super) fn events(&self) -> Vec<u8> {
        let log = self.log();
        let events = log.events.iter().map(|(_, event)| event.as_ref());
        events.collect::<Vec<_>>().concat()
    }

    /// What is next behind the event of this number.
    fn behind(&self, after: Option<u64>) -> Next {
        let log = self.log();
        let is_new = |number: u64| after.is_none_or(|after| number > after);
        let first = log.events.partition_point(|(number, _)| !is_new(*number));
        let (mut out, mut last) = (Vec::new(), None);
        for (number, event) in log.events.range(first..) {
            if !out.is_empty() && out.len() + event.len() > PIECE {
                break;
            }
            out.extend_from_slice(event);
            last = Some(*number);
        }
        match last {
            Some(last) => Next::Events(out.into(), last),
            None if log.is_over => Next::Over,
            None => Next::Later,
        }
    }

    /// What is next behind the event of this number, waited for.
    pub(super) async fn next(&self, after: Option<u64>) -> Next {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            match self.behind(after) {
                Next::Later => {}
                next => return next,
            }
            // The sender lives as long as the job.
            let _ = changed.changed().await;
        }
    }

    /// Returns once it is over, and kept.
    pub(crate) async fn over(&self) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if self.log().is_over {
                return;
            }
            let _ = changed.changed().await;
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn push(&mut self, number: u64, event: Bytes) {
        self.bytes += event.len();
        self.events.push_back((number, event));
        while self.bytes > MOST_HELD
            && self.events.len() > 1
            && let Some((_, oldest)) = self.events.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }
}

/// Work of a loop that no connection waits for: the loop does not end before.
#[derive(Default)]
pub struct Busy {
    count: Cell<usize>,
    idle: Notify,
}

/// A piece of work that the loop waits for.
pub(super) struct Hand(Rc<Plane>);

impl Hand {
    pub(super) fn of(plane: &Rc<Plane>) -> Self {
        let count = &plane.busy.count;
        count.set(count.get() + 1);
        Self(Rc::clone(plane))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let busy = &self.0.busy;
        busy.count.set(busy.count.get().saturating_sub(1));
        busy.idle.notify_waiters();
    }
}

impl Busy {
    /// Returns once there is none.
    pub(crate) async fn over(&self) {
        while self.count.get() > 0 {
            self.idle.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(next: Next) -> Option<(Bytes, u64)> {
        match next {
            Next::Events(bytes, last) => Some((bytes, last)),
            Next::Later | Next::Over => None,
        }
    }

    #[tokio::test]
    async fn who_looks_on_gets_what_is_behind_its_cursor_and_waits_for_more() {
        let job = Job::default();
        job.push(0, "a".into());
        job.push(1, "b".into());
        assert_eq!(text(job.next(None).await), Some(("ab".into(), 1)));
        assert_eq!(text(job.next(Some(0)).await), Some(("b".into(), 1)));
        let (next, ()) = tokio::join!(job.next(Some(1)), async {
            tokio::task::yield_now().await;
            job.close(vec![(2, "c".into())]);
        });
        assert_eq!(text(next), Some(("c".into(), 2)));
        assert!(matches!(job.next(Some(2)).await, Next::Over));
        job.over().await;
    }

    #[test]
    fn of_too_many_events_the_oldest_go() {
        let job = Job::default();
        let event = Bytes::from(vec![b'.'; MOST_HELD / 2]);
        for number in 0..4 {
            job.push(number, event.clone());
        }
        assert_eq!(text(job.behind(None)).map(|(_, last)| last), Some(2));
        assert_eq!(job.events().len(), MOST_HELD);
        assert_eq!(job.next_number(), 4);
    }
}
