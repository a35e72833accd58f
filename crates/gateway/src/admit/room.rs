//! May this key use this model, and is there room in its limits?

use std::rc::Rc;
use std::time::Duration;

use domain::counters::{Ask, Full, Measure, Taken};
use domain::money::NanoUsd;
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

use super::{Admitted, Known, Visitor};
use crate::accept::Accepted;
use crate::plane::Plane;
use crate::settle::Refused;

/// The window of the per-minute limits.
const MINUTE: Duration = Duration::from_secs(60);
/// The longest name of a model: it goes into records, headers and logs, and
/// `provider/…` lets clients make names up.
const LONGEST_NAME: usize = 256;
/// What is reserved for an answer whose length nobody stated.
const UNSTATED_OUTPUT: u64 = 1024;

/// Resolves the model and takes room from every limit, or from none.
///
/// # Errors
/// 404 unknown model, 403 not allowed, 429 with `retry-after` when a limit is
/// reached, 400 when the request alone is larger than a limit.
pub async fn room(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    accepted: Box<Accepted>,
) -> Result<Admitted, Refused> {
    let name = accepted.view.model.clone();
    let known = Some(&name).filter(|name| name.len() <= LONGEST_NAME);
    let Some(model) = known.and_then(|name| snapshot.resolve(name)) else {
        return Err(Refused::new(accepted.ticket, unknown_model(&name)));
    };
    let principal = &accepted.principal;
    if !principal.may_use(&name) && !principal.may_use(model.name.as_str()) {
        return Err(Refused::new(accepted.ticket, forbidden(&name)));
    }
    let policies = super::policies_of(snapshot, &model, principal);
    let prompt = accepted.ticket.meter.prompt_estimate;
    let view = &accepted.view;
    let is_count = accepted.foreign.as_ref().is_some_and(|it| it.is_count);
    let reserved = match is_count {
        // It is a request like any other, but uses no tokens.
        true => 0,
        false => ledger::reserve(
            prompt,
            view.n,
            view.max_tokens,
            model.max_output,
            UNSTATED_OUTPUT,
        ),
    };
    let mut admitted = Admitted {
        accepted,
        model,
        policies,
        reserved,
    };
    let ticket = &mut admitted.accepted.ticket;
    ticket.asks_for(&admitted.model);
    let asks = asks(&admitted.accepted.principal, reserved);
    if asks.is_empty() {
        return Ok(admitted);
    }
    match plane
        .shared
        .counters
        .take(&asks, plane.shared.ticks())
        .get()
        .await
    {
        Ok(taken) => {
            admitted.accepted.ticket.taken = Some(taken);
            Ok(admitted)
        }
        Err(full) => {
            let stated = admitted.accepted.view.max_tokens.is_some();
            let advice = if stated { "Lower" } else { "State a lower" };
            let foreign = admitted.accepted.foreign.as_deref();
            let bound = foreign.map(|foreign| foreign.terms().name("max_tokens"));
            let bound = bound.as_deref().unwrap_or("max_tokens");
            let refusal = refuse(&asks, &full, (advice, bound));
            Err(Refused {
                room: full.room,
                ..Refused::new(admitted.accepted.ticket, refusal)
            })
        }
    }
}

/// Takes room for a request that asks no model: tokens it uses none. It does
/// not count among those that run at the same time, or a key whose only one
/// runs in the background could not ask how it stands.
///
/// # Errors
/// 429 with `retry-after` when a limit is reached.
pub async fn visit(plane: &Rc<Plane>, known: Known) -> Result<Visitor, Refused> {
    let taken = some(plane, &known.principal, &[Measure::Requests]).await?;
    Ok(Visitor { known, taken })
}

/// Takes room for one request, and none for tokens.
pub(super) async fn untold(
    plane: &Rc<Plane>,
    principal: &Principal,
) -> Result<Option<Box<dyn Taken>>, Refused> {
    some(plane, principal, &[Measure::Parallel, Measure::Requests]).await
}

/// Takes room for one request from the limits of these measures.
async fn some(
    plane: &Rc<Plane>,
    principal: &Principal,
    measures: &[Measure],
) -> Result<Option<Box<dyn Taken>>, Refused> {
    let mut asks = asks(principal, 0);
    asks.retain(|ask| measures.contains(&ask.measure));
    if asks.is_empty() {
        return Ok(None);
    }
    let counters = &plane.shared.counters;
    match counters.take(&asks, plane.shared.ticks()).get().await {
        Ok(taken) => Ok(Some(taken)),
        Err(full) => {
            let refusal = refuse(&asks, &full, ("Lower", "max_tokens"));
            Err(Refused {
                room: full.room,
                ..refusal.into()
            })
        }
    }
}

fn asks(principal: &Principal, reserved: u64) -> Vec<Ask> {
    if !crate::GOVERNS {
        return Vec::new();
    }
    let limits = &principal.limits;
    let all = [
        (Measure::Parallel, limits.parallel_requests, 1),
        (Measure::Requests, limits.requests_per_minute, 1),
        (Measure::Tokens, limits.tokens_per_minute, reserved),
    ];
    all.into_iter()
        .filter_map(|(measure, capacity, cost)| {
            let subject = principal.key.shared();
            capacity.map(|capacity| Ask {
                subject,
                measure,
                capacity,
                window: MINUTE,
                cost,
            })
        })
        .collect()
}

/// `advice` is what to do with the answer's bound, which has this name.
fn refuse(asks: &[Ask], full: &Full, (advice, bound): (&str, &str)) -> Refusal {
    let Some(ask) = asks.get(full.ask) else {
        return Refusal::new(Reason::RequestLimit, "A limit of this key is reached.");
    };
    let capacity = ask.capacity;
    let (reason, what) = match ask.measure {
        Measure::Requests => (
            Reason::RequestLimit,
            format!("{capacity} requests per minute"),
        ),
        Measure::Tokens => (Reason::TokenLimit, format!("{capacity} tokens per minute")),
        Measure::Cost => (
            Reason::TokenLimit,
            format!("{} USD per minute", NanoUsd(capacity.cast_signed())),
        ),
        Measure::Parallel => (
            Reason::ParallelLimit,
            format!("{capacity} requests at the same time"),
        ),
    };
    match full.retry_after {
        Some(wait) => {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let sentence =
                format!("This key's limit of {what} is reached. Try again in {seconds} s.");
            Refusal::new(reason, sentence).retry_after(wait)
        }
        None => Refusal::new(
            Reason::OverLimit,
            format!(
                "This request alone may use {} tokens, more than this key's limit of {what}. \
                 {advice} {bound} or shorten the prompt.",
                ask.cost
            ),
        ),
    }
}

fn unknown_model(name: &str) -> Refusal {
    let shown: String = name.chars().take(100).collect();
    Refusal::new(
        Reason::UnknownModel,
        format!("The model `{shown}` does not exist here. GET /v1/models lists those that do."),
    )
    .at("model")
}

fn forbidden(name: &str) -> Refusal {
    let shown: String = name.chars().take(100).collect();
    Refusal::new(
        Reason::ModelForbidden,
        format!("This key may not use the model `{shown}`."),
    )
    .at("model")
}
