//! Answers that their clients do not wait for: begun here, worked on by a task
//! of the same loop, and followed from any.
//!
//! | file | what it is |
//! |---|---|
//! | `job` | what this process works on: how it is stopped, what has come |
//! | `work` | the work itself, up to how it has ended |
//! | `following` | a client that looks on |

mod following;
mod job;
mod work;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialects::responses::kept;
use domain::refusal::{Reason, Refusal};
use domain::time::UnixMicros;
use domain::turns::{Turn, Unkept, Work};
use tokio::sync::oneshot;

pub(super) use following::{Following, replayed};
pub use job::{Busy, Jobs};

use super::{AnswerBody, Served, headers, keep, stream_head};
use crate::accept::Accepted;
use crate::aside;
use crate::plane::{self, Plane};
use crate::route::Routed;
use crate::send::Client;
use crate::settle::Refused;

/// Begins the work on an answer and says that it has begun.
///
/// Whoever asked gets the answer's id only once the turn is on disk; one that
/// leaves before that has asked for nothing.
///
/// # Errors
/// 503 if as many are worked on as may be, or if the turn cannot be kept; 413
/// if it is too large for that.
pub async fn background(plane: &Rc<Plane>, routed: Routed) -> Result<Served, Refused> {
    let accepted = &routed.fresh.guarded.composed.admitted.accepted;
    let Some((turn, queued)) = begun(plane, accepted).await else {
        let sentence = "The gateway failed to put the request into the background.";
        let refusal = Refusal::new(Reason::Internal, sentence);
        return Err(Refused::new(routed.into_ticket(), refusal));
    };
    let is_stream = accepted.view.stream;
    let mut served = Served::new(AnswerBody::whole(queued.clone()));
    headers::id(&mut served.fields, accepted.ticket.id());
    headers::limits(&mut served.fields, accepted.ticket.room());
    let retention = plane.shared.snapshot.load().turns;
    if turn.input.len() > retention.max_bytes {
        let refusal = too_large(retention.max_bytes);
        return Err(Refused::new(routed.into_ticket(), refusal));
    }
    let name = (turn.owner.clone(), turn.id.clone());
    let Some(entry) = Jobs::enter(&plane.shared, name, retention.background) else {
        let refusal = full(retention.background);
        return Err(Refused::new(routed.into_ticket(), refusal));
    };
    let queues = ["response.created", "response.queued"];
    for (name, number) in queues.into_iter().zip(0..) {
        entry.job.push(number, kept::told(name, number, &queued));
    }
    if !is_stream {
        let (name, number) = ("response.in_progress", 2);
        entry
            .job
            .push(number, kept::told(name, number, &turn.answer));
    }
    let following = Following::here(plane, &entry.job, None);
    let (tell, told) = oneshot::channel();
    let working = work::Working::new(plane, entry, (turn, is_stream));
    tokio::task::spawn_local(working.run(routed, tell));
    match told.await {
        Ok(Ok(())) if is_stream => {
            served.body = following.body();
            Ok(stream_head(served))
        }
        Ok(Ok(())) => Ok(served.of_type("application/json")),
        Ok(Err(refused)) => Err(*refused),
        Err(_) => Err(Refusal::new(Reason::Internal, "The gateway lost its way.").into()),
    }
}

/// How long a turn is kept at least while it is worked on.
const WHILE_WORKED_ON: Duration = Duration::from_secs(24 * 60 * 60);

/// Until when an answer is kept that ends now, if nobody goes on from it.
pub(super) fn expiry(plane: &Plane) -> UnixMicros {
    keep::expiry(plane::now(), plane.shared.snapshot.load().turns.keep)
}

/// The turn as it is kept while it is worked on, and the answer as its client
/// gets it now.
async fn begun(plane: &Rc<Plane>, accepted: &Accepted) -> Option<(Turn, Bytes)> {
    let foreign = accepted.foreign.as_ref()?;
    let conversed = foreign.conversed.as_ref()?;
    let created = accepted.ticket.opened();
    let client = Client::new(foreign, accepted.ticket.id(), created);
    let (id, queued) = client.queued();
    let previous = conversed.previous.as_ref().map(|it| it.id.clone());
    let owner = accepted.principal.key.clone();
    let keep = plane.shared.snapshot.load().turns.keep.max(WHILE_WORKED_ON);
    let work = Work::Runs(plane.shared.generation);
    let (foreign, answer) = (Arc::clone(foreign), queued.clone());
    let is_large = aside::is_large(foreign.document.bytes().len());
    let write = move || Turn {
        input: kept::input(foreign.said(), &id),
        id,
        owner,
        previous,
        created,
        expires: keep::expiry(created, keep),
        provider: String::new(),
        deployment: String::new(),
        is_there: false,
        answer: kept::restated(&answer, "in_progress", None),
        work,
        events: Bytes::new(),
    };
    let turn = match is_large {
        true => aside::run(write).await.ok()?,
        false => write(),
    };
    Some((turn, queued))
}

fn too_large(most: usize) -> Refusal {
    let sentence = format!(
        "The request is larger than what is kept of a turn here ({most} bytes), and a response \
         in the background must be kept. Leave `background` out, and use `stream`."
    );
    Refusal::new(Reason::BodyTooLarge, sentence).at("background")
}

fn full(most: usize) -> Refusal {
    if most == 0 {
        let sentence = "This gateway answers nothing in the background. Leave `background` out, \
                        and use `stream` for answers that take long.";
        return Refusal::new(Reason::BadField, sentence).at("background");
    }
    let sentence = "The gateway works on as many responses in the background as it may. Try \
                    again shortly.";
    Refusal::new(Reason::Busy, sentence).retry_after(Duration::from_secs(5))
}

/// The turn cannot be kept, so nobody could fetch its answer.
fn unkept(why: &Unkept) -> Refusal {
    let sentence = "The gateway cannot keep the response now, so nothing was begun. Try again \
                    shortly.";
    Refusal::new(Reason::Busy, sentence)
        .retry_after(Duration::from_secs(1))
        .because(why)
}
