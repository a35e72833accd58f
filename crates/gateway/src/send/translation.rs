//! A request for a target, where client and target do not both speak
//! `OpenAI`'s dialect, and the way of its answer back.
//!
//! Behind this module everything sees answers in `OpenAI`'s dialect, beside
//! what leaves for the client: the same bytes, those of the client's dialect,
//! or, if client and provider speak the same other dialect, the provider's own.

use std::sync::Arc;

use bytes::Bytes;
use dialects::Operation;
use dialects::framing::Cutter;
use dialects::responses::Said;
use dialects::translate::{self, Codec, Frames, Upstream};
use domain::canon::Dialect;
use domain::model::{Deployment, WireFormat};
use domain::refusal::{Reason, Refusal};

use super::client::Client;
use super::failure::Failure;
use super::fetch::Means;
use super::reasoning::{Found, Recall};
use super::seals::Seals;
use super::talk::Talk;
use super::vectors::{self, Vectors};
use super::work::{Begun, Done, Wants, Work};
use super::{Ask, fetch};
use crate::accept::Foreign;
use crate::aside;
use crate::plane::Plane;

/// What every stage looks at.
pub(crate) const PIVOT: Dialect = Dialect::OpenAi;
/// The deepest nesting of an answer.
pub(super) const DEPTH: usize = 512;

/// How one target's answers are read, and written for the client.
pub(super) struct Translation {
    theirs: &'static Upstream,
    kind: Kind,
}

/// What is translated.
enum Kind {
    Talk(Box<Talk>),
    Vectors(Vectors),
}

/// A whole answer, translated.
pub(super) struct Whole {
    /// In the pivot's dialect.
    pub(super) pivot: Bytes,
    /// What leaves, if that is something else.
    pub(super) leaves: Option<Bytes>,
    /// What has no place there.
    pub(super) unshown: Option<String>,
}

/// A translation, and the body that goes to the target.
pub(super) type Translated = (Arc<Translation>, Vec<Bytes>);

/// Translates a request for `target`; `None` where both sides speak the
/// pivot's dialect.
///
/// # Errors
/// The client's own mistake, or something that the target cannot be told.
pub(super) async fn of(
    ask: &Ask,
    target: &Deployment,
    means: Means<'_>,
) -> Result<Option<Translated>, Failure> {
    let theirs = match target.provider.format {
        WireFormat::Demo => PIVOT,
        WireFormat::Dialect(theirs) => theirs,
    };
    if theirs == PIVOT && ask.foreign.is_none() {
        return Ok(None);
    }
    let (Some(pivot), Some(theirs)) = (translate::codec(PIVOT), translate::upstream(theirs)) else {
        return Err(nothing(ask.operation));
    };
    let (kind, body) = match ask.operation {
        Operation::Chat => {
            let recall = Recall::of(means.plane, ask, target, theirs.dialect);
            let work = Work {
                fetches: means.plane.shared.snapshot.load().fetching.is_on,
                recalls: recall.is_some(),
                ..work(ask, target, (pivot, theirs))
            };
            let done = done(ask, work, recall.as_ref(), means).await?;
            let seals = Seals::of(means.plane, ask, target, theirs.dialect);
            talk(ask, done, (recall, seals), (pivot, theirs))
        }
        Operation::Embedding => {
            let (vectors, body) = vectors::of(ask, target).await?;
            (Kind::Vectors(vectors), body)
        }
        Operation::Completion => return Err(nothing(ask.operation)),
    };
    let translation = Translation { theirs, kind };
    Ok(Some((Arc::new(translation), body)))
}

/// A request as a target is told of it.
pub(super) struct Told {
    pub(super) body: Vec<Bytes>,
    /// Whether these are the client's own bytes, but for the model's name.
    pub(super) passes: bool,
}

/// A conversation written for `target` in this dialect, whatever it is asked in
/// otherwise. Nothing is fetched for it.
///
/// # Errors
/// The client's own mistake, or something that the target cannot be told.
pub(super) async fn told(
    ask: &Ask,
    target: &Deployment,
    theirs: Dialect,
    plane: &Plane,
) -> Result<Told, Failure> {
    let (Some(pivot), Some(upstream)) = (translate::codec(PIVOT), translate::upstream(theirs))
    else {
        return Err(nothing(ask.operation));
    };
    let recall = Recall::of(plane, ask, target, theirs);
    // Google's whole request within one names the client's model again; and its bare
    // contents have no place for a policy's rules.
    let is_within = |foreign: &Arc<Foreign>| {
        let root = foreign.document.root();
        let is_googles = foreign.codec.dialect == Dialect::Gemini;
        is_googles && foreign.is_composed() || root.get("generateContentRequest").is_some()
    };
    let work = Work {
        recalls: recall.is_some(),
        rewrites: ask.foreign.as_ref().is_some_and(is_within),
        ..work(ask, target, (pivot, upstream))
    };
    let means = Means { plane, until: None };
    let done = done(ask, work, recall.as_ref(), means).await?;
    Ok(Told {
        body: done.body,
        passes: done.passes,
    })
}

