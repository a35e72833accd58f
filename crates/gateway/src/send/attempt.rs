//! One attempt at one target: from the request's first byte to the answer's
//! first content.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use dialects::Operation;
use dialects::framing::{Cutter, Unreadable};
use dialects::json::{Document, ScanError};
use dialects::openai::quirks::Mender;
use dialects::openai::{self, FrameClass, Tap};
use dialects::translate::Frames;
use domain::canon::Dialect;
use domain::model::{Deployment, WireFormat};
use domain::refusal::{Reason, Refusal};
use http::StatusCode;
use http1::Fields;
use tokio::time::Instant;

use super::failure::Failure;
use super::fetch::Means;
use super::pool::ExchangeError;
use super::quirks::{self, Told};
use super::recount::Recount;
use super::rejected::{Spoken, rejected};
use super::translation::{self, Translation};
use super::upstream::{Lost, Reply, UpstreamBody};
use super::{
    Answered, Ask, Opening, Plain, demo, empty, outgoing, several, unaccountable, vectors,
};
use crate::aside;
use crate::plane::Plane;
use crate::settle::Ticket;
use crate::wire::Pieces;

/// The largest event of a stream.
pub(crate) const LARGEST_EVENT: usize = 8 << 20;
/// The most that frames in front of the first content may weigh, and what one
/// weighs beside its bytes: a frame of three bytes is not cheap to hold.
const HEAVIEST_PREAMBLE: usize = 1 << 20;
const FRAME: usize = 256;
/// The most of an error's body that is read.
pub(super) const LARGEST_ERROR: usize = 1 << 20;

/// Asks `target` once, with one of its provider's keys.
pub(super) async fn attempt(
    plane: &Rc<Plane>,
    ask: &Ask,
    (target, key): (&Deployment, Option<usize>),
    deadline: Instant,
    ticket: &mut Ticket,
) -> Result<Answered, Failure> {
    if let Some(several) = several::of(ask, target).await? {
        ticket.dropped.clone_from(&several.dropped);
        ticket.verbatim = several.passes;
        let asked = several.asked((plane, ask), (target, key), deadline, ticket);
        return Box::pin(asked).await;
    }
    let timeouts = target.provider.timeouts;
    let means = Means {
        plane,
        until: Some(deadline),
    };
    let (translation, body) = translation::of(ask, target, means).await?.unzip();
    let Told {
        body,
        mender,
        dropped,
    } = quirks::told(ask, target, body).await?;
    let reply = match target.provider.format {
        WireFormat::Demo => demo::answer(ask.operation, &ask.document, &ask.view),
        WireFormat::Dialect(_) => exchange(plane, (ask, body), (target, key), deadline).await?,
    };
    let lost = translation.as_ref().and_then(|t| t.dropped());
    ticket.dropped = quirks::both(lost, dropped);
    ticket.verbatim = translation.as_ref().is_some_and(|t| t.passes());
    let Reply {
        status,
        fields,
        mut body,
    } = reply;
    let patience = Patience {
        silence: timeouts.between_chunks,
        deadline,
    };
    if !status.is_success() {
        let whole = collect(&mut body, LARGEST_ERROR, patience).await;
        let body = whole.unwrap_or_default();
        let spoken = Spoken {
            theirs: translation.as_ref().map(|t| t.theirs()),
            is_clients: translation.as_ref().is_some_and(|t| t.is_clients()),
        };
        let reply = (status, &fields, body);
        return Err(rejected(reply, spoken, (target, key), ask));
    }
    uncompressed(&fields)?;
    if let Some(cutter) = cutter(&fields, target.provider.format) {
        let frames = match &translation {
            Some(translation) => translation.frames(cutter),
            None => Frames::same(cutter),
        };
        let opening = Opening {
            fields,
            upstream: body,
            frames: frames.mended(mender),
            tap: Tap::new(ask.operation, ask.view.n, ask.view.wants_usage),
            held: Vec::new(),
            timeouts,
            deadline,
            recount: Recount::of(plane, ask, target),
        };
        if ask.view.stream {
            return Box::pin(open(opening, ask))
                .await
                .map(|opening| Answered::Stream(Box::new(opening)));
        }
        return Err(Failure::broken("a stream came that nobody asked for"));
    }
    let whole = collect(&mut body, ask.largest, patience).await?;
    let estimate = ticket.meter.prompt_estimate;
    let media_type = fields.text("content-type").map(str::to_owned);
    let read = plain(ask, (fields, whole), translation, (mender, estimate)).await;
    let mut plain = read.map_err(|failure| failure.that_came_as(media_type.as_deref()))?;
    if plain.view.usage.is_none() {
        plain.recount = Recount::of(plane, ask, target);
    }
    ticket.dropped = quirks::both(ticket.dropped.take(), plain.unshown.clone());
    Ok(Answered::Plain(Box::new(plain)))
}

