//! Budgets that have passed one of their thresholds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::bound::{BETWEEN, Bound};
use domain::counters::{Measure, Span};
use domain::limit::By;
use domain::money::NanoUsd;
use domain::snapshot::Snapshot;
use domain::time::{Moment, Now};
use serde_json::{Map, Value, json};
use store::memory::{Look, Reached};

use super::New;
use crate::serve::world::World;

/// More that were told begin anew; the store knows them all.
const MOST: usize = 100_000;

/// The budgets that are watched, and what was told of them.
#[derive(Default)]
pub(super) struct Thresholds {
    /// Of which state of the world they are.
    version: Option<u64>,
    budgets: HashMap<Arc<str>, Vec<Watched>>,
    told: HashSet<String>,
}

/// A budget.
struct Watched {
    /// Whose, as a sentence has it.
    holder: String,
    bound: Bound,
}

impl Thresholds {
    /// What is to be told now.
    pub(super) fn passed(&mut self, world: &World) -> Vec<New> {
        let snapshot = world.shared.snapshot.load();
        let mut look = Look::Changed;
        if self.version != Some(snapshot.version) {
            self.version = Some(snapshot.version);
            self.budgets = budgets(&snapshot);
            look = Look::All;
        }
        if self.budgets.is_empty() {
            return Vec::new();
        }
        let now = world.shared.moment();
        let all = world.limits.reached(look, now);
        all.iter().flat_map(|it| self.of(it, now)).collect()
    }

    /// What was told was not kept.
    pub(super) fn forget(&mut self) {
        self.told.clear();
        self.version = None;
    }

    fn of(&mut self, reached: &Reached, now: Now) -> Vec<New> {
        let (name, apart) = match self.budgets.contains_key(&reached.subject) {
            true => (&*reached.subject, None),
            false => match reached.subject.rsplit_once(BETWEEN) {
                Some((name, apart)) => (name, Some(apart)),
                None => return Vec::new(),
            },
        };
        let mut events = Vec::new();
        for watched in self.budgets.get(name).into_iter().flatten() {
            if watched.counts(reached, apart, now) {
                events.extend(watched.passed(reached, apart, now));
            }
        }
        if self.told.len() > MOST {
            self.told.clear();
        }
        events.retain(|event| self.told.insert(event.same.clone()));
        events
    }
}

/// Budgets by the name that they are counted under.
fn budgets(snapshot: &Snapshot) -> HashMap<Arc<str>, Vec<Watched>> {
    let mut all: HashMap<Arc<str>, Vec<Watched>> = HashMap::new();
    for principal in snapshot.keys.values() {
        for bound in &principal.bounds {
            let is_told = bound
                .budget
                .as_ref()
                .is_some_and(|it| !it.alerts.is_empty());
            let known = all.get(bound.name());
            let is_same = |it: &Watched| it.bound.limit == bound.limit;
            if !is_told || known.is_some_and(|known| known.iter().any(is_same)) {
                continue;
            }
            let holder = match &*bound.holder {
                "this key" => format!("the key `{}`", principal.name),
                holder => holder.to_owned(),
            };
            let bound = bound.clone();
            let name = Arc::clone(bound.name());
            all.entry(name).or_default().push(Watched { holder, bound });
        }
    }
    all
}

impl Watched {
    /// Whether this is what it counts.
    fn counts(&self, reached: &Reached, apart: Option<&str>, now: Now) -> bool {
        let limit = &self.bound.limit;
        let is_span = match (self.bound.span(now.unix), reached.span) {
            (Span::Rolling(own), Span::Rolling(it)) => own == it,
            (
                Span::Period { unit, period },
                Span::Period {
                    unit: of,
                    period: it,
                },
            ) => unit == of && period == it,
            _ => false,
        };
        is_span && limit.measure == reached.measure && limit.by.is_some() == apart.is_some()
    }

    fn passed(&self, reached: &Reached, apart: Option<&str>, now: Now) -> Vec<New> {
        let Some(budget) = &self.bound.budget else {
            return Vec::new();
        };
        let amount = budget.amount(now.unix);
        let is_passed = |alert: &&u8| {
            let share = u128::from(reached.used) * 100 >= u128::from(amount) * u128::from(**alert);
            // What is left may be too little for any request.
            share || **alert == 100 && reached.has_refused && budget.hard
        };
        let passed = budget.alerts.iter().filter(is_passed);
        passed
            .map(|alert| self.event((*alert, amount), reached, apart, now))
            .collect()
    }

    fn event(
        &self,
        (percent, amount): (u8, u64),
        reached: &Reached,
        apart: Option<&str>,
        now: Now,
    ) -> New {
        let (period, times) = match reached.span {
            Span::Period { unit, period } => (
                format!("{} {}", unit.as_str(), period.start.0),
                [Some(period.start), Some(period.end)],
            ),
            // Once in each span of its length.
            Span::Rolling(length) => {
                let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX).max(1);
                (
                    format!("{length} {}", now.unix.0.div_euclid(length)),
                    [None, None],
                )
            }
        };
        let is_money = reached.measure == Measure::Cost;
        let shown = |it: u64| match is_money {
            true => json!(NanoUsd(i64::try_from(it).unwrap_or(i64::MAX)).to_string()),
            false => json!(it),
        };
        let unit = if is_money { "usd" } else { "tokens" };
        let said = |at: &Option<domain::time::UnixMicros>| {
            let known = at.filter(|at| (0..i64::MAX).contains(&at.0));
            known.map_or(Value::Null, |at| json!(Moment(at).to_string()))
        };
        let mut limit = self.bound.limit.clone();
        limit.amount = amount;
        let mut data = Map::new();
        for (name, value) in [
            ("holder", json!(self.holder)),
            ("threshold_percent", json!(percent)),
            ("unit", json!(unit)),
            ("used", shown(reached.used)),
            ("amount", shown(amount)),
            ("budget", json!(limit.to_string())),
            ("begins", said(&times[0])),
            ("ends", said(&times[1])),
        ] {
            data.insert(name.to_owned(), value);
        }
        if let (Some(by), Some(apart)) = (&limit.by, apart) {
            data.insert(by.to_string(), json!(apart));
        }
        let of = match (&limit.by, apart) {
            (Some(By::Model), Some(apart)) => format!(" for `{apart}`"),
            (Some(by), Some(_)) => format!(" for one of {by}"),
            _ => String::new(),
        };
        let measure = reached.measure;
        New {
            kind: "budget.threshold",
            same: format!("{} {measure:?} {period} {percent}", reached.subject),
            at: now.unix,
            sentence: format!(
                "budget: {percent} % of {limit} of {}{of} are spent",
                self.holder
            ),
            data,
        }
    }
}
