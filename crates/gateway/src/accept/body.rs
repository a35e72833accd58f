//! The body of a known caller: read within bounds, decompressed, parsed once.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialects::Operation;
use dialects::json::Document;
use dialects::openai::{self, View};
use domain::ids::KeyId;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::{Bounds, Snapshot};
use http1::Fields;

use super::held::Held;
use super::incoming::{Broken, Incoming};
use super::named::There;
use super::past::{self, Found};
use super::pivot::Keeps;
use super::{Accepted, Foreign, Target, Wish, held, inflate, named, operation, pivot};
use crate::admit::Known;
use crate::aside;
use crate::plane::Plane;
use crate::send::rehearsal;
use crate::settle::{COUNT_TOKENS, DRY_RUN, Refused, Ticket};
use crate::wire::Pieces;

/// Opens the ticket and reads the body.
///
/// # Errors
/// 503 if the journal has no room for another request; 4xx for a body that is
/// too large, broken, or not what the operation takes.
pub async fn body(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    known: Known,
) -> Result<Box<Accepted>, Refused> {
    let operation = operation(&known)?;
    let slot = slot(plane)?;
    let Known {
        head,
        principal,
        at,
    } = known;
    let from = head.peer;
    let is_rehearsal = rehearsal::is_wanted(&head.fields);
    let recorded = match &head.target {
        Target::Converse(conversation) if conversation.wish == Wish::Counted => COUNT_TOKENS,
        _ if is_rehearsal => DRY_RUN,
        _ => operation.as_str(),
    };
    let mut ticket = Ticket::open(plane, &principal, (recorded, at, from), slot);
    let mut held = Held::by(&principal.key);
    let bounds = &snapshot.bounds;
    let read = match plain(bounds, &head.fields, head.body, &mut held).await {
        Ok(plain) => {
            let owner = &principal.key;
            let (world, target) = ((plane, snapshot), &head.target);
            match told(world, owner, target, plain, &mut held).await {
                Ok((plain, found)) => look((target, operation), plain, snapshot, found).await,
                Err(refusal) => Err(refusal),
            }
        }
        Err(refusal) => Err(refusal),
    };
    match read {
        Ok(Look {
            document,
            foreign,
            view,
            prompt,
        }) => {
            ticket.note(|facts| facts.streamed = view.stream);
            ticket.meter.prompt_estimate = prompt;
            Ok(Box::new(Accepted {
                ticket,
                principal,
                fields: head.fields,
                operation,
                document,
                view,
                foreign,
                is_rehearsal,
                held,
            }))
        }
        Err(refusal) => Err(Refused::new(ticket, refusal)),
    }
}

/// What a body says by ids alone: the conversation that it goes on with, and items
/// that a provider keeps.
type Earlier = (Option<Found>, Option<There>);

/// A body with the kept items that it names, and the conversation that it goes
/// on with.
async fn told(
    world: (&Rc<Plane>, &Snapshot),
    owner: &KeyId,
    target: &Target,
    plain: Bytes,
    held: &mut Held,
) -> Result<(Bytes, Earlier), Refusal> {
    let (plain, there) = named::spelled_out(world, owner, target, plain, held).await?;
    let found = past::recall(world, owner, target, &plain, held).await?;
    Ok((plain, (found, there)))
}

/// The journal's promise of room for this request's records; `None` if policy
/// lets it go on without.
pub(crate) fn slot(plane: &Rc<Plane>) -> Result<Option<journal::Slot>, Refusal> {
    match promised(plane) {
        Err(_) if plane.shared.journal.is_lenient() => Ok(None),
        promised => promised.map(Some),
    }
}

fn promised(plane: &Rc<Plane>) -> Result<journal::Slot, Refusal> {
    let full = || {
        Refusal::new(
            Reason::JournalFull,
            "The gateway cannot account for more requests now. Try again shortly.",
        )
        .retry_after(Duration::from_secs(1))
    };
    if plane.is_in_debt() {
        plane.flush().map_err(|error| full().because(error))?;
    }
    plane.shared.journal.reserve().ok_or_else(full)
}

