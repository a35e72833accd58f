//! Answers that the gateway keeps: shown, paged through, forgotten. No model
//! is asked, so there is no record; limits of requests hold.

use std::rc::Rc;

use bytes::Bytes;
use dialects::responses::kept::{self, Page};
use domain::refusal::{Reason, Refusal};
use domain::turns::{Reach, Turn, Unkept, Wanted};
use http::StatusCode;

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
    let (body, is_stream) = answered?;
    let served = Served::new(AnswerBody::whole(body));
    let mut served = match is_stream {
        Form::Stream => stream_head(served),
        Form::Json => served.of_type("application/json"),
    };
    headers::id(&mut served.fields, request_id);
    if let Some(taken) = &visitor.taken {
        headers::limits(&mut served.fields, taken.room());
    }
    Ok(served)
}

/// How an answer looks.
enum Form {
    Json,
    Stream,
}

async fn answer(
    plane: &Rc<Plane>,
    wanted: &Wanted,
    about: About,
) -> Result<(Bytes, Form), Refusal> {
    let json = |body: Vec<u8>| Ok((body.into(), Form::Json));
    match about {
        About::Answer => Ok((found(plane, wanted).await?.answer, Form::Json)),
        About::Replay(after) => {
            let turn = found(plane, wanted).await?;
            Ok((kept::replay(&turn.answer, after), Form::Stream))
        }
        About::Items(page) => json(items(plane, wanted, &page).await?),
        About::Forget => {
            let gone = waited(plane.shared.turns.forget(wanted.clone()).get()).await?;
            match gone {
                true => json(kept::deleted(&wanted.id)),
                false => Err(unknown(&wanted.id)),
            }
        }
        About::Cancel => {
            // It is over, or it would not be kept.
            found(plane, wanted).await?;
            let sentence = "Cannot cancel a synchronous response.";
            Err(Refusal::new(Reason::BadField, sentence))
        }
    }
}

async fn found(plane: &Rc<Plane>, wanted: &Wanted) -> Result<Turn, Refusal> {
    let found = waited(plane.shared.turns.turn(wanted.clone()).get()).await?;
    found.ok_or_else(|| unknown(&wanted.id))
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
