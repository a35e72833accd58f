//! **send**: ask the targets of the plan, with retries and fallbacks, until
//! the first content has come. After that nothing is tried again.

mod again;
mod attempt;
mod aws;
mod bulkhead;
mod client;
mod counting;
mod course;
mod crossing;
mod demo;
mod earlier;
mod empty;
mod exchange;
mod failure;
mod fetch;
mod keys;
mod losses;
mod no_route;
mod noted;
mod outgoing;
mod pass;
pub mod pool;
mod prepared;
mod quirks;
mod reasoning;
mod recount;
pub(crate) mod rehearsal;
mod rejected;
mod removal;
pub(crate) mod seals;
mod several;
mod shape;
mod shared;
mod signing;
#[cfg(test)]
mod simulation;
mod spoken;
mod talk;
pub mod tls;
mod told;
mod translation;
pub mod upstream;
mod vectors;
mod wait;
mod work;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dialects::Operation;
use dialects::json::Document;
use dialects::openai::{AnswerView, Facts, Tap, View};
use dialects::sse::Frame;
use dialects::translate::Frames;
use domain::guard::{Direction, Guard};
use domain::ids::TicketId;
use domain::model::{Deployment, Timeouts};
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::shelf::Shelved;
use domain::time::UnixMicros;
use http1::Fields;
use tokio::time::Instant;

use bytes::Bytes;

use crate::accept::{Accepted, Foreign, Held};
use crate::compose::Composed;
use crate::guard::Guarded;
use crate::plane::Plane;
use crate::reuse::Keep;
use crate::route::{Routed, Step};
use crate::settle::{Refused, Ticket};
pub(crate) use attempt::LARGEST_EVENT;
pub use bulkhead::Bulkheads;
pub use client::Client;
pub use counting::{Counted, CountedBy, count};
use course::Course;
use failure::{Failure, Kind};
pub use fetch::Fetcher;
pub use keys::KeyRests;
use keys::Turns;
pub use pass::{Passed, pass};
pub(crate) use recount::{Recount, Recounted, Reporting};
pub use removal::forget;
pub use spoken::Unspoken;
pub(crate) use spoken::speaks;
pub use told::Told;
pub(crate) use translation::PIVOT;
use upstream::UpstreamBody;

/// A request whose answer has begun: the first content has come.
pub struct Sent {
    /// Its account.
    pub ticket: Ticket,
    /// What `serve` must know of the request.
    pub serving: Serving,
    /// The answer.
    pub answer: Answered,
}

/// An answer, whole or begun.
pub enum Answered {
    /// One JSON document.
    Plain(Box<Plain>),
    /// A stream whose first content is held.
    Stream(Box<Opening>),
    /// From the shelf.
    Shelved(Arc<Shelved>),
}

/// A plain answer.
pub struct Plain {
    /// The upstream's headers; `serve` hands on those that may go to clients.
    pub fields: Fields,
    /// The body, parsed.
    pub document: Document,
    /// What accounting and guards read of it.
    pub view: AnswerView,
    /// What leaves, where the client speaks another dialect.
    pub out: Option<Bytes>,
    /// What of it has no place in the client's dialect.
    pub unshown: Option<String>,
    /// What counts it, where the target does not say its usage.
    pub(crate) recount: Option<Recount>,
}

/// A stream that has begun.
pub struct Opening {
    /// The upstream's headers; `serve` hands on those that may go to clients.
    pub fields: Fields,
    /// The rest of it.
    pub upstream: UpstreamBody,
    /// Cuts bytes into frames of the client's dialect; may hold a part of the
    /// next one.
    pub frames: Frames,
    /// Meters the frames.
    pub tap: Tap,
    /// The frames read so far: the preamble and the first content.
    pub held: Vec<(Frame, Facts)>,
    /// The target's timeouts.
    pub timeouts: Timeouts,
    /// When the whole request must be over.
    pub deadline: Instant,
    /// What counts it, should the target not say its usage.
    pub(crate) recount: Option<Recount>,
}

