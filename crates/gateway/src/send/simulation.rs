//! The deciding core of `send` under thousands of histories from seeds: plans,
//! failures, pauses and resting deployments. What must hold in each stands
//! here; a seed that breaks it becomes a test of its own.

use std::cell::Cell;
use std::time::Duration;

use domain::ids::DeploymentId;
use domain::policy::RetryPolicy;
use domain::refusal::{Reason, Refusal};
use domain::time::Ticks;

use super::course::Course;
use super::failure::{Failure, Kind};
use crate::route::{Health, Whose};

const KINDS: [Kind; 8] = [
    Kind::Empty,
    Kind::Transient,
    Kind::Limited,
    Kind::Account,
    Kind::Client,
    Kind::Elsewhere,
    Kind::Missing,
    Kind::Full,
];

/// Numbers from a seed (xorshift).
struct Dice(Cell<u64>);

impl Dice {
    fn of(seed: u64) -> Self {
        Self(Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1))
    }

    fn roll(&self, below: u64) -> u64 {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        x % below.max(1)
    }
}

fn failure(kind: Kind, retry_after: Option<Duration>) -> Failure {
    Failure {
        kind,
        retry_after,
        ..Failure::transient(Refusal::new(Reason::UpstreamBroken, ""))
    }
}

fn policy(dice: &Dice) -> RetryPolicy {
    RetryPolicy {
        retries: dice.roll(6) as u32,
        backoff: Duration::from_millis(dice.roll(500)),
        max_backoff: Duration::from_millis(500 + dice.roll(5000)),
        allowed_fails: dice.roll(5) as u32,
        cooldown: Duration::from_secs(1 + dice.roll(60)),
    }
}

#[test]
fn no_course_asks_too_often_waits_too_long_or_asks_whom_it_must_not() {
    for seed in 1..20_000 {
        let dice = Dice::of(seed);
        let policy = policy(&dice);
        let whose: Vec<Whose> = (0..1 + dice.roll(5))
            .map(|_| match dice.roll(3) {
                0 => Whose::Fallback,
                _ => Whose::Own,
            })
            .collect();
        let mut course = Course::new(whose.iter().copied(), &policy);
        let mut asked = vec![0_u32; whose.len()];
        let mut barred = vec![false; whose.len()];
        let mut attempts = 0;
        loop {
            let at = course.at();
            assert!(!barred[at], "seed {seed}: asked {at} again");
            let is_again = asked[at] > 0;
            if is_again {
                let unasked = (0..whose.len()).any(|i| asked[i] == 0 && !barred[i]);
                assert!(!unasked, "seed {seed}: again before all were asked");
            }
            asked[at] += 1;
            attempts += 1;
            let kind = KINDS[dice.roll(KINDS.len() as u64) as usize];
            let wait = (dice.roll(3) == 0).then(|| Duration::from_millis(dice.roll(9000)));
            let pause = course.after(&failure(kind, wait), |below| dice.roll(below));
            match kind {
                Kind::Account | Kind::Missing | Kind::Full | Kind::Media => barred[at] = true,
                // What the model cannot do, none of its own deployments can.
                Kind::Elsewhere => {
                    barred[at] = true;
                    for (bar, of) in barred.iter_mut().zip(&whose) {
                        *bar |= *of == Whose::Own && whose[at] == Whose::Own;
                    }
                }
                Kind::Client => assert!(pause.is_none(), "seed {seed}: retried a mistake"),
                Kind::Transient | Kind::Limited | Kind::Empty => {}
            }
            let Some(pause) = pause else { break };
            assert!(pause <= policy.max_backoff, "seed {seed}: {pause:?}");
            let is_next_new = asked[course.at()] == 0;
            assert!(
                !is_next_new || pause.is_zero(),
                "seed {seed}: waited for nothing"
            );
        }
        let most = u32::try_from(whose.len())
            .unwrap_or(u32::MAX)
            .max(policy.retries + 1);
        assert!(attempts <= most, "seed {seed}: {attempts} attempts");
    }
}

/// A model of one deployment: what [`Health`] must say of it.
#[derive(Default)]
struct Model {
    fails: u32,
    rests_until: u64,
}

#[test]
fn a_breaker_opens_after_as_many_failures_as_it_may_and_closes_in_time() {
    for seed in 1..3000 {
        let dice = Dice::of(seed);
        let policy = policy(&dice);
        let health = Health::default();
        let ids: Vec<DeploymentId> = ["a", "b", "c"].map(DeploymentId::from).to_vec();
        let mut models: Vec<Model> = ids.iter().map(|_| Model::default()).collect();
        let mut now = 0_u64;
        for _ in 0..60 {
            now += dice.roll(20_000_000);
            let one = dice.roll(3) as usize;
            let (id, model) = (&ids[one], &mut models[one]);
            match dice.roll(4) {
                0 => {
                    health.succeeded(id);
                    *model = Model::default();
                }
                1 => {
                    let wait = dice.roll(30_000_000);
                    health.bench(id, Duration::from_micros(wait), Ticks(now));
                    model.rests_until = model.rests_until.max(now + wait);
                }
                _ => {
                    health.failed(id, &policy, Ticks(now));
                    model.fails += 1;
                    if model.fails >= policy.allowed_fails.max(1) {
                        let cooldown = policy.cooldown.as_micros() as u64;
                        model.rests_until = model.rests_until.max(now + cooldown);
                    }
                }
            }
            for (id, model) in ids.iter().zip(&models) {
                let is_awake = health.is_awake(id, Ticks(now));
                assert_eq!(is_awake, model.rests_until <= now, "seed {seed} at {now}");
            }
        }
    }
}
