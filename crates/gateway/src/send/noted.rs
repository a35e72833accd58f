//! What a failed attempt leaves behind: the target's health, a figure, a line.

use std::rc::Rc;
use std::time::Duration;

use domain::model::{Deployment, WireFormat};
use domain::policy::RetryPolicy;
use domain::refusal::Reason;

use super::failure::{Failure, Kind};
use crate::plane::Plane;
use crate::settle::Ticket;

/// Notes that a target was asked in vain.
pub(super) fn failed(
    plane: &Rc<Plane>,
    (ticket, target): (&mut Ticket, &Deployment),
    failure: &Failure,
    retry: &RetryPolicy,
) {
    // Nobody was asked.
    if failure.refusal.reason == Reason::JournalFull {
        return;
    }
    health(plane, target, failure, retry);
    let kind = failure.kind.as_str();
    plane.shared.metrics.attempt_failed(&target.id, kind);
    ticket.missed(&target.id, kind);
    // Overload would be a line a request; the metric counts it.
    if failure.kind != Kind::Full {
        tracing::warn!(request_id = %ticket.id(), deployment = %target.id, kind,
            cause = failure.refusal.cause, "attempt failed");
    }
}

/// Notes that a target does not speak the dialect that it was asked in: once,
/// because the next requests are asked otherwise.
pub(super) fn unspoken(
    plane: &Rc<Plane>,
    (ticket, native): (&Ticket, &Deployment),
    failure: &Failure,
) {
    let WireFormat::Dialect(dialect) = native.provider.format else {
        return;
    };
    let kind = failure.kind.as_str();
    plane.shared.metrics.attempt_failed(&native.id, kind);
    tracing::warn!(request_id = %ticket.id(), deployment = %native.id, kind,
        dialect = dialect.as_str(), cause = failure.refusal.cause,
        "it does not speak this dialect: it is asked in its usual one for an hour");
}

/// Notes that a target has by Responses alone what it was asked for in chat
/// completions: once, because the next requests are asked there.
pub(super) fn chatless(
    plane: &Rc<Plane>,
    (ticket, target): (&Ticket, &Deployment),
    failure: &Failure,
) {
    let kind = failure.kind.as_str();
    plane.shared.metrics.attempt_failed(&target.id, kind);
    tracing::warn!(request_id = %ticket.id(), deployment = %target.id, kind,
        cause = failure.refusal.cause,
        "it has this by Responses alone: the like is asked there for an hour");
}

/// Writes a failure into the target's health.
fn health(plane: &Rc<Plane>, target: &Deployment, failure: &Failure, retry: &RetryPolicy) {
    let (health, now) = (&plane.shared.health, plane.shared.ticks());
    match failure.kind {
        Kind::Transient => health.failed(&target.id, retry, now),
        Kind::Limited => {
            let wait = failure.retry_after.unwrap_or(Duration::ZERO);
            health.failed(&target.id, retry, now);
            health.bench(&target.id, wait, now);
        }
        Kind::Account => health.bench(&target.id, retry.cooldown, now),
        // It did answer, and whose prompt makes a model fall silent lays it off
        // for nobody.
        Kind::Empty | Kind::Client | Kind::Elsewhere | Kind::Missing | Kind::Full | Kind::Media => {
        }
    }
}
