//! A request of one dialect read and written in another: what may take long,
//! and may therefore run beside the loop.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use dialects::json::Document;
use dialects::translate::{self, Codec, Names, Target, Terms, Upstream, reasoning, sealed};
use domain::canon::{Dialect, Loss, Request, Written};
use domain::edit::{Edit, Edits};
use domain::model::Provider;
use domain::quirks::EarlierThoughts;
use domain::refusal::{Reason, Refusal};
use domain::traits::Traits;

use super::earlier;
use super::failure::Failure;
use super::fetch::{self, Fetched, Wanted};
use super::losses::{dropped, unsaid};
use super::reasoning::Found;
use super::translation::PIVOT;
use crate::accept::{Foreign, Holder, Previous, here};

/// What a translation of a request needs; it may run beside the loop.
pub(super) struct Work {
    pub(super) pivot: &'static Codec,
    pub(super) theirs: &'static Upstream,
    pub(super) document: Arc<Document>,
    pub(super) foreign: Option<Arc<Foreign>>,
    pub(super) is_forgotten: bool,
    /// Whether the target cannot open the thoughts that are sealed.
    pub(super) is_unsealed: bool,
    pub(super) model: String,
    pub(super) output_limit: Option<u64>,
    pub(super) reasons: Option<bool>,
    pub(super) traits: Traits,
    pub(super) provider: Arc<Provider>,
    /// Whether media are fetched that the target cannot fetch.
    pub(super) fetches: bool,
    /// Whether reasoning may be kept that the client has lost.
    pub(super) recalls: bool,
    /// Whether it is written even where the client's own bytes would do.
    pub(super) rewrites: bool,
    /// Whether some was put back: places are not the client's any more.
    pub(super) is_added_to: bool,
}

/// What became of it.
pub(super) struct Done {
    pub(super) request: Request,
    pub(super) names: Names,
    pub(super) passes: bool,
    pub(super) dropped: Option<String>,
    pub(super) body: Vec<Bytes>,
}

/// What came of a beginning.
pub(super) enum Begun {
    Done(Box<Done>),
    /// It can be written once these are here.
    Wants(Box<Open>, Wants),
}

/// What a request has to have before it is written.
pub(super) struct Wants {
    /// Media that the target does not fetch.
    pub(super) media: Vec<Wanted>,
    /// Calls without the reasoning that led to them.
    pub(super) calls: BTreeSet<String>,
}

/// A request that is read and not yet written.
pub(super) struct Open {
    work: Work,
    request: Request,
    /// What is lost of what was sealed.
    unsealed: Vec<Loss>,
}

impl Work {
    /// The client's names for fields, whose places are known where what was read is
    /// what it sent.
    fn terms(&self) -> Terms<'_> {
        match &self.foreign {
            Some(foreign) => {
                let terms = foreign.terms();
                Terms {
                    is_whole: terms.is_whole && !self.is_added_to,
                    ..terms
                }
            }
            None => Terms {
                codec: self.pivot,
                body: &self.document,
                is_whole: !self.is_added_to,
            },
        }
    }

    /// Reads the request, and writes it at once unless something of it has to
    /// be fetched before.
    ///
    /// # Errors
    /// The client's own mistake, or something that the target cannot be told.
    pub(super) fn begun(self) -> Result<Begun, Failure> {
        // Guards and rules have read and edited what stands there.
        let mut request = match &self.foreign {
            Some(foreign) => foreign.request.clone(),
            None => {
                let read = (self.pivot.read_request)(&self.document);
                let ours = |refusal| renamed_in(refusal, self.terms());
                read.map_err(|refusal| Failure::client(ours(refusal)))?
            }
        };
        let goes_on = self.foreign.as_ref().and_then(|foreign| previous(foreign));
        let is_there = goes_on.is_none_or(|it| {
            it.is_there && it.provider == self.provider.name.as_str() && !self.is_forgotten
        });
        let holder = self.foreign.as_ref().and_then(|foreign| holder(foreign));
        let is_held = holder.is_none_or(|it| {
            it.is_there && it.provider == self.provider.name.as_str() && !self.is_forgotten
        });
        // The meter reads it; a client that did not ask does not get it.
        request.stream_usage = request.stream;
        if let Some(foreign) = &self.foreign
            && foreign.codec.dialect == self.theirs.dialect
            && !foreign.is_array
            && !self.rewrites
            && is_there
            && is_held
            && !self.is_unsealed
            // The client has an id already, and the provider gives its own.
            && !foreign.is_background()
            && !self.unlinks(&request)
            && translate::is_native(&request, self.theirs.dialect, &self.traits)
        {
            let body = renamed(&foreign.document, &self.model)?;
            return Ok(Begun::Done(Box::new(Done {
                request,
                names: Names::default(),
                passes: true,
                dropped: None,
                body,
            })));
        }
        if let Some(refusal) = translate::wrong_value(&request, self.theirs.dialect) {
            let terms = self.terms();
            return Err(Failure::elsewhere(renamed_in(refusal, terms)));
        }
        let store = here(&mut request).into_iter().find(|it| it.name == "store");
        let is_background = self
            .foreign
            .as_ref()
            .is_some_and(|foreign| foreign.is_background());
        // What is asked for in the background is kept here alone.
        if self.theirs.dialect == Dialect::Responses && !is_background {
            request.rest.extend(store);
        }
        let unsealed = match self.is_unsealed || !is_held {
            true => sealed::unseal(&mut request),
            false => Vec::new(),
        };
        let open = Open {
            work: self,
            request,
            unsealed,
        };
        let wants = open.wants();
        if !wants.media.is_empty() || !wants.calls.is_empty() {
            return Ok(Begun::Wants(Box::new(open), wants));
        }
        let body = open.written(&open.request)?;
        Ok(Begun::Done(Box::new(open.done(body))))
    }
}

