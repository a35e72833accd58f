//! What is said where a limit has no room: which limit of whom, and when it
//! opens again.

use std::time::Duration;

use domain::bound::Bound;
use domain::counters::{Ask, Full, Measure};
use domain::money::NanoUsd;
use domain::refusal::{Reason, Refusal};

/// The refusal. `advice` is what to do with the answer's bound, which has this
/// name.
pub(super) fn refusal(
    bound: Option<&Bound>,
    ask: Option<&Ask>,
    full: &Full,
    (advice, name): (&str, &str),
) -> Refusal {
    let (Some(bound), Some(ask)) = (bound, ask) else {
        return Refusal::new(Reason::RequestLimit, "A limit of this key is reached.");
    };
    let reason = reason(bound, ask.measure);
    let kind = if bound.budget.is_some() {
        "budget"
    } else {
        "limit"
    };
    let what = told(bound, ask);
    let of = match &*bound.holder {
        "this key" => format!("This key's {kind}"),
        holder => format!("The {kind} of {holder}"),
    };
    if ask.cost > ask.capacity {
        let may = match ask.measure {
            Measure::Cost => format!("cost {} USD", dollars(ask.cost)),
            _ => format!("use {} tokens", ask.cost),
        };
        return Refusal::new(
            Reason::OverLimit,
            format!(
                "This request alone may {may}, more than {}{} of {what}. {advice} {name} or \
                 shorten the prompt.",
                of[..1].to_lowercase(),
                &of[1..]
            ),
        );
    }
    match full.retry_after {
        Some(wait) => {
            let sentence = format!("{of} of {what} is reached. Try again in {}.", span(wait));
            Refusal::new(reason, sentence).retry_after(wait)
        }
        None => Refusal::new(reason, format!("{of} of {what} is reached.")),
    }
}

fn reason(bound: &Bound, measure: Measure) -> Reason {
    match (bound.budget.is_some(), measure) {
        (true, _) | (_, Measure::Cost) => Reason::BudgetSpent,
        (_, Measure::Requests) => Reason::RequestLimit,
        (_, Measure::Tokens) => Reason::TokenLimit,
        (_, Measure::Parallel) => Reason::ParallelLimit,
    }
}

/// The limit as it is now: a budget may be raised.
fn told(bound: &Bound, ask: &Ask) -> String {
    let mut limit = bound.limit.clone();
    limit.amount = ask.capacity;
    limit.to_string()
}

fn dollars(nanos: u64) -> NanoUsd {
    NanoUsd(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// `5 s`, `7 min`, `3 h`, `2 days`: rounded up, so that nobody comes too early.
fn span(wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    match seconds {
        ..=120 => format!("{seconds} s"),
        121..=7_200 => format!("{} min", seconds.div_ceil(60)),
        7_201..=172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}
