//! Which target is next, and after which pause.

use std::time::Duration;

use domain::policy::RetryPolicy;

use super::failure::{Failure, Kind};
use crate::route::Whose;

/// The course of attempts over a plan of targets. Every target of the plan is
/// asked once before any is asked again; only asking again needs a pause.
pub(super) struct Course {
    at: usize,
    whose: Vec<Whose>,
    usable: Vec<bool>,
    made: u32,
    most: u32,
    rounds: u32,
    policy: RetryPolicy,
}

impl Course {
    /// A course over targets, in the order of the plan.
    pub(super) fn new(targets: impl IntoIterator<Item = Whose>, policy: &RetryPolicy) -> Self {
        let whose: Vec<Whose> = targets.into_iter().collect();
        let targets = whose.len();
        let first_round = u32::try_from(targets).unwrap_or(u32::MAX);
        Self {
            at: 0,
            whose,
            usable: vec![true; targets],
            made: 1,
            most: first_round.max(policy.retries.saturating_add(1)),
            rounds: 0,
            policy: *policy,
        }
    }

    /// The target to ask now.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Moves on after a failure: the pause before the next attempt, or `None`
    /// if the failure is final. `roll(n)` gives a number in `0..n`.
    pub(super) fn after(
        &mut self,
        failure: &Failure,
        roll: impl Fn(u64) -> u64,
    ) -> Option<Duration> {
        match failure.kind {
            Kind::Client => return None,
            Kind::Account | Kind::Missing | Kind::Full | Kind::Media => {
                self.usable[self.at] = false
            }
            // What this model cannot do, its other deployments cannot either.
            Kind::Elsewhere => {
                self.usable[self.at] = false;
                if self.whose[self.at] == Whose::Own {
                    for (usable, whose) in self.usable.iter_mut().zip(&self.whose) {
                        *usable &= *whose == Whose::Fallback;
                    }
                }
            }
            Kind::Transient | Kind::Limited | Kind::Empty => {}
        }
        if self.made >= self.most {
            return None;
        }
        self.made += 1;
        let next = (self.at + 1..self.usable.len()).find(|at| self.usable[*at]);
        if let Some(next) = next {
            self.at = next;
            return Some(Duration::ZERO);
        }
        self.at = self.usable.iter().position(|usable| *usable)?;
        let pause = self.pause(failure.retry_after, roll)?;
        self.rounds += 1;
        Some(pause)
    }

    /// Full jitter over an exponential ceiling; an upstream's own word counts
    /// more. If it asks for more patience than policy has, that is final.
    fn pause(&self, asked: Option<Duration>, roll: impl Fn(u64) -> u64) -> Option<Duration> {
        if let Some(asked) = asked {
            return (asked <= self.policy.max_backoff).then_some(asked);
        }
        let ceiling = self
            .policy
            .backoff
            .saturating_mul(1 << self.rounds.min(16))
            .min(self.policy.max_backoff);
        let micros = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        Some(Duration::from_micros(micros / 2 + roll(micros / 2 + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Whose::{Fallback, Own};
    use domain::refusal::{Reason, Refusal};

    fn failure(kind: Kind, retry_after: Option<u64>) -> Failure {
        let refusal = Refusal::new(Reason::UpstreamBroken, "");
        Failure {
            kind,
            retry_after: retry_after.map(Duration::from_secs),
            ..Failure::transient(refusal)
        }
    }

    #[test]
    fn every_target_is_asked_once_before_any_is_asked_again() {
        let mut course = Course::new([Own, Fallback], &RetryPolicy::default());
        assert_eq!(
            course.after(&failure(Kind::Transient, None), |_| 0),
            Some(Duration::ZERO)
        );
        assert_eq!(course.at(), 1);
        let pause = course
            .after(&failure(Kind::Transient, None), |_| 0)
            .expect("a third attempt");
        assert!(pause >= Duration::from_millis(125));
        assert_eq!(course.at(), 0);
        assert_eq!(course.after(&failure(Kind::Transient, None), |_| 0), None);
    }

    #[test]
    fn a_full_provider_is_passed_over_at_once_and_never_waited_for() {
        let mut course = Course::new([Own, Fallback], &RetryPolicy::default());
        assert_eq!(
            course.after(&failure(Kind::Full, None), |_| 0),
            Some(Duration::ZERO)
        );
        assert_eq!(course.at(), 1);
        assert_eq!(course.after(&failure(Kind::Full, None), |_| 0), None);
    }

    #[test]
    fn an_upstream_that_asks_for_more_patience_than_there_is_ends_the_course() {
        let mut course = Course::new([Own], &RetryPolicy::default());
        assert_eq!(
            course.after(&failure(Kind::Limited, Some(2)), |_| 0),
            Some(Duration::from_secs(2))
        );
        assert_eq!(course.after(&failure(Kind::Limited, Some(60)), |_| 0), None);
    }

    #[test]
    fn an_account_at_fault_is_never_asked_again_and_a_clients_mistake_by_nobody() {
        let mut course = Course::new([Own], &RetryPolicy::default());
        assert_eq!(course.after(&failure(Kind::Account, None), |_| 0), None);
        let mut course = Course::new([Own; 3], &RetryPolicy::default());
        assert_eq!(course.after(&failure(Kind::Client, None), |_| 0), None);
    }

    #[test]
    fn a_prompt_too_long_for_a_model_goes_to_its_fallback_only() {
        let mut course = Course::new([Own, Fallback, Own], &RetryPolicy::default());
        assert_eq!(
            course.after(&failure(Kind::Elsewhere, None), |_| 0),
            Some(Duration::ZERO)
        );
        assert_eq!(course.at(), 1);
        assert_eq!(course.after(&failure(Kind::Elsewhere, None), |_| 0), None);
    }
}
