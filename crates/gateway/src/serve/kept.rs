//! Answers that the gateway keeps: shown, paged through, stopped, forgotten.
//! No model is asked, so there is no record; limits of requests hold.

use std::rc::Rc;

use bytes::Bytes;
use dialects::responses::kept::{self, Page};
use domain::refusal::{Reason, Refusal};
use domain::turns::{Finish, Reach, Turn, Unkept, Wanted, Work};
use http::StatusCode;

use super::background::{Following, expiry, replayed};
use super::{AnswerBody, Served, headers, stream_head};
use crate::accept::{About, Kept, Target, past};
use crate::admit::{Known, Visitor};
use crate::plane::Plane;
use crate::settle::Refused;

/// The most turns whose items are listed.
const MOST_TURNS: usize = 1000;

/// Answers a question about a kept answer.
///
/// # Errors
/// 404 for one that is not there for this key; 503 where they are kept does
/// not answer.
pub async fn kept(plane: &Rc<Plane>, visitor: Visitor) -> Result<Served, Refused> {
    let Known {
        head,
        principal,
        at,
    } = visitor.known;
    let Target::Kept(Kept { id, about }) = head.target else {
        return Err(Refusal::new(Reason::Internal, "The gateway lost its way.").into());
    };
    let wanted = Wanted {
        owner: principal.key.clone(),
        id,
        now: at,
    };
    let what = match &about {
        About::Answer | About::Replay(_) => "get",
        About::Items(_) => "input items",
        About::Forget => "delete",
        About::Cancel => "cancel",
    };
    let answered = answer(plane, &wanted, about).await;
    let status = match &answered {
        Ok(_) => StatusCode::OK.as_u16(),
        Err(refusal) => refusal.reason.status(),
    };
    let request_id = plane.next_ticket();
    tracing::info!(
        target: "portcullis::request",
        %request_id,
        tenant = %principal.tenant,
        key = %principal.key,
        operation = "kept_response",
        what,
        status,
        "request"
    );
    let mut served = match answered? {
        Said::Json(body) => Served::new(AnswerBody::whole(body)).of_type("application/json"),
        Said::Events(body) => stream_head(Served::new(body)),
    };
    headers::id(&mut served.fields, request_id);
    if let Some(taken) = &visitor.taken {
        headers::limits(&mut served.fields, taken.room().iter());
    }
    Ok(served)
}

/// What is said of an answer.
enum Said {
    Json(Bytes),
    Events(AnswerBody),
}

async fn answer(plane: &Rc<Plane>, wanted: &Wanted, about: About) -> Result<Said, Refusal> {
    let json = |body: Vec<u8>| Ok(Said::Json(body.into()));
    match about {
        About::Answer => Ok(Said::Json(found(plane, wanted).await?.answer)),
        About::Replay(after) => Ok(Said::Events(events(plane, wanted, after).await?)),
        About::Items(page) => json(items(plane, wanted, &page).await?),
        About::Forget => {
            stop(plane, wanted).await?;
            let turn = waited(plane.shared.turns.turn(wanted.clone()).get()).await?;
            let turn = turn.ok_or_else(|| unknown(&wanted.id))?;
            let gone = waited(plane.shared.turns.forget(wanted.clone()).get()).await?;
            match gone {
                true => {
                    crate::send::forget(plane, &turn).await;
                    json(kept::deleted(&wanted.id))
                }
                false => Err(unknown(&wanted.id)),
            }
        }
        About::Cancel => Ok(Said::Json(cancel(plane, wanted).await?)),
    }
}

/// What becomes of an answer whose process has ended before it.
const LOST: &str = "The gateway was stopped, or broke down, before the response was complete. Ask \
                    again.";

/// The turn, as it is now.
async fn found(plane: &Rc<Plane>, wanted: &Wanted) -> Result<Turn, Refusal> {
    // Asked first: it may end before it is read.
    let is_here = plane.shared.jobs.find(&wanted.owner, &wanted.id).is_some();
    let found = waited(plane.shared.turns.turn(wanted.clone()).get()).await?;
    let mut turn = found.ok_or_else(|| unknown(&wanted.id))?;
    let is_lost = match turn.work {
        Work::Over => false,
        Work::Lost => true,
        Work::Runs(generation) => generation == plane.shared.generation && !is_here,
    };
    if is_lost {
        turn.work = Work::Lost;
        turn.answer = kept::restated(&turn.answer, "failed", Some(("server_error", LOST)));
    }
    Ok(turn)
}