/// What `serve` must know of a request.
pub struct Serving {
    /// What was asked for.
    pub operation: Operation,
    /// Whether the client wants a stream.
    pub stream: bool,
    /// Whether the client asked for usage in the stream.
    pub wants_usage: bool,
    /// Guards that read answers.
    pub guards: Vec<Arc<dyn Guard>>,
    /// Where a complete answer goes.
    pub keep: Option<Keep>,
    /// How answers are written, where the client speaks another dialect.
    pub client: Option<Client>,
}

impl Serving {
    /// Takes from a guarded request what `serve` needs.
    #[must_use]
    pub fn of(guarded: &Guarded, keep: Option<Keep>) -> Self {
        let accepted = &guarded.composed.admitted.accepted;
        let guards = guarded
            .composed
            .guards
            .iter()
            .filter(|g| g.reads(Direction::Answer));
        Self {
            operation: accepted.operation,
            stream: accepted.view.stream,
            wants_usage: accepted.view.wants_usage,
            guards: guards.cloned().collect(),
            keep,
            client: accepted.foreign.as_ref().map(|foreign| {
                let (id, at) = (accepted.ticket.id(), accepted.ticket.opened());
                Client::new(foreign, id, at)
            }),
        }
    }
}

/// What an attempt needs of the request; it is the same for every target.
struct Ask {
    /// Who asks.
    principal: Arc<Principal>,
    operation: Operation,
    document: Arc<Document>,
    view: View,
    fields: Fields,
    largest: usize,
    /// What came, in another dialect.
    foreign: Option<Arc<Foreign>>,
    /// What targets turned out not to know any more, or never to have known.
    again: again::Again,
    /// Whether guards read it.
    is_governed: bool,
    /// What an attempt brought that failed in its midst.
    brought: RefCell<several::Kept>,
    /// What was fetched of its media.
    fetched: RefCell<fetch::Fetched>,
    /// The room that the body takes, until all is over.
    _held: Held,
    ticket: TicketId,
    /// When it came.
    at: UnixMicros,
}

impl Ask {
    /// Takes a request apart that these guards read.
    fn of(accepted: Accepted, guards: &[Arc<dyn Guard>], largest: usize) -> (Self, Ticket) {
        let Accepted { ticket, .. } = accepted;
        let ask = Self {
            principal: accepted.principal,
            operation: accepted.operation,
            document: accepted.document,
            view: accepted.view,
            fields: accepted.fields,
            largest,
            foreign: accepted.foreign,
            again: again::Again::default(),
            is_governed: !guards.is_empty(),
            brought: RefCell::default(),
            fetched: RefCell::default(),
            _held: accepted.held,
            ticket: ticket.id(),
            at: ticket.opened(),
        };
        (ask, ticket)
    }

    /// Takes a routed request apart, for who only looks at its plan.
    fn planned(routed: Routed) -> (Self, Ticket, Vec<Step>) {
        let composed = routed.fresh.guarded.composed;
        let accepted = *composed.admitted.accepted;
        let (ask, ticket) = Self::of(accepted, &composed.guards, routed.largest);
        (ask, ticket, routed.plan)
    }
}