impl Work {
    /// Which media the target wants as bytes.
    fn wants(&self) -> fetch::Wants {
        match self.provider.shape.wants_bytes {
            true => translate::is_seen,
            false => self.theirs.wants_bytes,
        }
    }

    /// Whether the client's own bytes would tell the target of media that it
    /// does not fetch, though it speaks a dialect that has URLs of them.
    fn unlinks(&self, request: &Request) -> bool {
        let is_at_stake = self.provider.shape.wants_bytes && self.fetches;
        is_at_stake && !fetch::wanted(request, self.wants()).is_empty()
    }
}

/// A refusal whose field has the pivot's name, in the client's terms.
fn renamed_in(mut refusal: Refusal, terms: Terms<'_>) -> Refusal {
    if let Some(field) = &refusal.param {
        let ours = terms.place(field);
        refusal.message = refusal
            .message
            .replace(&format!("`{field}`"), &format!("`{ours}`"));
        refusal.param = Some(ours);
    }
    refusal
}

/// A body, and what was left out.
type Body = (Vec<u8>, Option<String>);

impl Open {
    /// A failure whose field has the canonical name, in the client's terms.
    pub(super) fn in_terms(&self, mut failure: Failure) -> Failure {
        let terms = self.work.terms();
        failure.refusal = Box::new(renamed_in(*failure.refusal, terms));
        failure
    }

    /// What it has to have.
    fn wants(&self) -> Wants {
        Wants {
            media: match self.work.fetches {
                true => fetch::wanted(&self.request, self.work.wants()),
                false => Vec::new(),
            },
            calls: match self.work.recalls {
                true => reasoning::lost(&self.request),
                false => BTreeSet::new(),
            },
        }
    }

    /// Writes the request with the reasoning that was found, and with what was
    /// fetched in its place. The latter is not kept: nobody reads it in the
    /// request afterwards.
    ///
    /// # Errors
    /// Something that the target cannot be told.
    pub(super) fn finished(
        mut self,
        fetched: Option<&Fetched>,
        found: &Found,
    ) -> Result<Done, Failure> {
        self.work.is_added_to = reasoning::put_back(&mut self.request, found);
        let body = match fetched {
            Some(fetched) => {
                let mut whole = self.request.clone();
                fetch::inline(&mut whole, self.work.wants(), fetched);
                self.written(&whole)?
            }
            None => self.written(&self.request)?,
        };
        Ok(self.done(body))
    }

    fn done(self, (body, dropped): Body) -> Done {
        Done {
            names: Names::of(&self.request),
            request: self.request,
            passes: false,
            dropped,
            body: vec![body.into()],
        }
    }

    fn written(&self, request: &Request) -> Result<Body, Failure> {
        let work = &self.work;
        let names = Names::of(request);
        let target = Target {
            model: &work.model,
            output_limit: work.output_limit,
            reasons: work
                .reasons
                // Whose thoughts were sealed can think, and seals the next ones.
                .unwrap_or_else(|| {
                    !self.unsealed.is_empty() || is_thoughtful(request, work.theirs.dialect)
                }),
            traits: work.traits,
            names: &names,
        };
        let quirks = &work.provider.quirks;
        let told = match work.theirs.dialect == PIVOT && !quirks.free_form_tools {
            true => translate::without_free_text(request),
            false => None,
        };
        let (request, unsaid_of_tools) = match &told {
            Some((told, losses)) => (told, losses.as_slice()),
            None => (request, &[][..]),
        };
        let Written { value, mut losses } = match &quirks.earlier_thoughts {
            Some(manner) if *manner != EarlierThoughts::Drop && work.theirs.dialect == PIVOT => {
                translate::with_thoughts(request, &target, "reasoning_content")
            }
            _ => (work.theirs.write_request)(request, &target),
        };
        losses.extend_from_slice(unsaid_of_tools);
        losses.extend_from_slice(&self.unsealed);
        if let Some(foreign) = &work.foreign {
            earlier::named(&mut losses, foreign);
        }
        let goes_on = work.foreign.as_ref().and_then(|foreign| previous(foreign));
        if goes_on.is_some_and(|it| it.left_out > 0) {
            let why = "reasoning and results of another provider stay there";
            losses.push(Loss::hint("previous_response_id", why));
        }
        let terms = work.terms();
        if let Some(refusal) = unsaid(&losses, &work.provider, Some(terms)) {
            return Err(Failure::elsewhere(refusal));
        }
        Ok((value, dropped(&losses, Some(terms))))
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

/// Who keeps the items that it names.
fn holder(foreign: &Foreign) -> Option<&Holder> {
    foreign.conversed.as_ref()?.holder.as_ref()
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
