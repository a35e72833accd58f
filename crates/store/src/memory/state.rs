//! Limits that go on in another process: what this one has given out, told so
//! that the next one counts it too.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::counters::{Measure, Span};
use domain::holding::{Holding, PeriodHolding, SlotHolding, WindowHolding};
use domain::time::Now;

use super::MemoryCounters;
use super::counters::{Counted, lock};

/// How far a limit or budget is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// What it is counted under.
    pub subject: Arc<str>,
    /// What it counts.
    pub measure: Measure,
    /// In which time.
    pub span: Span,
    /// How much is used, what is only reserved left out.
    pub used: u64,
    /// Whether a request was refused by it since the last look.
    pub has_refused: bool,
}

/// Which subjects are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Those of which anything has changed since the last look.
    Changed,
    /// All.
    All,
}

impl MemoryCounters {
    /// How far limits on what is used are used.
    #[must_use]
    pub fn reached(&self, look: Look, now: Now) -> Vec<Reached> {
        let subjects: Vec<_> = lock(&self.inner.subjects)
            .iter()
            .map(|(name, subject)| (Arc::clone(name), Arc::clone(subject)))
            .collect();
        let mut all = Vec::new();
        for (name, shared) in subjects {
            let open = &mut *lock(&shared);
            if !std::mem::take(&mut open.is_changed) && look == Look::Changed {
                continue;
            }
            let reached = |measure, span, used, refused: &mut bool| Reached {
                subject: Arc::clone(&name),
                measure,
                span,
                used,
                has_refused: std::mem::take(refused),
            };
            let is_use = |measure| matches!(measure, Measure::Tokens | Measure::Cost);
            for it in open.windows.iter_mut().filter(|it| is_use(it.measure)) {
                let used = it.window.sum(now.ticks.0).saturating_sub(it.pending);
                let span = Span::Rolling(Duration::from_micros(it.window.length()));
                all.push(reached(it.measure, span, used, &mut it.has_refused));
            }
            for it in open.periods.iter_mut().filter(|it| is_use(it.measure)) {
                let used = it.amount.saturating_sub(it.pending);
                let (unit, period) = (it.unit, it.period);
                let span = Span::Period { unit, period };
                all.push(reached(it.measure, span, used, &mut it.has_refused));
            }
        }
        all
    }

    /// What is given out, of every subject that has taken anything.
    #[must_use]
    pub fn holdings(&self) -> Vec<Holding> {
        let subjects: Vec<_> = lock(&self.inner.subjects)
            .iter()
            .map(|(name, subject)| (Arc::clone(name), Arc::clone(subject)))
            .collect();
        let told = subjects.into_iter().map(|(subject, shared)| {
            let open = lock(&shared);
            let windows = open.windows.iter().map(|rolling| {
                let (length_us, slots) = rolling.window.told();
                WindowHolding {
                    measure: rolling.measure,
                    length_us,
                    slots,
                }
            });
            Holding {
                subject,
                running: open.running,
                windows: windows.collect(),
                periods: open.periods.iter().map(told_period).collect(),
            }
        });
        told.collect()
    }

    /// Counts what another process has given out: `after`, where it said
    /// `before` the last time. What this process has given out stays.
    pub fn amend(&self, before: Option<&Holding>, after: &Holding, now: Now) {
        let shared = self.inner.subject(&after.subject, now);
        let mut open = lock(&shared);
        let was = before.map_or(0, |holding| holding.running);
        open.running = (open.running + after.running).saturating_sub(was);
        open.is_changed = true;
        for window in &after.windows {
            let at = open.position(window.measure, window.length_us);
            let known = slots(before, window);
            let own = &mut open.windows[at].window;
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
        let all_known = before.map_or(&[][..], |holding| &holding.periods);
        for told in &after.periods {
            let is_it = |it: &&PeriodHolding| {
                (it.measure, it.unit, it.period) == (told.measure, told.unit, told.period)
            };
            let known = all_known.iter().find(is_it);
            let at = open.period_at(told.measure, told.unit, told.period);
            let own = &mut open.periods[at];
            own.enter(told.period);
            if own.period == told.period {
                let (amount, pending) = known.map_or((0, 0), |it| (it.amount, it.pending));
                own.amount = (own.amount + told.amount).saturating_sub(amount);
                own.pending = (own.pending + told.pending).saturating_sub(pending);
            }
        }
    }
}

fn told_period(counted: &Counted) -> PeriodHolding {
    PeriodHolding {
        measure: counted.measure,
        unit: counted.unit,
        period: counted.period,
        amount: counted.amount,
        pending: counted.pending,
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
    use domain::counters::{Answer, Ask, Counters, Taken, Used};
    use domain::time::{Ticks, UnixMicros};

    use super::*;

    fn at(micros: u64) -> Now {
        Now {
            ticks: Ticks(micros),
            unix: UnixMicros(micros as i64),
        }
    }

    fn ask(measure: Measure, cost: u64) -> Ask {
        Ask {
            subject: "key_a".into(),
            measure,
            capacity: 10,
            window: Span::Rolling(Duration::from_secs(60)),
            cost,
        }
    }

    fn take(
        counters: &MemoryCounters,
        measure: Measure,
        cost: u64,
        now: u64,
    ) -> Option<Box<dyn Taken>> {
        match counters.take(&[ask(measure, cost)], at(now)) {
            Answer::Now(taken) => taken.ok(),
            Answer::Later(_) => unreachable!("memory never waits"),
        }
    }

    fn tell(from: &MemoryCounters, before: &[Holding], to: &MemoryCounters) -> Vec<Holding> {
        let after = from.holdings();
        for holding in &after {
            let before = before.iter().find(|b| b.subject == holding.subject);
            to.amend(before, holding, at(0));
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
    fn room_that_is_asked_for_with_less_the_next_time_is_no_refusal() {
        let counters = MemoryCounters::default();
        let used = Used { tokens: 7, cost: 0 };
        let mut taken = take(&counters, Measure::Tokens, 7, 0).expect("room");
        taken.settle(used, at(0));
        assert!(
            take(&counters, Measure::Tokens, 4, 0).is_none(),
            "by its bytes"
        );
        let told = |look| {
            let reached = counters.reached(look, at(0));
            reached
                .iter()
                .map(|it| (it.used, it.has_refused))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(Look::All), [(7, false)]);
        counters.refused(&ask(Measure::Tokens, 4), at(0));
        assert_eq!(told(Look::Changed), [(7, true)]);
        assert_eq!(told(Look::All), [(7, false)], "it is told once");
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
        let used = Used { tokens: 2, cost: 0 };
        tokens.settle(used, at(0));
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
