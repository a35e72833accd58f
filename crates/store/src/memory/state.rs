//! Limits that go on in another process: what this one has given out, told so
//! that the next one counts it too.

use std::collections::HashMap;
use std::sync::Arc;

use domain::holding::{Holding, SlotHolding, WindowHolding};
use domain::time::Ticks;

use super::MemoryCounters;
use super::counters::lock;

impl MemoryCounters {
    /// What is given out, of every subject that has taken anything.
    #[must_use]
    pub fn holdings(&self) -> Vec<Holding> {
        let subjects: Vec<_> = lock(&self.subjects)
            .iter()
            .map(|(name, subject)| (Arc::clone(name), Arc::clone(subject)))
            .collect();
        let told = subjects.into_iter().map(|(subject, shared)| {
            let open = lock(&shared);
            let windows = open.windows.iter().map(|(measure, window)| {
                let (length_us, slots) = window.told();
                WindowHolding {
                    measure: *measure,
                    length_us,
                    slots,
                }
            });
            Holding {
                subject,
                running: open.running,
                windows: windows.collect(),
            }
        });
        told.collect()
    }

    /// Counts what another process has given out: `after`, where it said
    /// `before` the last time. What this process has given out stays.
    pub fn amend(&self, before: Option<&Holding>, after: &Holding, now: Ticks) {
        let shared = self.subject(&after.subject, now);
        let mut open = lock(&shared);
        let was = before.map_or(0, |holding| holding.running);
        open.running = (open.running + after.running).saturating_sub(was);
        for window in &after.windows {
            let at = open.position(window.measure, window.length_us);
            let known = slots(before, window);
            let own = &mut open.windows[at].1;
            for slot in &window.slots {
                match known.get(&slot.number) {
                    None => own.add(*slot),
                    Some(known) if slot.latest > known.latest => {
                        own.correct(slot.number, known.amount, 0);
                        own.add(*slot);
                    }
                    Some(known) if slot.amount != known.amount => {
                        own.correct(slot.number, known.amount, slot.amount);
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// The sub-windows of the same window, as they were told before.
fn slots(before: Option<&Holding>, window: &WindowHolding) -> HashMap<u64, SlotHolding> {
    let windows = before.map_or(&[][..], |holding| &holding.windows);
    let is_same =
        |w: &&WindowHolding| w.measure == window.measure && w.length_us == window.length_us;
    let slots = windows.iter().find(is_same).map_or(&[][..], |w| &w.slots);
    slots.iter().map(|slot| (slot.number, *slot)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::counters::{Answer, Ask, Counters, Measure, Taken};

    use super::*;

    fn take(
        counters: &MemoryCounters,
        measure: Measure,
        cost: u64,
        now: u64,
    ) -> Option<Box<dyn Taken>> {
        let ask = Ask {
            subject: "key_a".into(),
            measure,
            capacity: 10,
            window: Duration::from_secs(60),
            cost,
        };
        match counters.take(&[ask], Ticks(now)) {
            Answer::Now(taken) => taken.ok(),
            Answer::Later(_) => unreachable!("memory never waits"),
        }
    }

    fn tell(from: &MemoryCounters, before: &[Holding], to: &MemoryCounters) -> Vec<Holding> {
        let after = from.holdings();
        for holding in &after {
            let before = before.iter().find(|b| b.subject == holding.subject);
            to.amend(before, holding, Ticks(0));
        }
        after
    }

    #[test]
    fn two_processes_together_give_out_no_more_than_one() {
        let (elder, heir) = (MemoryCounters::default(), MemoryCounters::default());
        for at in [0, 5_000_000] {
            let _kept = take(&elder, Measure::Requests, 3, at).expect("room");
        }
        tell(&elder, &[], &heir);
        assert!(take(&heir, Measure::Requests, 5, 5_000_000).is_none());
        assert!(take(&heir, Measure::Requests, 4, 5_000_000).is_some());
        // What the elder took first leaves first.
        assert!(take(&heir, Measure::Requests, 3, 59_999_999).is_none());
        assert!(take(&heir, Measure::Requests, 3, 60_000_000).is_some());
    }

    #[test]
    fn what_the_elder_ends_comes_back_at_the_heir() {
        let (elder, heir) = (MemoryCounters::default(), MemoryCounters::default());
        let running = take(&elder, Measure::Parallel, 10, 0).expect("room");
        let mut tokens = take(&elder, Measure::Tokens, 8, 0).expect("room");
        let told = tell(&elder, &[], &heir);
        assert!(take(&heir, Measure::Parallel, 1, 0).is_none());
        assert!(take(&heir, Measure::Tokens, 3, 0).is_none());
        drop(running);
        tokens.settle(2, Ticks(0));
        let told = tell(&elder, &told, &heir);
        assert!(take(&heir, Measure::Parallel, 10, 0).is_some());
        let _kept = take(&heir, Measure::Tokens, 8, 0).expect("room");
        tell(&elder, &told, &heir);
        assert!(
            take(&heir, Measure::Tokens, 1, 0).is_none(),
            "nothing is told twice"
        );
    }
}