/// The events of an answer, those that are still to come included.
async fn events(
    plane: &Rc<Plane>,
    wanted: &Wanted,
    after: Option<u64>,
) -> Result<AnswerBody, Refusal> {
    if let Some(job) = plane.shared.jobs.find(&wanted.owner, &wanted.id) {
        return Ok(Following::here(plane, &job, after).body());
    }
    let turn = found(plane, wanted).await?;
    Ok(match turn.work {
        Work::Runs(_) => Following::elsewhere(plane, wanted.clone(), after).body(),
        Work::Over | Work::Lost => AnswerBody::whole(replayed(&turn, after)),
    })
}

/// Stops the work on an answer, if this process does it, and waits until it is
/// over.
async fn stop(plane: &Rc<Plane>, wanted: &Wanted) -> Result<(), Refusal> {
    let Some(job) = plane.shared.jobs.find(&wanted.owner, &wanted.id) else {
        return Ok(());
    };
    job.stop();
    let over = tokio::time::timeout(past::PATIENCE, job.over()).await;
    over.map_err(|_| past::unreadable(&past::late()))
}

/// Stops the work on an answer; one that is over stays as it is.
async fn cancel(plane: &Rc<Plane>, wanted: &Wanted) -> Result<Bytes, Refusal> {
    stop(plane, wanted).await?;
    let turn = found(plane, wanted).await?;
    if !kept::standing(&turn.answer).is_background {
        let sentence = "Cannot cancel a synchronous response.";
        return Err(Refusal::new(Reason::BadField, sentence));
    }
    if !matches!(turn.work, Work::Runs(_)) {
        return Ok(turn.answer);
    }
    // Another process works on it, and stops when it sees this.
    let finish = Finish {
        owner: turn.owner,
        id: turn.id,
        expires: expiry(plane),
        provider: turn.provider,
        deployment: turn.deployment,
        answer: kept::restated(&turn.answer, "cancelled", None),
        events: Bytes::new(),
    };
    waited(plane.shared.turns.finish(finish).get()).await?;
    Ok(found(plane, wanted).await?.answer)
}

/// A page of what the answer answered. Of a conversation that has lost its
/// beginning, the last turn is what there is.
async fn items(plane: &Rc<Plane>, wanted: &Wanted, page: &Page) -> Result<Vec<u8>, Refusal> {
    let reach = Reach {
        turns: MOST_TURNS,
        bytes: plane.shared.snapshot.load().bounds.body,
    };
    let asked = plane.shared.turns.conversation(wanted.clone(), reach);
    let turns = match tokio::time::timeout(past::PATIENCE, asked.get()).await {
        Ok(Ok(turns)) => turns,
        Ok(Err(Unkept::Gap | Unkept::TooLong)) => vec![found(plane, wanted).await?],
        Ok(Err(why)) => return Err(past::unreadable(&why)),
        Err(_) => return Err(past::unreadable(&past::late())),
    };
    if turns.is_empty() {
        return Err(unknown(&wanted.id));
    }
    let turns: Vec<_> = turns.iter().map(past::past).collect();
    Ok(kept::page(&turns, page))
}

async fn waited<T>(asked: impl Future<Output = Result<T, Unkept>>) -> Result<T, Refusal> {
    let answered = tokio::time::timeout(past::PATIENCE, asked).await;
    let answered = answered.unwrap_or_else(|_| Err(past::late()));
    answered.map_err(|why| past::unreadable(&why))
}

/// No answer of this id is there for this key, whoever else may have one.
fn unknown(id: &str) -> Refusal {
    let id: String = id.chars().take(100).collect();
    let sentence = format!("Response with id '{id}' not found.");
    Refusal::new(Reason::UnknownResponse, sentence)
}
