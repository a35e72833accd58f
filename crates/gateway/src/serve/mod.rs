//! **serve**: the answer goes out: metered, guarded, streamed chunk by chunk.

mod background;
mod body;
mod counted;
mod cut;
mod error;
mod fault;
mod growing;
mod headers;
mod hold;
mod keep;
mod kept;
mod models;
mod pass;
mod patience;
mod recording;
mod released;
mod rest;
mod screen;
mod stream;
mod upload;
mod watched;

use std::rc::Rc;
use std::sync::Arc;

pub use background::{Busy, Jobs, background};
pub use body::{AnswerBody, Served};
use bytes::Bytes;
pub use counted::count;
use dialects::json::Document;
use dialects::openai::{self, AnswerView, IncludeUsage};
use dialects::sse::Framer;
use dialects::texts;
use domain::canon::Dialect;
use domain::guard::{Direction, Finding, Guard};
use domain::record::Outcome;
use domain::refusal::{Reason, Refusal};
use domain::shelf::Shelved;
use domain::usage::Usage;
pub use error::refuse;
pub use headers::name_id;
pub use kept::kept;
pub use models::models;
pub use pass::pass;

use crate::aside;
use crate::guard::{judge, screened};
use crate::plane::Plane;
use crate::send::{Answered, PIVOT, Plain, Sent, Serving};
use crate::settle::{Refused, Ticket};

/// Serves what was sent for.
///
/// # Errors
/// A guard blocked a plain answer. A streamed one has begun by then, and ends
/// with an error event instead.
pub async fn serve(plane: &Rc<Plane>, sent: Sent) -> Result<Served, Refused> {
    let Sent {
        ticket,
        serving,
        answer,
    } = sent;
    match answer {
        Answered::Plain(plain) => serve_plain(plane, ticket, &serving, *plain).await,
        Answered::Stream(opening) => Ok(stream::start(plane, ticket, serving, *opening)),
        Answered::Shelved(shelved) => serve_shelved(ticket, &serving, &shelved).await,
    }
}

async fn serve_plain(
    plane: &Rc<Plane>,
    mut ticket: Ticket,
    serving: &Serving,
    plain: Plain,
) -> Result<Served, Refused> {
    let Plain {
        fields,
        document,
        view,
        out,
        unshown: _,
        recount,
    } = plain;
    ticket.meter.reported = view.usage;
    ticket.meter.completion_estimate = completion_estimate(&document, &view);
    if let Some(recount) = recount {
        ticket
            .meter
            .is_recounted(recount.count_whole(&document).await);
    }
    let model = view.model.clone();
    ticket.note(|facts| facts.answered_model = model);
    let document = Arc::new(document);
    let body = document.bytes().clone();
    // A server may answer a stream request with one document.
    let streamed = serving
        .stream
        .then(|| openai::to_stream(serving.operation, &body, usage_wish(serving)));
    let streamed = streamed.flatten();
    let streamed = match (streamed, &serving.client) {
        (Some(pivot), Some(client)) => Some(client.stream(&pivot)),
        (streamed, _) => streamed,
    };
    let leaves = match (&streamed, out) {
        (None, Some(out)) => Leaves::Theirs(out),
        (None, None) | (Some(_), _) => Leaves::Pivot(document),
    };
    if let Some(refusal) = screen(&mut ticket, serving, leaves.clone()).await {
        return Err(Refused::new(ticket, refusal));
    }
    if let Some(keep) = serving.keep.filter(|_| view.finished) {
        let body = (body.clone(), false);
        let kept = shelved(&ticket, view.usage, body, keep.ttl, plane.shared.ticks());
        plane.shared.shelf.put(keep.key, Arc::new(kept));
    }
    let is_streamed = streamed.is_some();
    let body = streamed.unwrap_or_else(|| leaves.bytes().clone());
    let body = match keep::keeping(plane, &ticket, serving.client.as_ref(), &body) {
        Some(keeping) => keeping.await,
        None => body,
    };
    let served = Served::new(AnswerBody::whole(body));
    let mut served = match is_streamed {
        true => stream_head(served),
        false => served,
    };
    ticket.settle_room();
    headers::upstream(&mut served.fields, &fields);
    if !is_streamed {
        headers::as_json(&mut served.fields);
    }
    headers::about(&mut served.fields, &ticket, serving);
    headers::cost(&mut served.fields, &ticket);
    ticket.settle(Outcome::Complete, 200);
    Ok(served)
}

/// What leaves of a whole answer.
#[derive(Clone)]
enum Leaves {
    /// A document of the pivot's dialect, or what is made of it.
    Pivot(Arc<Document>),
    /// A body in the dialect of a client that speaks another one.
    Theirs(Bytes),
}

impl Leaves {
    fn bytes(&self) -> &Bytes {
        match self {
            Self::Pivot(document) => document.bytes(),
            Self::Theirs(bytes) => bytes,
        }
    }
}

