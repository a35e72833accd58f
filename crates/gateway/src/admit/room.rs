//! May this key use this model, and is there room in every limit that holds for
//! it?

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use domain::bound::Bound;
use domain::counters::{Full, Granted, Measure, Rank, Taken};
use domain::model::Model;
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::terms::WhenFull;
use tokio::time::Instant;

use super::asks::{Asks, Care, Counts, Needs, UNSTATED_OUTPUT};
use super::full;
use super::scope::{self, Said};
use super::{Admitted, Known, Visitor};
use crate::accept::Accepted;
use crate::plane::Plane;
use crate::settle::Refused;

/// The longest name of a model: it goes into records, headers and logs, and
/// `provider/…` lets clients make names up.
const LONGEST_NAME: usize = 256;
/// How often those that wait for time to pass are looked at, at most and at least.
const SOONEST: Duration = Duration::from_millis(5);
const LATEST: Duration = Duration::from_secs(1);

/// Every measure there is.
const ALL: [Measure; 4] = [
    Measure::Parallel,
    Measure::Requests,
    Measure::Tokens,
    Measure::Cost,
];

/// Resolves the model and takes room from every limit, or from none.
///
/// # Errors
/// 404 unknown model, 403 not allowed, 429 with `retry-after` when a limit is
/// reached, 400 when the request alone is larger than a limit or lacks a tag.
pub async fn room(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    mut accepted: Box<Accepted>,
) -> Result<Admitted, Refused> {
    let (model, said) = match permitted(snapshot, &accepted) {
        Ok(permitted) => permitted,
        Err(refusal) => return Err(Refused::new(accepted.ticket, refusal)),
    };
    accepted.ticket.asks_for(&model);
    accepted.ticket.is_said(&said);
    let asked_for = model.name.clone();
    let asking = Asking {
        plane,
        snapshot,
        said: &said,
    };
    match asking.granted(&accepted, model).await {
        Ok(Room {
            model,
            taken,
            needs,
            instead_of,
        }) => {
            let policies = super::policies_of(snapshot, &model, &accepted.principal);
            let ticket = &mut accepted.ticket;
            ticket.taken = taken;
            (ticket.reserved, ticket.each) = (needs.reserved(), needs.each());
            ticket.grows(needs.is_open.then_some(UNSTATED_OUTPUT));
            ticket.hides_budgets = !snapshot.budget_headers;
            if instead_of {
                ticket.is_degraded(asked_for, model.name.clone());
                ticket.asks_for(&model);
            }
            Ok(Admitted {
                accepted,
                model,
                policies,
                reserved: needs.each().tokens,
            })
        }
        Err((refusal, mut room)) => {
            room.retain(|it| snapshot.budget_headers || it.measure != Measure::Cost);
            Err(Refused {
                room,
                ..Refused::new(accepted.ticket, *refusal)
            })
        }
    }
}

/// Whether the key may ask this at all, and of which model.
fn permitted(snapshot: &Snapshot, accepted: &Accepted) -> Result<(Arc<Model>, Said), Refusal> {
    let name = &accepted.view.model;
    let known = Some(name).filter(|name| name.len() <= LONGEST_NAME);
    let model = known.and_then(|name| snapshot.resolve(name));
    let model = model.ok_or_else(|| unknown_model(name))?;
    let principal = &accepted.principal;
    if !principal.may_use(name) && !principal.may_use(model.name.as_str()) {
        return Err(forbidden(name));
    }
    scope::route(principal, scope::route_of(accepted))?;
    scope::features(principal, accepted)?;
    Ok((model, scope::said(principal, accepted)?))
}

/// Room that a request has.
struct Room {
    model: Arc<Model>,
    taken: Option<Box<dyn Taken>>,
    needs: Needs,
    /// Whether the model is another one than the one that was asked for.
    instead_of: bool,
}

/// No room, and what is left of each limit.
type NoRoom = (Box<Refusal>, Vec<domain::counters::Room>);

/// What asking for room needs.
struct Asking<'a> {
    plane: &'a Rc<Plane>,
    snapshot: &'a Snapshot,
    said: &'a Said,
}

