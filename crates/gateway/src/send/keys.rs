//! Which of a provider's keys a request takes. One whose limit is reached or
//! whose account is at fault rests by itself, and the others go on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::ids::{DeploymentId, ProviderName};
use domain::model::Deployment;
use domain::time::Ticks;

use super::failure::{Failure, Kind};
use crate::plane::Plane;

/// A key, and what of it rests: all of it, or its use for one model. Rate
/// limits are a model's, accounts are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Account(ProviderName, Arc<str>),
    Limit(DeploymentId, Arc<str>),
}

/// The keys that rest, over all event loops. They are known by what they are:
/// a reload that keeps a key keeps its rest, one that changes it does not.
#[derive(Debug, Default)]
pub struct KeyRests {
    /// Whether there is any.
    has_any: AtomicBool,
    until: RwLock<HashMap<Lane, Ticks>>,
}

impl KeyRests {
    /// Until when a key rests at this target; 0 for one that does not.
    fn until(&self, target: &Deployment, key: &Arc<str>) -> Ticks {
        if !self.has_any.load(Ordering::Relaxed) {
            return Ticks(0);
        }
        let all = self.until.read().unwrap_or_else(PoisonError::into_inner);
        let of = |lane| all.get(&lane).copied().unwrap_or(Ticks(0));
        let account = of(Lane::Account(target.provider.name.clone(), Arc::clone(key)));
        let limit = of(Lane::Limit(target.id.clone(), Arc::clone(key)));
        Ticks(account.0.max(limit.0))
    }

    /// A longer rest extends a shorter one, never the other way round.
    fn rest(&self, lane: Lane, wait: Duration, now: Ticks) {
        let until = now
            .0
            .saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        let mut all = self.until.write().unwrap_or_else(PoisonError::into_inner);
        // Keys come and go with reloads; those that woke are forgotten here.
        all.retain(|_, until| until.0 > now.0);
        let known = all.entry(lane).or_insert(Ticks(0));
        known.0 = known.0.max(until);
        self.has_any.store(true, Ordering::Relaxed);
    }
}

/// The keys that one request tries at one target.
pub(super) struct Turns<'a> {
    target: &'a Deployment,
    tried: Vec<usize>,
    /// The one to begin with, if it is awake.
    first: Option<usize>,
}

impl<'a> Turns<'a> {
    /// None tried yet.
    pub(super) fn of(target: &'a Deployment) -> Self {
        Self {
            target,
            tried: Vec::new(),
            first: None,
        }
    }

    /// With this key first, unless it rests.
    pub(super) fn beginning(self, first: Option<usize>) -> Self {
        Self { first, ..self }
    }

    /// The key to take: any of those that are awake. If all rest, the first
    /// that wakes is tried once: better a try than a refusal. `None` once there
    /// is none left.
    pub(super) fn next(&mut self, plane: &Plane) -> Option<usize> {
        let keys = &self.target.provider.keys;
        let taken = match keys.len() {
            0 => None,
            1 => self.tried.is_empty().then_some(0),
            many => {
                let (rests, now) = (&plane.shared.key_rests, plane.shared.ticks());
                let first = self.first.take();
                let first =
                    first.unwrap_or_else(|| usize::try_from(plane.roll(many as u64)).unwrap_or(0));
                let left = (0..many).map(|at| (first + at) % many);
                let left = left.filter(|at| !self.tried.contains(at));
                let until = |at: &usize| rests.until(self.target, &keys[*at].id).0;
                let soonest = left.min_by_key(|at| until(at).max(now.0));
                soonest.filter(|at| self.tried.is_empty() || until(at) <= now.0)
            }
        };
        self.tried.extend(taken);
        taken
    }

    /// Lets the key that failed last rest, if that is its fault: whether
    /// another one may do better.
    pub(super) fn blame(&self, plane: &Plane, failure: &Failure, cooldown: Duration) -> bool {
        let keys = &self.target.provider.keys;
        let (Some(last), true) = (self.tried.last(), keys.len() > 1) else {
            return false;
        };
        let key = Arc::clone(&keys[*last].id);
        let (lane, wait) = match failure.kind {
            Kind::Account => {
                let provider = self.target.provider.name.clone();
                (Lane::Account(provider, key), cooldown)
            }
            Kind::Limited => {
                let wait = failure.retry_after.unwrap_or(Duration::from_secs(1));
                (Lane::Limit(self.target.id.clone(), key), wait)
            }
            _ => return false,
        };
        let now = plane.shared.ticks();
        plane.shared.key_rests.rest(lane, wait, now);
        true
    }

    /// Which key was tried last, counted from one, for operators.
    pub(super) fn last(&self) -> usize {
        self.tried.last().map_or(0, |at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_ends_and_a_shorter_one_does_not_cut_it() {
        let rests = KeyRests::default();
        let lane = || Lane::Account("p".into(), "k".into());
        rests.rest(lane(), Duration::from_secs(60), Ticks(0));
        rests.rest(lane(), Duration::from_secs(1), Ticks(0));
        let all = rests.until.read().expect("whole");
        assert_eq!(all.get(&lane()), Some(&Ticks(60_000_000)));
        drop(all);
        let other = Lane::Limit("d".into(), "k".into());
        rests.rest(other, Duration::from_secs(1), Ticks(60_000_000));
        assert!(!rests.until.read().expect("whole").contains_key(&lane()));
    }
}