/// Refuses an answer that the upstream compressed.
pub(super) fn uncompressed(fields: &Fields) -> Result<(), Failure> {
    match fields.get("content-encoding") {
        None | Some(b"identity") => Ok(()),
        Some(_) => {
            let cause = "the upstream compressed its answer unasked";
            Err(Failure::broken(cause))
        }
    }
}

/// Whether the target's provider has as many requests as it may have.
pub(super) fn is_full(plane: &Plane, target: &Deployment) -> bool {
    let prepared = plane
        .pool
        .prepared(&target.provider, &plane.shared.bulkheads);
    target.provider.format != WireFormat::Demo
        && prepared.is_ok_and(|prepared| prepared.bulkhead.is_full())
}

pub(super) async fn exchange(
    plane: &Rc<Plane>,
    (ask, body): (&Ask, Option<Vec<Bytes>>),
    (target, key): (&Deployment, Option<usize>),
    deadline: Instant,
) -> Result<Reply, Failure> {
    let bulkheads = &plane.shared.bulkheads;
    let prepared = plane.pool.prepared(&target.provider, bulkheads);
    let prepared = prepared.map_err(unusable)?;
    let place = prepared.bulkhead.enter().ok_or_else(Failure::full)?;
    let request = outgoing::request(ask, body, (target, key), prepared).await;
    let request = request.map_err(|refusal| match refusal.reason {
        Reason::UpstreamCredential => Failure::account(refusal),
        _ => Failure::transient(refusal),
    })?;
    plane.others_first().await;
    let exchanging = plane.pool.exchange(&plane.shared.tls, &request, deadline);
    let exchanged = exchanging.await;
    let exchanged = exchanged.map(|reply| reply.holding(place));
    exchanged.map_err(missed)
}

/// What an exchange that brought no answer means.
pub(super) fn missed(error: ExchangeError) -> Failure {
    match error {
        ExchangeError::ConnectTimeout => Failure::timeout("connect").unowed(),
        ExchangeError::FirstByteTimeout => Failure::timeout("first_byte"),
        ExchangeError::TotalTimeout => Failure::total_timeout(),
        ExchangeError::Connect(_) | ExchangeError::Unsent(_) => Failure::transient(
            Refusal::new(
                Reason::UpstreamUnreachable,
                "The upstream cannot be reached.",
            )
            .because(error),
        ),
        ExchangeError::Client(refusal) => Failure::client(*refusal),
        ExchangeError::Unaccounted(error) => Failure::client(unaccountable(&error)),
        ExchangeError::Broken(_) => Failure::broken(error),
    }
}

/// A header or path of the provider that no request can have.
pub(super) fn unusable(error: http::Error) -> Failure {
    let sentence = "The gateway failed to build the upstream request.";
    Failure::transient(Refusal::new(Reason::Internal, sentence).because(error))
}

async fn plain(
    ask: &Ask,
    (fields, whole): (Fields, Bytes),
    translation: Option<Arc<Translation>>,
    (mender, estimate): (Option<Mender>, u64),
) -> Result<Plain, Failure> {
    let operation = ask.operation;
    let work = move |whole| {
        let whole = match mender {
            Some(mut mender) => mender.whole(whole),
            None => whole,
        };
        let is_translated = translation.is_some();
        let (whole, out, unshown) = match translation {
            Some(translation) => {
                let read = translation.answer(whole)?;
                (read.pivot, read.leaves, read.unshown)
            }
            None => (whole, None, None),
        };
        let not_json = |e: ScanError| Failure::broken(format!("not JSON at byte {}", e.at));
        let document = Document::parse(whole, 512).map_err(not_json)?;
        let view = openai::read_answer(operation, &document);
        let document = match (operation, &out) {
            (Operation::Embedding, None) if is_translated => {
                vectors::counted(document, &view, estimate)
            }
            _ => document,
        };
        Ok((document, view, out, unshown))
    };
    let read: Result<_, Failure> = if aside::is_large(whole.len()) {
        let read = aside::run(move || work(whole)).await;
        read.map_err(Failure::transient)?
    } else {
        work(whole)
    };
    let (document, view, out, unshown) = read?;
    if view.is_error {
        return Err(Failure::of_status(
            StatusCode::INTERNAL_SERVER_ERROR,
            &fields,
            document.bytes().clone(),
        ));
    }
    if !view.is_answer {
        return Err(Failure::broken("no answer of this kind"));
    }
    Ok(Plain {
        fields,
        document,
        view,
        out,
        unshown,
        recount: None,
    })
}

