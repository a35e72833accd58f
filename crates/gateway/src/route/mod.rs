//! **route**: which targets, best first. A file a strategy.

mod health;
mod suited;
mod weighted;

use std::rc::Rc;
use std::sync::Arc;

use domain::model::{Deployment, Model};
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

pub use health::Health;

use crate::accept::Accepted;
use crate::guard;
use crate::plane::Plane;
use crate::reuse::Fresh;
use crate::send::seals::Home;
use crate::settle::{Refused, Ticket};

/// To whom a target belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The model that was asked for.
    Own,
    /// One of its fallbacks.
    Fallback,
}

/// One target of a plan.
#[derive(Clone, Debug)]
pub struct Step {
    /// Whom to ask.
    pub target: Arc<Deployment>,
    /// Whether it answers for the model itself.
    pub whose: Whose,
    /// What it is known to lack for this request, in a few words.
    pub lacks: Option<&'static str>,
    /// Whether some tool of the request cannot be told to it.
    pub lacks_tools: bool,
    /// Why it stands before others of its order, in a few words, where it does.
    pub preferred: Option<&'static str>,
}

/// It is where the conversation is that the request goes on from.
const AT_HOME: &str = "what the conversation goes on from is kept or sealed there: asked first";
/// It speaks the client's dialect, and others do not.
const NATIVE: &str = "it can be told of all tools, in the client's dialect: asked before those \
                      that cannot";

/// A request with its plan.
pub struct Routed {
    /// What must be asked.
    pub fresh: Fresh,
    /// Whom to ask, best first; never empty.
    pub plan: Vec<Step>,
    /// How often, and with which pauses.
    pub retry: domain::policy::RetryPolicy,
    /// The largest plain answer that is taken, in bytes.
    pub largest: usize,
}

impl Routed {
    /// Whether only the prompt's tokens are to be counted.
    pub(crate) fn is_count(&self) -> bool {
        let accepted = &self.fresh.guarded.composed.admitted.accepted;
        accepted.foreign.as_ref().is_some_and(|it| it.is_count)
    }

    /// Whether the plan is all that is wanted.
    pub(crate) fn is_rehearsal(&self) -> bool {
        self.fresh.guarded.composed.admitted.accepted.is_rehearsal
    }

    /// Its account, where nobody is asked.
    pub(crate) fn into_ticket(self) -> Ticket {
        self.fresh.guarded.composed.admitted.accepted.ticket
    }

    /// Whether the client does not wait for the answer.
    pub(crate) fn is_background(&self) -> bool {
        let foreign = &self.fresh.guarded.composed.admitted.accepted.foreign;
        foreign
            .as_ref()
            .is_some_and(|foreign| foreign.is_background())
    }
}

/// Plans whom to ask: the model's deployments by order and weight, healthy
/// ones first, then those of its fallbacks that the key may use and whose own
/// guards do not block; those last that are known not to do what is asked. Of
/// equals those are first that can be told of all its tools.
///
/// # Errors
/// 503 if the model has no deployment at all.
pub async fn choose(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    mut fresh: Fresh,
) -> Result<Routed, Refused> {
    let composed = &mut fresh.guarded.composed;
    let own = Arc::clone(&composed.admitted.model);
    let mut plan = targets(plane, &own, Whose::Own);
    if plan.len() > 1
        && let Some(home) = home(plane, &composed.admitted.accepted)
    {
        plan.sort_by_key(|step| distance(step, &home));
        let at_home = plan.iter_mut().filter(|step| distance(step, &home) < 2);
        at_home.for_each(|step| step.preferred = Some(AT_HOME));
    }
    for name in &own.fallbacks {
        if let Some(model) = snapshot.resolve(name.as_str())
            && composed.admitted.accepted.principal.may_use(name.as_str())
            && guard::allows_fallback(composed, snapshot, &model).await
        {
            plan.extend(targets(plane, &model, Whose::Fallback));
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
    // Those that rest are asked late, and those that cannot do it last: better
    // a try than a refusal.
    if plan.len() > 1 {
        let now = plane.shared.ticks();
        let accepted = &fresh.guarded.composed.admitted.accepted;
        for step in &mut plan {
            step.lacks = suited::lacks(&step.target, accepted);
            step.lacks_tools = suited::lacks_tools(plane, &step.target, accepted);
        }
        if plan.iter().any(|step| step.lacks_tools) {
            let all_told = plan.iter_mut().filter(|step| !step.lacks_tools);
            all_told.for_each(|step| step.preferred = step.preferred.or(Some(NATIVE)));
        }
        plan.sort_by_key(|step| {
            let is_awake = plane.shared.health.is_awake(&step.target.id, now);
            let is_fallback = step.whose == Whose::Fallback;
            (
                step.lacks.is_some(),
                !is_awake,
                is_fallback,
                step.lacks_tools,
            )
        });
    }
    Ok(Routed {
        fresh,
        plan,
        retry: snapshot.retry,
        largest: snapshot.bounds.answer,
    })
}

/// The deployment and the provider that keep the turn that a request goes on from,
/// or the items that it names; or that sealed its thoughts.
fn home(plane: &Plane, accepted: &Accepted) -> Option<(String, String)> {
    let foreign = accepted.foreign.as_ref()?;
    let conversed = foreign.conversed.as_ref();
    let previous = conversed.and_then(|it| it.previous.as_ref());
    if let Some(it) = previous.filter(|it| it.is_there) {
        return Some((it.deployment.clone(), it.provider.clone()));
    }
    let holder = conversed.and_then(|it| it.holder.as_ref());
    if let Some(it) = holder.filter(|it| it.is_there) {
        return Some((it.deployment.clone(), it.provider.clone()));
    }
    let sealed = Home::of(&plane.shared, &accepted.principal, foreign)?;
    Some((sealed.deployment, sealed.provider))
}

/// How far a target is from where the conversation is: nobody else can be
/// asked in the client's own words.
fn distance(step: &Step, (deployment, provider): &(String, String)) -> u8 {
    let target = &step.target;
    match target.id.as_str() == *deployment {
        true => 0,
        false if target.provider.name.as_str() == *provider => 1,
        false => 2,
    }
}

fn targets(plane: &Rc<Plane>, model: &Model, whose: Whose) -> Vec<Step> {
    if let [target] = &*model.deployments {
        let target = Arc::clone(target);
        return vec![step(target, whose)];
    }
    let mut all = model.deployments.clone();
    all.sort_by_key(|deployment| deployment.order);
    for same_order in all.chunk_by_mut(|a, b| a.order == b.order) {
        weighted::shuffle(same_order, |below| plane.roll(below));
    }
    all.into_iter().map(|target| step(target, whose)).collect()
}

fn step(target: Arc<Deployment>, whose: Whose) -> Step {
    Step {
        target,
        whose,
        lacks: None,
        lacks_tools: false,
        preferred: None,
    }
}
