//! A request for a target, where client and target do not both speak
//! `OpenAI`'s dialect, and the way of its answer back.
//!
//! Behind this module everything sees answers in `OpenAI`'s dialect, beside
//! what leaves for the client: the same bytes, those of the client's dialect,
//! or, if client and provider speak the same other dialect and no policy reads
//! or changes what passes, the provider's own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialects::Operation;
use dialects::framing::{Cutter, Unreadable};
use dialects::gemini;
use dialects::json::Document;
use dialects::openai::canon::write_request_with_thoughts;
use dialects::translate::{
    self, Client as Leaving, Codec, Customs, Frames, Head, Names, Target, Upstream,
};
use domain::ability::Ability;
use domain::canon::{Dialect, Loss, Request, Written};
use domain::edit::{Edit, Edits};
use domain::model::{Deployment, Provider, WireFormat};
use domain::quirks::EarlierThoughts;
use domain::refusal::{Reason, Refusal};

use super::Ask;
use super::client::Client;
use super::failure::Failure;
use super::losses::{dropped, unsaid};
use super::vectors::{self, Vectors};
use crate::accept::{Foreign, Previous, here};
use crate::aside;

/// What every stage looks at.
const PIVOT: Dialect = Dialect::OpenAi;
/// The deepest nesting of an answer.
pub(super) const DEPTH: usize = 512;

/// How one target's answers are read, and written for the client.
pub(super) struct Translation {
    theirs: &'static Upstream,
    pivot: &'static Codec,
    /// The request's id, where a dialect wants one.
    id: String,
    kind: Kind,
}

/// What is translated.
enum Kind {
    Talk(Box<Talk>),
    Vectors(Vectors),
}

/// A conversation.
struct Talk {
    pivot: &'static Codec,
    theirs: &'static Upstream,
    /// The client, if it speaks another dialect than the pivot's.
    client: Option<Client>,
    /// Whether the provider's bytes leave as they came.
    passes: bool,
    request: Request,
    names: Names,
    /// When the request came, in seconds since 1970.
    created: i64,
    /// The answer's id, where the provider gives none.
    id: String,
    /// What was left out, for the client to see.
    dropped: Option<String>,
}

/// A translation, and the body that goes to the target.
pub(super) type Translated = (Arc<Translation>, Vec<Bytes>);

/// Translates a request for `target`; `None` where both sides speak the
/// pivot's dialect.
///
/// # Errors
/// The client's own mistake, or something that the target cannot be told.
pub(super) async fn of(ask: &Ask, target: &Deployment) -> Result<Option<Translated>, Failure> {
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
        Operation::Chat => talk(ask, target, (pivot, theirs)).await?,
        Operation::Embedding => {
            let (vectors, body) = vectors::of(ask, target).await?;
            (Kind::Vectors(vectors), body)
        }
        Operation::Completion => return Err(nothing(ask.operation)),
    };
    let translation = Translation {
        theirs,
        pivot,
        id: id(ask),
        kind,
    };
    Ok(Some((Arc::new(translation), body)))
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

async fn talk(
    ask: &Ask,
    target: &Deployment,
    (pivot, theirs): (&'static Codec, &'static Upstream),
) -> Result<(Kind, Vec<Bytes>), Failure> {
    let work = Work {
        pivot,
        theirs,
        document: Arc::clone(&ask.document),
        foreign: ask.foreign.clone(),
        is_forgotten: ask.is_forgotten.get(),
        is_governed: ask.is_governed,
        model: target.upstream_model.clone(),
        output_limit: target.max_output,
        reasons: target.can(Ability::Reasoning),
        provider: Arc::clone(&target.provider),
    };
    let done = if aside::is_large(ask.document.bytes().len()) {
        let done = aside::run(move || work.done()).await;
        done.map_err(Failure::transient)?
    } else {
        work.done()
    };
    let Done {
        request,
        names,
        passes,
        dropped,
        body,
    } = done?;
    let client = ask.foreign.as_ref();
    let client = client.map(|foreign| Client::new(Arc::clone(foreign), ask.ticket, ask.at));
    let talk = Talk {
        pivot,
        theirs,
        client,
        passes,
        request,
        names,
        created: ask.at.seconds(),
        id: id(ask),
        dropped,
    };
    Ok((Kind::Talk(Box::new(talk)), body))
}

/// What a translation of a request needs; it may run beside the loop.
struct Work {
    pivot: &'static Codec,
    theirs: &'static Upstream,
    document: Arc<Document>,
    foreign: Option<Arc<Foreign>>,
    is_forgotten: bool,
    is_governed: bool,
    model: String,
    output_limit: Option<u64>,
    reasons: Option<bool>,
    provider: Arc<Provider>,
}

/// What became of it.
struct Done {
    request: Request,
    names: Names,
    passes: bool,
    dropped: Option<String>,
    body: Vec<Bytes>,
}