/// Reads a stream up to its first content, and holds what came before.
async fn open(mut opening: Opening, ask: &Ask) -> Result<Opening, Failure> {
    let mut frames = Vec::new();
    let mut weight = 0;
    loop {
        let patience = Patience {
            silence: opening.timeouts.between_chunks,
            deadline: opening.deadline,
        };
        let is_over = match patience.next(&mut opening.upstream).await? {
            Some(data) => {
                opening.frames.push(data, &mut frames)?;
                false
            }
            // Of a dialect without an end mark the end itself may say why
            // there is no content: a filter took it all.
            None => {
                opening.frames.finish(&mut frames)?;
                true
            }
        };
        let mut begun = false;
        for frame in frames.drain(..) {
            let facts = opening.tap.read(&frame);
            match facts.class {
                FrameClass::Content | FrameClass::Finish => begun = true,
                FrameClass::Error if !begun => {
                    let failure = Failure::of_event(frame.data.clone().unwrap_or_default());
                    return Err(empty::stream(failure, (&opening, &frame), ask));
                }
                FrameClass::Malformed if !begun => {
                    return Err(Failure::broken(
                        "a malformed event before the first content",
                    ));
                }
                FrameClass::Done if !begun => return Err(Failure::broken(NO_CONTENT)),
                _ => {}
            }
            if !begun {
                weight += frame.bytes.len() + FRAME;
            }
            if weight > HEAVIEST_PREAMBLE {
                return Err(Failure::broken("too much came before the first content"));
            }
            opening.held.push((frame, facts));
        }
        if begun {
            return Ok(opening);
        }
        if is_over {
            return Err(Failure::broken(NO_CONTENT));
        }
    }
}

const NO_CONTENT: &str = "the stream ended before its first content";

/// How long the next bytes of an answer may take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) silence: std::time::Duration,
    pub(super) deadline: Instant,
}

impl Patience {
    pub(super) async fn next(self, body: &mut UpstreamBody) -> Result<Option<Bytes>, Failure> {
        match body.data(self.silence, self.deadline).await {
            None => Ok(None),
            Some(Ok(data)) => Ok(Some(data)),
            Some(Err(Lost::Broken(cause))) => Err(Failure::broken(cause)),
            Some(Err(Lost::Late)) => Err(Failure::total_timeout()),
            Some(Err(Lost::Silent)) => Err(Failure::timeout("between_chunks")),
        }
    }
}

pub(super) async fn collect(
    body: &mut UpstreamBody,
    limit: usize,
    patience: Patience,
) -> Result<Bytes, Failure> {
    let mut whole = Pieces::default();
    let mut first = None;
    let mut length = 0;
    while let Some(data) = patience.next(body).await? {
        length += data.len();
        if length > limit
            || body
                .left()
                .is_some_and(|left| left > (limit - length) as u64)
        {
            return Err(Failure::transient(Refusal::new(
                Reason::UpstreamTooLarge,
                format!("The upstream's answer is larger than {limit} bytes."),
            ))
            .owed());
        }
        // Most answers come in one piece: it is kept instead of copied.
        match (first.take(), whole.len()) {
            (None, 0) => first = Some(data),
            (earlier, _) => {
                whole.push(&earlier.unwrap_or_default());
                whole.push(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| whole.join()))
}

/// How an answer is cut into events; none if it is no stream.
fn cutter(fields: &Fields, format: WireFormat) -> Option<Cutter> {
    let dialect = match format {
        WireFormat::Demo => Dialect::OpenAi,
        WireFormat::Dialect(dialect) => dialect,
    };
    Cutter::of(fields.get("content-type")?, dialect, LARGEST_EVENT)
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Self::broken(unreadable)
    }
}
