//! **route**: which targets, best first. A file a strategy.

mod health;
mod weighted;

use std::rc::Rc;
use std::sync::Arc;

use domain::model::{Deployment, Model};
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

pub use health::Health;

use crate::plane::Plane;
use crate::reuse::Fresh;
use crate::settle::Refused;

/// A request with its plan.
pub struct Routed {
    /// What must be asked.
    pub fresh: Fresh,
    /// Whom to ask, best first; never empty.
    pub plan: Vec<Arc<Deployment>>,
    /// How many of the plan's first targets belong to the model itself.
    pub own: usize,
    /// How often, and with which pauses.
    pub retry: domain::policy::RetryPolicy,
    /// The largest plain answer that is taken, in bytes.
    pub largest: usize,
}

/// Plans whom to ask: the model's deployments by order and weight, healthy
/// ones first, then those of its fallbacks that the key may use.
///
/// # Errors
/// 503 if the model has no deployment at all.
pub fn choose(plane: &Rc<Plane>, snapshot: &Snapshot, fresh: Fresh) -> Result<Routed, Refused> {
    let admitted = &fresh.guarded.composed.admitted;
    let mut plan = targets(plane, &admitted.model);
    let own = plan.len();
    for name in &admitted.model.fallbacks {
        if let Some(model) = snapshot.resolve(name.as_str())
            && admitted.accepted.principal.may_use(name.as_str())
        {
            plan.extend(targets(plane, &model));
        }
    }
    if plan.is_empty() {
        let ticket = fresh.guarded.composed.admitted.accepted.ticket;
        let refusal = Refusal::new(
            Reason::NoTarget,
            "This model has no deployment; tell your gateway's operator.",
        );
        return Err(Refused::new(ticket, refusal));
    }
    // Resting deployments are asked last: better a try than a refusal.
    let now = plane.shared.ticks();
    let (awake, resting): (Vec<_>, Vec<_>) = plan
        .into_iter()
        .partition(|target| plane.shared.health.is_awake(&target.id, now));
    let plan = [awake, resting].concat();
    Ok(Routed {
        fresh,
        plan,
        own,
        retry: snapshot.retry,
        largest: snapshot.bounds.answer,
    })
}

fn targets(plane: &Rc<Plane>, model: &Model) -> Vec<Arc<Deployment>> {
    let mut all = model.deployments.clone();
    all.sort_by_key(|deployment| deployment.order);
    for same_order in all.chunk_by_mut(|a, b| a.order == b.order) {
        weighted::shuffle(same_order, |below| plane.roll(below));
    }
    all
}