impl Asking<'_> {
    /// Takes room for this model, waits for it, or takes it for another one: as
    /// the limit says that has none.
    async fn granted(&self, accepted: &Accepted, model: Arc<Model>) -> Result<Room, NoRoom> {
        let mut asked = vec![Arc::clone(&model)];
        let mut model = model;
        loop {
            let (asks, needs, full) = match self.taken(accepted, &model).await {
                Ok((taken, needs)) => {
                    return Ok(Room {
                        instead_of: asked.len() > 1,
                        model,
                        taken,
                        needs,
                    });
                }
                Err(Short::Never(refusal)) => return Err((refusal, Vec::new())),
                Err(Short::Full(asks, needs, full)) => (asks, needs, full),
            };
            let bound = asks.bound(&accepted.principal, full.ask);
            let cheaper = match bound.map(|bound| &bound.when_full) {
                Some(WhenFull::Degrade(name)) => self.cheaper(accepted, name, &asked),
                _ => None,
            };
            if let Some(cheaper) = cheaper {
                asked.push(Arc::clone(&cheaper));
                model = cheaper;
                continue;
            }
            let wait = self.waits(bound, &full);
            let waited = match wait {
                Some((wait, is_patient)) => {
                    let rank = Rank {
                        priority: accepted.principal.priority,
                        tenant: accepted.principal.tenant.shared(),
                        is_patient,
                    };
                    self.queued(&asks, rank, (wait, &full)).await
                }
                None => Err(full),
            };
            return match waited {
                Ok(taken) => Ok(Room {
                    instead_of: asked.len() > 1,
                    model,
                    taken: Some(taken),
                    needs,
                }),
                Err(full) => {
                    let stated = accepted.view.max_tokens.is_some();
                    let advice = if stated { "Lower" } else { "State a lower" };
                    let name = scope::name_of("max_tokens", accepted);
                    let bound = asks.bound(&accepted.principal, full.ask);
                    let ask = asks.all.get(full.ask);
                    // More than a whole budget says nothing of how much is spent.
                    if let Some(ask) = ask.filter(|it| it.cost <= it.capacity && !full.is_pending) {
                        let shared = &self.plane.shared;
                        shared.counters.refused(ask, shared.moment());
                    }
                    let refusal = full::refusal(bound, ask, &full, (advice, &name));
                    Err((Box::new(refusal), full.room))
                }
            };
        }
    }

    /// Takes room at once. Hard budgets are asked for what a prompt of so many
    /// bytes may have, and where that does not fit, the prompt is counted.
    async fn taken(
        &self,
        accepted: &Accepted,
        model: &Model,
    ) -> Result<(Option<Box<dyn Taken>>, Needs), Short> {
        let principal = &accepted.principal;
        if principal.bounds.is_empty() {
            return Ok((None, Needs::default()));
        }
        let mut care = Care::Bytes;
        loop {
            let needs = Needs::of(self.snapshot, accepted, (model, self.said), care);
            let needs = needs.map_err(|refusal| Short::Never(Box::new(refusal)))?;
            let about = (model.name.as_str(), self.said);
            let now = self.plane.shared.moment();
            let asks = Asks::of(principal, about, needs, &ALL, now.unix);
            if asks.all.is_empty() {
                return Ok((None, needs));
            }
            match self.plane.shared.counters.take(&asks.all, now).get().await {
                Ok(taken) => return Ok((Some(taken), needs)),
                Err(full) => {
                    let bound = asks.bound(principal, full.ask);
                    if care != Care::Bytes || !bound.is_some_and(Bound::is_wall) {
                        return Err(Short::Full(asks, needs, full));
                    }
                    care = Care::Counted(Counts::of(self.snapshot, accepted, model).await);
                }
            }
        }
    }

    /// The model that may be asked instead, unless that was done already.
    fn cheaper(&self, accepted: &Accepted, name: &str, asked: &[Arc<Model>]) -> Option<Arc<Model>> {
        let model = self.snapshot.resolve(name)?;
        let is_new = asked.iter().all(|it| it.name != model.name);
        let may = accepted.principal.may_use(model.name.as_str());
        (is_new && may && model.mode() == asked[0].mode()).then_some(model)
    }

    /// How long a request waits for room, and whether for time to pass too.
    fn waits(&self, bound: Option<&Bound>, full: &Full) -> Option<(Duration, bool)> {
        let bound = bound?;
        match &bound.when_full {
            WhenFull::Queue(wait) => Some((Duration::from_millis(wait.0), true)),
            // What others have reserved and will not use may be enough.
            _ if bound.budget.is_some() && full.is_pending => {
                Some((self.snapshot.budget_wait, false))
            }
            _ => None,
        }
        .filter(|(wait, _)| !wait.is_zero())
    }

    /// Waits for room so long at most.
    async fn queued(&self, asks: &Asks, rank: Rank, (wait, full): (Duration, &Full)) -> Granted {
        let shared = &self.plane.shared;
        let until = Instant::now() + wait;
        let is_patient = rank.is_patient;
        let mut granted = shared
            .counters
            .queue(asks.all.clone(), rank, shared.moment());
        let mut pause = full.retry_after.unwrap_or(LATEST).clamp(SOONEST, LATEST);
        loop {
            let next = match is_patient {
                true => (Instant::now() + pause).min(until),
                false => until,
            };
            match tokio::time::timeout_at(next, &mut granted).await {
                Ok(granted) => return granted,
                Err(_) if Instant::now() >= until => break,
                Err(_) => shared.counters.nudge(shared.moment()),
            }
            pause = (pause * 2).min(LATEST);
        }
        drop(granted);
        // As it is now: it may have opened this moment, and else says when.
        shared.counters.take(&asks.all, shared.moment()).get().await
    }
}

/// Why there is no room.
enum Short {
    /// There is none by waiting.
    Never(Box<Refusal>),
    /// A limit is reached.
    Full(Asks, Needs, Full),
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
    let said = Said {
        tags: principal.tags.clone(),
        ..Said::default()
    };
    let now = plane.shared.moment();
    let asks = Asks::of(principal, ("", &said), Needs::default(), measures, now.unix);
    if asks.all.is_empty() {
        return Ok(None);
    }
    match plane.shared.counters.take(&asks.all, now).get().await {
        Ok(taken) => Ok(Some(taken)),
        Err(full) => {
            let (bound, ask) = (asks.bound(principal, full.ask), asks.all.get(full.ask));
            let refusal = full::refusal(bound, ask, &full, ("Lower", "max_tokens"));
            Err(Refused {
                room: full.room,
                ..refusal.into()
            })
        }
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