/// Asks until a target answers.
///
/// # Errors
/// What the last target said, in the client's dialect; an upstream's 4xx that
/// is the client's to mend is handed on as it is.
pub async fn send(plane: &Rc<Plane>, routed: Routed) -> Result<Sent, Refused> {
    let Routed {
        fresh,
        plan,
        retry,
        largest,
    } = routed;
    let serving = Serving::of(&fresh.guarded, fresh.keep);
    let Composed {
        admitted, guards, ..
    } = fresh.guarded.composed;
    let reserved = admitted.reserved;
    let (ask, mut ticket) = Ask::of(*admitted.accepted, &guards, largest);
    // Overload must be cheap to refuse: nothing is announced that nobody takes.
    if plan
        .iter()
        .all(|step| attempt::is_full(plane, &step.target))
    {
        return Err(Failure::full().into_refused(ticket));
    }
    let started = Instant::now();
    let mut course = Course::new(plan.iter().map(|step| step.whose), &retry);
    loop {
        let target = &plan[course.at()].target;
        let deadline = started + target.provider.timeouts.total;
        let terms = (deadline, &retry, reserved);
        let failure = match asked_well(plane, &ask, target, terms, &mut ticket).await {
            Ok(answer) => {
                plane.shared.health.succeeded(&target.id);
                ticket.first_content();
                return Ok(Sent {
                    ticket,
                    serving,
                    answer,
                });
            }
            Err(failure) => failure,
        };
        failure.book(&mut ticket);
        let may_go_on = !failure.is_owed || ticket.reserve_again();
        ticket.meter.asked = false;
        noted::failed(plane, (&mut ticket, target), &failure, &retry);
        match course.after(&failure, |below| plane.roll(below)) {
            Some(pause) if may_go_on && Instant::now() + pause < deadline => sleep(pause).await,
            _ => return Err(failure.into_refused(ticket)),
        }
    }
}

/// How a target is asked: until when, with which pauses, and how many tokens it
/// may use.
type HowAsked<'a> = (Instant, &'a domain::policy::RetryPolicy, u64);

/// Asks a target in the client's dialect where it speaks that, else in its own.
async fn asked_well(
    plane: &Rc<Plane>,
    ask: &Ask,
    target: &Arc<Deployment>,
    how: HowAsked<'_>,
    ticket: &mut Ticket,
) -> Result<Answered, Failure> {
    let native = spoken::of(plane, ask, target);
    let failure = match asked(plane, ask, &native, how, ticket).await {
        Err(failure) if failure.is_no_route && !Arc::ptr_eq(&native, target) => failure,
        Err(failure) => match spoken::instead(ask, &native, &failure) {
            Some(other) => {
                let answer = Box::pin(asked(plane, ask, other, how, ticket)).await;
                if answer.is_ok() && spoken::learn_chatless(plane, ask, &native) {
                    noted::chatless(plane, (ticket, &native), &failure);
                }
                return answer;
            }
            None => return Err(failure),
        },
        answer => return answer,
    };
    let answer = Box::pin(asked(plane, ask, target, how, ticket)).await;
    // Where the model is not either, it may be that alone which was not found.
    let is_missing = answer.as_ref().is_err_and(|it| it.kind == Kind::Missing);
    if !is_missing && spoken::learn(plane, &native) {
        noted::unspoken(plane, (ticket, &native), &failure);
    }
    answer
}

/// Asks a target with one of its keys after the other, as long as it is a key
/// that is at fault.
async fn asked(
    plane: &Rc<Plane>,
    ask: &Ask,
    target: &Arc<Deployment>,
    (deadline, retry, reserved): HowAsked<'_>,
    ticket: &mut Ticket,
) -> Result<Answered, Failure> {
    let announced = ticket.announce(target, reserved);
    announced.map_err(|error| Failure::client(unaccountable(&error)))?;
    let mut turns = Turns::of(target).beginning(seals::key(plane, ask, target));
    let mut key = turns.next(plane);
    loop {
        ticket.attempt(target);
        let answer = again::attempt_or_tell(plane, ask, (target, key), deadline, ticket).await;
        let failure = match answer {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        if !turns.blame(plane, &failure, retry.cooldown) || Instant::now() >= deadline {
            return Err(failure);
        }
        let number = turns.last();
        key = turns.next(plane);
        if key.is_none() {
            return Err(failure);
        }
        let kind = failure.kind.as_str();
        plane.shared.metrics.attempt_failed(&target.id, kind);
        tracing::warn!(request_id = %ticket.id(), deployment = %target.id, kind, key = number,
            cause = failure.refusal.cause, "a key failed, another one is taken");
    }
}

async fn sleep(pause: Duration) {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

fn unaccountable(error: &journal::JournalError) -> Refusal {
    Refusal::new(
        Reason::JournalFull,
        "The gateway cannot account for this request now. Try again shortly.",
    )
    .retry_after(Duration::from_secs(1))
    .because(error)
}
