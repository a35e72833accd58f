//! Passive health: a deployment that fails several times in a row, or whose
//! credential is refused, rests for a while.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use domain::ids::DeploymentId;
use domain::policy::RetryPolicy;
use domain::time::Ticks;

/// One deployment's record. Atomics: every event loop reads and writes it.
#[derive(Debug, Default)]
struct Lane {
    fails: AtomicU32,
    rests_until: AtomicU64,
}

/// The health of every deployment that ever failed. A deployment without an
/// entry is healthy, so the usual look is at one flag.
#[derive(Debug, Default)]
pub struct Health {
    /// Whether there is any.
    has_lanes: AtomicBool,
    lanes: RwLock<HashMap<DeploymentId, Arc<Lane>>>,
}

impl Health {
    /// Whether the deployment may be asked at `now`.
    pub fn is_awake(&self, id: &DeploymentId, now: Ticks) -> bool {
        self.lane(id)
            .is_none_or(|lane| lane.rests_until.load(Ordering::Relaxed) <= now.0)
    }

    /// It answered: forget earlier failures.
    pub fn succeeded(&self, id: &DeploymentId) {
        if let Some(lane) = self.lane(id) {
            lane.fails.store(0, Ordering::Relaxed);
            lane.rests_until.store(0, Ordering::Relaxed);
        }
    }

    /// It failed. After `allowed_fails` in a row it rests.
    pub fn failed(&self, id: &DeploymentId, policy: &RetryPolicy, now: Ticks) {
        let lane = self.lane_or_new(id);
        let fails = lane.fails.fetch_add(1, Ordering::Relaxed) + 1;
        if fails >= policy.allowed_fails.max(1) {
            rest(&lane, policy.cooldown, now);
        }
    }

    /// It must rest at once: its limit is reached or its account is at fault.
    pub fn bench(&self, id: &DeploymentId, wait: Duration, now: Ticks) {
        rest(&self.lane_or_new(id), wait, now);
    }

    fn lane(&self, id: &DeploymentId) -> Option<Arc<Lane>> {
        if !self.has_lanes.load(Ordering::Relaxed) {
            return None;
        }
        self.lanes
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    fn lane_or_new(&self, id: &DeploymentId) -> Arc<Lane> {
        if let Some(lane) = self.lane(id) {
            return lane;
        }
        let mut lanes = self
            .lanes
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.has_lanes.store(true, Ordering::Relaxed);
        Arc::clone(lanes.entry(id.clone()).or_default())
    }
}

/// A longer rest extends a shorter one, never the other way round.
fn rest(lane: &Lane, wait: Duration, now: Ticks) {
    let until = now
        .0
        .saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
    lane.rests_until.fetch_max(until, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_rests_after_failures_in_a_row_and_wakes_again() {
        let (health, policy) = (Health::default(), RetryPolicy::default());
        let id = DeploymentId::from("a");
        health.failed(&id, &policy, Ticks(0));
        health.failed(&id, &policy, Ticks(0));
        assert!(health.is_awake(&id, Ticks(0)));
        health.failed(&id, &policy, Ticks(0));
        assert!(!health.is_awake(&id, Ticks(1)));
        assert!(health.is_awake(&id, Ticks(30_000_000)));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let (health, policy) = (Health::default(), RetryPolicy::default());
        let id = DeploymentId::from("a");
        for _ in 0..10 {
            health.failed(&id, &policy, Ticks(0));
            health.failed(&id, &policy, Ticks(0));
            health.succeeded(&id);
        }
        assert!(health.is_awake(&id, Ticks(0)));
    }
}
