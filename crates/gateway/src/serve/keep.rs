//! Keeps a finished answer of Responses before the last of it goes out:
//! clients go on from it a moment later.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialects::responses::kept::{self, Ending};
use domain::time::UnixMicros;
use domain::turns::{Turn, Unkept, Work};

use crate::accept::{Foreign, past};
use crate::aside;
use crate::plane::Plane;
use crate::send::Client;
use crate::settle::Ticket;

/// How long keeping an answer may hold it up.
const PATIENCE: Duration = Duration::from_secs(3);

/// What goes out, once the answer in it is kept or cannot be.
pub(super) type Keeping = std::pin::Pin<Box<dyn Future<Output = Bytes>>>;

/// Begins to keep the answer that ends in these bytes; `None` where nothing is
/// to be kept.
pub(super) fn keeping(
    plane: &Rc<Plane>,
    ticket: &Ticket,
    client: Option<&Client>,
    bytes: &Bytes,
) -> Option<Keeping> {
    let foreign = client?.foreign();
    let conversed = foreign.conversed.as_ref();
    // What nobody waits for is kept by whoever works on it.
    let conversed = conversed.filter(|it| it.is_kept && !it.is_background)?;
    let (owner, provider, deployment) = ticket.parties()?;
    let retention = plane.shared.snapshot.load().turns;
    let created = ticket.opened();
    let turn = Turn {
        id: String::new(),
        owner,
        previous: conversed.previous.as_ref().map(|it| it.id.clone()),
        created,
        expires: expiry(created, retention.keep),
        provider: provider.to_owned(),
        deployment: deployment.to_owned(),
        is_there: ticket.verbatim,
        input: Bytes::new(),
        answer: Bytes::new(),
        work: Work::Over,
        events: Bytes::new(),
    };
    let request_id = ticket.id();
    let (plane, bytes, foreign) = (Rc::clone(plane), bytes.clone(), Arc::clone(foreign));
    Some(Box::pin(async move {
        let is_large = aside::is_large(bytes.len() + foreign.document.bytes().len());
        let text = bytes.clone();
        let work = move || finished(&text, &foreign, turn);
        let found = match is_large {
            true => aside::run(work).await.ok().flatten(),
            false => work(),
        };
        let Some((ending, turn)) = found else {
            return bytes;
        };
        let size = turn.input.len() + turn.answer.len();
        let (owner, id) = (turn.owner.clone(), turn.id.clone());
        let items = match turn.is_there {
            true => kept::item_ids(&turn.answer),
            false => Vec::new(),
        };
        let kept = match size > retention.max_bytes {
            true => Err(Unkept::TooLong),
            false => {
                let keeping = plane.shared.turns.keep(turn).get();
                let kept = tokio::time::timeout(PATIENCE, keeping).await;
                kept.unwrap_or_else(|_| Err(past::late()))
            }
        };
        match kept {
            Ok(()) => {
                let now = plane.shared.ticks();
                plane.shared.belongings.learn(&owner, &id, &items, now);
                bytes
            }
            Err(why) => {
                tracing::warn!(%request_id, size, %why, "the response is not kept");
                ending.unkept()
            }
        }
    }))
}

/// Until when a turn of this moment is kept, if nobody goes on from it.
pub(super) fn expiry(created: UnixMicros, keep: Duration) -> UnixMicros {
    let span = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    UnixMicros(created.0.saturating_add(span))
}

/// The turn with its answer, if one has come about.
fn finished(bytes: &Bytes, foreign: &Foreign, turn: Turn) -> Option<(Ending, Turn)> {
    let ending = Ending::of(bytes)?;
    let id = ending.id()?;
    let turn = Turn {
        is_there: turn.is_there && ending.is_kept(),
        input: kept::input(foreign.said(), &id),
        answer: ending.json(),
        id,
        ..turn
    };
    Some((ending, turn))
}