/// The body as its sender wrote it.
async fn plain(
    bounds: &Bounds,
    fields: &Fields,
    body: Incoming,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    check_type(fields)?;
    let encoding = inflate::encoding(fields)?;
    let raw = collect(bounds.body, body, held).await?;
    let (plain, compressed) = match encoding {
        None => (raw, 0),
        Some(encoding) => {
            let compressed = raw.len();
            let plain = Box::pin(inflate::inflate(encoding, raw, bounds, held)).await?;
            (plain, compressed)
        }
    };
    if plain.is_empty() {
        return Err(Refusal::new(
            Reason::BadJson,
            "The body is empty; send a JSON object.",
        ));
    }
    let beside = held::beside(&plain).await?;
    held.grow(compressed + plain.len() + beside).await?;
    Ok(plain)
}

/// What a body says.
struct Look {
    /// In `OpenAI`'s dialect.
    document: Arc<Document>,
    /// As it came, if that is another one.
    foreign: Option<Arc<Foreign>>,
    view: View,
    /// The tokens of the prompt, by the gateway's count.
    prompt: u64,
}

/// Parses a body and looks at it.
async fn look(
    (target, operation): (&Target, Operation),
    plain: Bytes,
    snapshot: &Snapshot,
    earlier: Earlier,
) -> Result<Look, Refusal> {
    let depth = snapshot.bounds.depth;
    let keeps = match snapshot.turns.keep.is_zero() {
        true => Keeps::Nothing,
        false => Keeps::AsAsked,
    };
    let is_large = aside::is_large(plain.len());
    let conversation = match target {
        Target::Converse(conversation) => Some(conversation.clone()),
        Target::Ask(_) | Target::Models(_) | Target::Kept(_) | Target::Pass(_) => None,
    };
    let work = move || {
        let (document, foreign, view) = match conversation {
            Some(conversation) => {
                let (foreign, view) = pivot::read(&conversation, (plain, depth), earlier, keeps)?;
                (Arc::clone(&foreign.pivot), Some(Arc::new(foreign)), view)
            }
            None => {
                let document = Document::parse(plain, depth).map_err(|error| error.refusal())?;
                let view = openai::view(operation, &document)?;
                (Arc::new(document), None, view)
            }
        };
        let prompt = match crate::GOVERNS {
            true => openai::estimate_prompt(&document, &view),
            false => 0,
        };
        Ok(Look {
            document,
            foreign,
            view,
            prompt,
        })
    };
    if is_large {
        aside::run(work).await?
    } else {
        work()
    }
}

/// A missing content type is taken for JSON, as most servers do.
fn check_type(fields: &Fields) -> Result<(), Refusal> {
    let Some(value) = fields.get("content-type") else {
        return Ok(());
    };
    if value == b"application/json" {
        return Ok(());
    }
    let essence = std::str::from_utf8(value)
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") || essence == "text/json" {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::NotJson,
        "This route takes JSON: send content-type: application/json.",
    ))
}

/// All of a body of at most `limit` bytes, with room for it.
pub(crate) async fn collect(
    limit: usize,
    mut body: Incoming,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    let announced = body.announced();
    if announced.is_some_and(|n| n > limit as u64) {
        return Err(too_large(limit));
    }
    let announced = announced.and_then(|n| usize::try_from(n).ok());
    let mut whole = Pieces::default();
    let mut first = Bytes::new();
    let mut read = 0;
    while let Some(data) = body.data().await {
        let data = data.map_err(Broken::refusal)?;
        read += data.len();
        if read > limit {
            return Err(too_large(limit));
        }
        held.follow(read, announced).await?;
        // Most bodies come in one piece: keep that piece instead of copying it.
        if read == data.len() {
            first = data;
            continue;
        }
        if let Some(all) = announced.filter(|all| held.has(*all)) {
            whole.expect(all);
        }
        whole.push(&std::mem::take(&mut first));
        whole.push(&data);
    }
    match whole.len() {
        0 => Ok(first),
        _ => Ok(whole.join()),
    }
}

/// What is said of a body that is larger than `limit`.
pub(crate) fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        Reason::BodyTooLarge,
        format!("The body is larger than the limit of {limit} bytes."),
    )
}