fn nothing(operation: Operation) -> Failure {
    let what = operation.as_str();
    let sentence = format!("The model's provider has no {what} for clients of this kind.");
    Failure::elsewhere(Refusal::new(Reason::Untranslatable, sentence))
}

fn id(ask: &Ask) -> String {
    let number = u128::from_be_bytes(ask.ticket.to_bytes());
    format!("chatcmpl-{number:032x}")
}

fn work(
    ask: &Ask,
    target: &Deployment,
    (pivot, theirs): (&'static Codec, &'static Upstream),
) -> Work {
    Work {
        pivot,
        theirs,
        document: Arc::clone(&ask.document),
        foreign: ask.foreign.clone(),
        is_forgotten: ask.again.is_forgotten.get(),
        is_unsealed: ask.again.is_unsealed.get(),
        model: target.upstream_model.clone(),
        output_limit: target.max_output,
        reasons: target.thinks(),
        traits: target.traits,
        provider: Arc::clone(&target.provider),
        fetches: false,
        recalls: false,
        rewrites: false,
        is_added_to: false,
    }
}

/// Reads the request, fetches what the target cannot fetch itself, looks for
/// reasoning that the client has lost, and writes it; the first and the last beside
/// the loop if they are much.
async fn done(
    ask: &Ask,
    work: Work,
    recall: Option<&Recall>,
    means: Means<'_>,
) -> Result<Done, Failure> {
    let is_large = aside::is_large(ask.document.bytes().len());
    let begin = move || work.begun();
    let begun = if is_large {
        aside::run(begin).await.map_err(Failure::transient)?
    } else {
        begin()
    };
    let (open, Wants { media, calls }) = match begun? {
        Begun::Done(done) => return Ok(*done),
        Begun::Wants(open, wants) => (open, wants),
    };
    let found = match recall {
        Some(recall) if !calls.is_empty() => Box::pin(recall.find(calls)).await,
        _ => Found::new(),
    };
    if media.is_empty() && !is_large {
        return open.finished(None, &found);
    }
    let fetched = fetch::all(ask, &media, means).await;
    let fetched = fetched.map_err(|failure| open.in_terms(failure))?;
    let finish = move || open.finished((!media.is_empty()).then_some(&fetched), &found);
    let finished = aside::run(finish).await;
    finished.map_err(Failure::transient)?
}

fn talk(
    ask: &Ask,
    done: Done,
    (recall, seals): (Option<Recall>, Option<Seals>),
    (pivot, theirs): (&'static Codec, &'static Upstream),
) -> (Kind, Vec<Bytes>) {
    let client = ask.foreign.as_ref();
    let client = client.map(|foreign| Client::new(foreign, ask.ticket, ask.at));
    let said = ask
        .foreign
        .as_ref()
        .filter(|foreign| foreign.is_composed() && foreign.codec.dialect == Dialect::Responses);
    let talk = Talk {
        pivot,
        theirs,
        client,
        said: said.map(|foreign| Said::of(&foreign.sent().document)),
        passes: done.passes,
        request: done.request,
        names: done.names,
        // Who speaks the provider's dialect gets all of it, as it came.
        recall: recall.filter(|_| !done.passes),
        seals,
        created: ask.at.seconds(),
        id: id(ask),
        request_id: ask.ticket.to_string(),
        dropped: done.dropped,
        is_governed: ask.governed(),
    };
    (Kind::Talk(Box::new(talk)), done.body)
}

impl Translation {
    /// What was left out, for the client to see.
    pub(super) fn dropped(&self) -> Option<String> {
        match &self.kind {
            Kind::Talk(talk) => talk.dropped.clone(),
            Kind::Vectors(vectors) => vectors.dropped.clone(),
        }
    }

    /// Whether the provider's bytes leave as they came.
    pub(super) fn passes(&self) -> bool {
        match &self.kind {
            Kind::Talk(talk) => talk.passes,
            Kind::Vectors(_) => false,
        }
    }

    /// Whether the target is asked in the client's own words.
    pub(super) fn is_clients(&self) -> bool {
        match &self.kind {
            Kind::Talk(talk) => talk.passes,
            Kind::Vectors(vectors) => vectors.passes,
        }
    }

    /// A provider's whole answer in the pivot's dialect, and what leaves of it
    /// if that is something else.
    ///
    /// # Errors
    /// It is no answer of the provider's dialect.
    pub(super) fn answer(&self, whole: Bytes) -> Result<Whole, Failure> {
        match &self.kind {
            Kind::Talk(talk) => talk.answer(whole),
            Kind::Vectors(vectors) => vectors.answer(whole).map(|(pivot, leaves)| Whole {
                pivot,
                leaves,
                unshown: None,
            }),
        }
    }

    /// The frames of a provider's stream, which `cutter` cuts.
    pub(super) fn frames(&self, cutter: Cutter) -> Frames {
        match &self.kind {
            Kind::Talk(talk) => talk.frames(cutter),
            // Nobody asks for a stream of them.
            Kind::Vectors(_) => Frames::same(cutter),
        }
    }

    /// What the provider speaks.
    pub(super) fn theirs(&self) -> &'static Upstream {
        self.theirs
    }
}