impl Work {
    fn done(self) -> Result<Done, Failure> {
        // What policy has changed stands in the pivot only; and where guards
        // read, nothing leaves that they have not seen.
        let untouched = self
            .foreign
            .as_ref()
            .filter(|foreign| !self.is_governed && Arc::ptr_eq(&foreign.pivot, &self.document));
        let mut request = match untouched {
            Some(foreign) => foreign.request.clone(),
            None => (self.pivot.read_request)(&self.document).map_err(Failure::client)?,
        };
        let goes_on = self.foreign.as_ref().and_then(|foreign| previous(foreign));
        let is_there = goes_on.is_none_or(|it| {
            it.is_there && it.provider == self.provider.name.as_str() && !self.is_forgotten
        });
        // The meter reads it; a client that did not ask does not get it.
        request.stream_usage = request.stream;
        if let Some(foreign) = untouched
            && foreign.codec.dialect == self.theirs.dialect
            && !foreign.is_array
            && is_there
            && translate::is_native(&request, self.theirs.dialect, &self.model)
        {
            return Ok(Done {
                request,
                names: Names::default(),
                passes: true,
                dropped: None,
                body: renamed(&foreign.document, &self.model)?,
            });
        }
        let store = here(&mut request).into_iter().find(|it| it.name == "store");
        if self.theirs.dialect == Dialect::Responses {
            request.rest.extend(store);
        }
        let names = Names::of(&request);
        let target = Target {
            model: &self.model,
            output_limit: self.output_limit,
            reasons: self
                .reasons
                .unwrap_or_else(|| is_thoughtful(&request, self.theirs.dialect)),
            names: &names,
        };
        let Written { value, mut losses } = match &self.provider.quirks.earlier_thoughts {
            Some(manner) if *manner != EarlierThoughts::Drop && self.theirs.dialect == PIVOT => {
                write_request_with_thoughts(&request, &target, "reasoning_content")
            }
            _ => (self.theirs.write_request)(&request, &target),
        };
        if let (Some(foreign), None) = (&self.foreign, untouched) {
            losses.extend(foreign.losses.iter().cloned());
        }
        if goes_on.is_some_and(|it| it.left_out > 0) {
            let why = "reasoning and results of another provider stay there";
            losses.push(Loss::hint("previous_response_id", why));
        }
        if let Some(refusal) = unsaid(&losses, &self.provider) {
            return Err(Failure::elsewhere(refusal));
        }
        Ok(Done {
            request,
            names,
            passes: false,
            dropped: dropped(&losses),
            body: vec![value.into()],
        })
    }
}

/// Whether a model that nobody knows is asked to think. Who asks for it by
/// name means a model that can; `OpenAI`'s dialect is spoken by many servers that
/// refuse the very word, and Ollama's models that can think do so unasked.
fn is_thoughtful(request: &Request, theirs: Dialect) -> bool {
    let is_wary = matches!(
        theirs,
        Dialect::OpenAi | Dialect::Responses | Dialect::Ollama
    );
    !is_wary && request.reasoning.is_some()
}

/// The turn that a request goes on from.
fn previous(foreign: &Foreign) -> Option<&Previous> {
    foreign.conversed.as_ref()?.previous.as_ref()
}

/// A body as it came, but for the model's name, where it stands in it.
fn renamed(document: &Document, model: &str) -> Result<Vec<Bytes>, Failure> {
    let mut edits = Edits::new();
    if let Some(named) = document.root().get("model")
        && named.str().is_some_and(|name| name != model)
    {
        let mut text = Vec::with_capacity(model.len() + 2);
        dialects::json::write_string(&mut text, model);
        edits
            .add(Edit {
                span: named.span(),
                with: text.into(),
            })
            .map_err(|overlap| {
                let sentence = "The gateway failed to build the upstream request.";
                Failure::transient(Refusal::new(Reason::Internal, sentence).because(overlap))
            })?;
    }
    Ok(edits.apply(document.bytes()))
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

    /// A provider's whole answer in the pivot's dialect, and what leaves of it
    /// if that is something else.
    ///
    /// # Errors
    /// It is no answer of the provider's dialect.
    pub(super) fn answer(&self, whole: Bytes) -> Result<(Bytes, Option<Bytes>), Failure> {
        match &self.kind {
            Kind::Talk(talk) => talk.answer(whole),
            Kind::Vectors(vectors) => vectors.answer(whole),
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

    /// A provider's error, in the pivot's dialect, and when it says to come
    /// again, where its body is the place for that.
    pub(super) fn fault(&self, status: u16, body: &[u8]) -> (Bytes, Option<Duration>) {
        let fault = (self.theirs.read_fault)(status, body);
        let wait = match self.theirs.dialect {
            Dialect::Gemini => gemini::canon::retry_delay(body),
            _ => None,
        };
        ((self.pivot.write_fault)(&fault, &self.id).into(), wait)
    }
}

impl Talk {
    fn head(&self) -> Head<'_> {
        Head {
            request: &self.request,
            created: self.created,
            id: &self.id,
        }
    }

    fn answer(&self, whole: Bytes) -> Result<(Bytes, Option<Bytes>), Failure> {
        let document = Document::parse(whole, DEPTH)
            .map_err(|error| Failure::broken(format!("not JSON at byte {}", error.at)))?;
        let answer = (self.theirs.read_answer)(&document, &self.names);
        let mut answer = answer.ok_or_else(|| {
            let dialect = self.theirs.dialect.as_str();
            Failure::broken(format!("no answer of the dialect `{dialect}`"))
        })?;
        Customs::of(&self.request).restore(&mut answer);
        let pivot = (self.pivot.write_answer)(&answer, &self.head()).into();
        let leaves = self.client.as_ref().map(|client| match self.passes {
            true => document.bytes().clone(),
            false => client.answer(&answer),
        });
        Ok((pivot, leaves))
    }

    fn frames(&self, cutter: Cutter) -> Frames {
        let reader = (self.theirs.read_stream)(self.names.clone());
        let reader = Customs::of(&self.request).reading(reader);
        let pivot = (self.pivot.write_stream)(&self.head());
        let leaving = match &self.client {
            None => Leaving::Pivot,
            Some(_) if self.passes => Leaving::AsItCame,
            Some(client) => Leaving::Written(client.writer()),
        };
        Frames::translated(cutter, reader, pivot, leaving)
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Self::broken(unreadable)
    }
}
