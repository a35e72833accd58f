//! **reuse**: an answer we already have. Exact: the same tenant, route,
//! dialect, and composed and guarded request.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use dialects::json::{self, Document};
use domain::canon::Dialect;
use domain::refusal::Refusal;
use domain::shelf::{ShelfKey, Shelved};
use domain::snapshot::Snapshot;
use http1::Fields;

use crate::accept::Foreign;
use crate::aside;
use crate::guard::Guarded;
use crate::plane::Plane;
use crate::send::{Answered, Sent, Serving};
use crate::settle::Refused;

/// Members of a request that do not change its answer. The model counts by
/// what its name leads to: an alias and its target share their answers.
const IGNORED: &[&str] = &["model", "stream", "stream_options", "user", "metadata"];

/// What the shelf had.
pub enum Found {
    /// An answer.
    Answer(Box<Sent>),
    /// Nothing: it must be asked for.
    Nothing(Box<Fresh>),
}

/// A request that must go upstream.
pub struct Fresh {
    /// The guarded request.
    pub guarded: Guarded,
    /// Where a complete answer goes, if it is to be kept.
    pub keep: Option<Keep>,
}

/// Where a complete answer is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Its key.
    pub key: ShelfKey,
    /// How long it may be served.
    pub ttl: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Use,
    Refresh,
    Bypass,
}

/// Looks on the shelf, if policy or the request wants it.
///
/// # Errors
/// The gateway failed on the body. A shelf on a network may time out: a miss.
pub async fn find(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    guarded: Guarded,
) -> Result<Found, Refused> {
    let accepted = &guarded.composed.admitted.accepted;
    if accepted.is_rehearsal {
        // Its plan is wanted, not an answer.
        return Ok(nothing(guarded));
    }
    let is_vectors = |foreign: &Foreign| foreign.embeds.is_some();
    if accepted
        .foreign
        .as_deref()
        .is_some_and(|foreign| !is_vectors(foreign))
    {
        // What is kept is in `OpenAI`'s dialect: vectors can be written in any.
        return Ok(nothing(guarded));
    }
    let asks = || says(&accepted.fields, "x-portcullis-cache", "on");
    let on_request = || snapshot.cache_on_request.filter(|_| asks());
    let Some(ttl) = guarded.composed.cache.or_else(on_request) else {
        return Ok(nothing(guarded));
    };
    let wish = wish(&accepted.fields);
    if wish == Wish::Bypass {
        return Ok(nothing(guarded));
    }
    let keep = Keep {
        key: match key(&guarded).await {
            Ok(key) => key,
            Err(refusal) => {
                let ticket = guarded.composed.admitted.accepted.ticket;
                return Err(Refused::new(ticket, refusal));
            }
        },
        ttl,
    };
    if wish != Wish::Refresh {
        let now = plane.shared.ticks();
        let oldest = max_age(&accepted.fields);
        let found = plane.shared.shelf.get(&keep.key, now).get().await;
        let age = |shelved: &Shelved| Duration::from_micros(now.since(shelved.stored));
        if let Some(shelved) = found.filter(|s| oldest.is_none_or(|oldest| age(s) < oldest)) {
            return Ok(Found::Answer(Box::new(hit(guarded, shelved))));
        }
    }
    Ok(Found::Nothing(Box::new(Fresh {
        guarded,
        keep: Some(keep),
    })))
}

fn nothing(guarded: Guarded) -> Found {
    Found::Nothing(Box::new(Fresh {
        guarded,
        keep: None,
    }))
}

fn hit(guarded: Guarded, shelved: Arc<Shelved>) -> Sent {
    let mut sent = Sent {
        serving: Serving::of(&guarded, None),
        ticket: guarded.composed.admitted.accepted.ticket,
        answer: Answered::Shelved(Arc::clone(&shelved)),
    };
    sent.ticket.note(|facts| {
        facts.cache_hit = true;
        facts.saved = shelved.cost;
        facts.provider = Some(shelved.provider.as_str().into());
        facts.answered_model = Some(shelved.model.clone());
    });
    sent
}

/// `cache-control: max-age=60`: how old an answer the client takes.
fn max_age(fields: &Fields) -> Option<Duration> {
    let mut parts = fields
        .texts("cache-control")
        .flat_map(|value| value.split(','));
    parts.find_map(|part| {
        let (name, seconds) = part.split_once('=')?;
        let is_age = name.trim().eq_ignore_ascii_case("max-age");
        let seconds = seconds.trim().trim_matches('"').parse().ok()?;
        is_age.then(|| Duration::from_secs(seconds))
    })
}

/// `cache-control: no-store` bypasses, `no-cache` refreshes.
fn wish(fields: &Fields) -> Wish {
    if says(fields, "cache-control", "no-store") || says(fields, "x-portcullis-cache", "off") {
        Wish::Bypass
    } else if says(fields, "cache-control", "no-cache") {
        Wish::Refresh
    } else {
        Wish::Use
    }
}

/// Whether one of the words of a header is this one.
fn says(fields: &Fields, name: &str, word: &str) -> bool {
    let mut words = fields.texts(name).flat_map(|value| value.split(','));
    words.any(|said| said.trim().eq_ignore_ascii_case(word))
}

async fn key(guarded: &Guarded) -> Result<ShelfKey, Refusal> {
    let admitted = &guarded.composed.admitted;
    let accepted = &admitted.accepted;
    let mut hash = digest::Context::new(&digest::SHA256);
    let foreign = accepted.foreign.clone();
    let dialect = foreign.as_ref().map(|foreign| foreign.codec.dialect);
    let scope = [
        accepted.principal.tenant.as_str(),
        admitted.model.name.as_str(),
        accepted.operation.as_str(),
        dialect.unwrap_or(Dialect::OpenAi).as_str(),
    ];
    for part in scope {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    if !aside::is_large(accepted.document.bytes().len()) {
        return Ok(finish(hash, &accepted.document, foreign.as_deref()));
    }
    let document = Arc::clone(&accepted.document);
    aside::run(move || finish(hash, &document, foreign.as_deref())).await
}

fn finish(mut hash: digest::Context, document: &Document, foreign: Option<&Foreign>) -> ShelfKey {
    hash.update(&json::canonical(document, IGNORED));
    if let Some(foreign) = foreign {
        // It may say what `OpenAI`'s dialect does not.
        hash.update(&json::canonical(&foreign.document, IGNORED));
    }
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}