/// Lets the guards of this request read a whole answer, as it leaves.
async fn screen(ticket: &mut Ticket, serving: &Serving, leaves: Leaves) -> Option<Refusal> {
    if serving.guards.is_empty() {
        return None;
    }
    let dialect = serving.client.as_ref().map(|it| it.codec().dialect);
    let guards = serving.guards.clone();
    let is_large = aside::is_large(leaves.bytes().len());
    let work = move || match leaves {
        Leaves::Pivot(document) => Ok(read(PIVOT, &document, &guards)),
        Leaves::Theirs(bytes) => {
            let document = Document::parse(bytes, usize::MAX).map_err(|error| {
                let sentence = "The gateway cannot read this answer.";
                Refusal::new(Reason::Internal, sentence).because(error.at)
            })?;
            Ok(read(dialect.unwrap_or(PIVOT), &document, &guards))
        }
    };
    let findings = match is_large {
        true => aside::run(work).await.and_then(|found| found),
        false => work(),
    };
    match findings {
        Ok(findings) => judge(ticket, &findings),
        Err(refusal) => Some(refusal),
    }
}

fn read(dialect: Dialect, document: &Document, guards: &[Arc<dyn Guard>]) -> Vec<Finding> {
    let texts = texts::of_answer(dialect, document);
    let decoded = texts.iter().map(|text| texts::decode(document, text));
    let texts: Vec<_> = decoded.collect();
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    screened(document, &texts, guards, Direction::Answer)
}

/// A kept answer passed the guards of whoever asked first; those of whoever
/// asks now may be others, or may have been changed since.
async fn screen_shelved(
    ticket: &mut Ticket,
    serving: &Serving,
    shelved: &Shelved,
) -> Option<Refusal> {
    if serving.guards.is_empty() {
        return None;
    }
    let plain = if shelved.streamed {
        openai::to_plain(serving.operation, &shelved.body)
    } else {
        Some(shelved.body.clone())
    };
    match plain.map(|body| Document::parse(body, usize::MAX)) {
        Some(Ok(document)) => screen(ticket, serving, Leaves::Pivot(document.into())).await,
        _ => Some(unreadable()),
    }
}

fn unreadable() -> Refusal {
    Refusal::new(
        Reason::Internal,
        "The gateway cannot replay a cached answer.",
    )
}

fn completion_estimate(document: &Document, view: &AnswerView) -> u64 {
    if view.usage.is_some() {
        return 0;
    }
    openai::answer_texts(document)
        .iter()
        .map(|text| openai::estimate_tokens(&openai::decode(document, text)))
        .sum()
}

fn shelved(
    ticket: &Ticket,
    usage: Option<Usage>,
    (body, streamed): (bytes::Bytes, bool),
    ttl: std::time::Duration,
    now: domain::time::Ticks,
) -> Shelved {
    Shelved {
        streamed,
        body,
        usage: usage.unwrap_or_default(),
        model: ticket.served_by().0.unwrap_or_default().to_owned(),
        provider: ticket.served_by().1.unwrap_or_default().to_owned(),
        cost: ticket.cost(),
        stored: now,
        ttl,
    }
}

fn usage_wish(serving: &Serving) -> IncludeUsage {
    if serving.wants_usage {
        IncludeUsage::Yes
    } else {
        IncludeUsage::No
    }
}

/// Plain and streamed answers serve each other.
async fn serve_shelved(
    mut ticket: Ticket,
    serving: &Serving,
    shelved: &Shelved,
) -> Result<Served, Refused> {
    if let Some(refusal) = screen_shelved(&mut ticket, serving, shelved).await {
        return Err(Refused::new(ticket, refusal));
    }
    let body = match (shelved.streamed, serving.stream) {
        (false, false) => Some(shelved.body.clone()),
        (true, false) => openai::to_plain(serving.operation, &shelved.body),
        (false, true) => openai::to_stream(serving.operation, &shelved.body, usage_wish(serving)),
        (true, true) => replay(serving, shelved),
    };
    let body = match &serving.client {
        Some(client) => body.and_then(|body| client.kept(body)),
        None => body,
    };
    let Some(body) = body else {
        return Err(Refused::new(ticket, unreadable()));
    };
    let served = Served::new(AnswerBody::whole(body));
    let mut served = match serving.stream {
        true => stream_head(served),
        false => served.of_type("application/json"),
    };
    headers::about(&mut served.fields, &ticket, serving);
    headers::hit(&mut served.fields, shelved);
    ticket.settle(Outcome::Complete, 200);
    Ok(served)
}

/// A kept stream holds usage; it goes out only if this client asked for it.
fn replay(serving: &Serving, shelved: &Shelved) -> Option<bytes::Bytes> {
    let mut frames = Vec::new();
    Framer::new(usize::MAX)
        .push(shelved.body.clone(), &mut frames)
        .ok()?;
    let mut tap = openai::Tap::new(serving.operation, 1, serving.wants_usage);
    let mut out = bytes::BytesMut::with_capacity(shelved.body.len());
    for frame in frames {
        match tap.read(&frame).pass {
            openai::Pass::Keep => out.extend_from_slice(&frame.bytes),
            openai::Pass::Replace(bytes) => out.extend_from_slice(&bytes),
            openai::Pass::Drop => {}
        }
    }
    Some(out.freeze())
}

fn stream_head(served: Served) -> Served {
    let mut served = served.of_type("text/event-stream; charset=utf-8");
    served.fields.add("cache-control", "no-cache");
    // nginx and its kin would hold chunks back without this.
    served.fields.add("x-accel-buffering", "no");
    served
}
