//! Embeddings for a target, where client and target do not both speak
//! `OpenAI`'s dialect, and the way of the vectors back.

use std::sync::Arc;

use bytes::Bytes;
use dialects::gemini::canon::embedding::{self, Embeds, Form};
use dialects::json::Document;
use dialects::openai::{self, AnswerView};
use dialects::translate::{self, Embedder};
use domain::canon::{Dialect, Weight, Written};
use domain::edit::{Edit, Edits};
use domain::model::{Deployment, Provider, WireFormat};
use domain::refusal::{Reason, Refusal};
use providers::Batch;

use super::Ask;
use super::failure::Failure;
use super::losses::{dropped, unsaid};
use super::translation::DEPTH;
use crate::accept::Foreign;
use crate::aside;

/// How a target's vectors are read, and written for the client.
pub(super) struct Vectors {
    /// How the target is asked; none if it speaks `OpenAI`'s dialect.
    theirs: Option<&'static Embedder>,
    /// How a client of Gemini's asked.
    form: Option<Form>,
    /// Whether the provider's bytes leave as they came.
    pub(super) passes: bool,
    /// What is asked, in `OpenAI`'s dialect.
    asked: Arc<Document>,
    model: String,
    /// What was left out, for the client to see.
    pub(super) dropped: Option<String>,
}

/// Whether a client's own bytes go to this target: both speak Gemini's dialect.
pub(super) fn passing<'a>(ask: &'a Ask, target: &Deployment) -> Option<(&'a Foreign, &'a Embeds)> {
    let foreign = ask.foreign.as_deref()?;
    let is_same = target.provider.format == WireFormat::Dialect(foreign.codec.dialect);
    let embeds = foreign.embeds.as_ref()?;
    is_same.then_some((foreign, embeds))
}

/// In which form the target is asked.
pub(super) fn batch(ask: &Ask, target: &Deployment) -> Batch {
    match passing(ask, target) {
        Some((_, embeds)) if embeds.form == Form::One => Batch::One,
        _ => Batch::Many,
    }
}

/// Writes a request for `target`; both do not speak `OpenAI`'s dialect.
///
/// # Errors
/// The target has no embeddings, or cannot be told something.
pub(super) async fn of(ask: &Ask, target: &Deployment) -> Result<(Vectors, Vec<Bytes>), Failure> {
    let theirs = match target.provider.format {
        WireFormat::Demo | WireFormat::Dialect(Dialect::OpenAi) => None,
        WireFormat::Dialect(theirs) => {
            let theirs = translate::embedder(theirs).ok_or_else(|| {
                let sentence =
                    "The model's provider has no embeddings that the gateway can ask for.";
                Failure::elsewhere(Refusal::new(Reason::Untranslatable, sentence))
            })?;
            Some(theirs)
        }
    };
    let renamed = (target.upstream_model != ask.view.model)
        .then(|| openai::set_model(&ask.view, &target.upstream_model));
    let work = Work {
        theirs,
        passes: passing(ask, target).is_some(),
        document: Arc::clone(&ask.document),
        foreign: ask.foreign.clone(),
        renamed,
        model: target.upstream_model.clone(),
        provider: Arc::clone(&target.provider),
    };
    if aside::is_large(ask.document.bytes().len()) {
        let done = aside::run(move || work.done()).await;
        return done.map_err(Failure::transient)?;
    }
    work.done()
}

/// What the work needs; it may run beside the loop.
struct Work {
    theirs: Option<&'static Embedder>,
    passes: bool,
    document: Arc<Document>,
    foreign: Option<Arc<Foreign>>,
    /// The model's name as the target has it.
    renamed: Option<Edit>,
    model: String,
    provider: Arc<Provider>,
}

impl Work {
    fn done(self) -> Result<(Vectors, Vec<Bytes>), Failure> {
        let foreign = self.foreign.as_deref();
        let embeds = foreign.and_then(|foreign| foreign.embeds.as_ref());
        let (body, losses) = match (foreign, embeds, self.theirs) {
            (Some(foreign), Some(embeds), _) if self.passes => {
                let renamed = embedding::rename(&foreign.document, embeds.form, &self.model);
                (edited(&foreign.document, renamed)?, Vec::new())
            }
            (_, _, Some(theirs)) => {
                let written = (theirs.write_embeds)(&self.document, embeds, &self.model);
                let Written { value, mut losses } = written.map_err(Failure::elsewhere)?;
                // Tasks and titles are told; what is no text is not.
                let lost = foreign.into_iter().flat_map(|foreign| &foreign.losses);
                losses.extend(lost.filter(|loss| loss.weight == Weight::Meaning).cloned());
                (vec![value.into()], losses)
            }
            (_, _, None) => {
                let losses = foreign.map(|foreign| foreign.losses.clone());
                (
                    edited(&self.document, self.renamed)?,
                    losses.unwrap_or_default(),
                )
            }
        };
        let terms = foreign.map(Foreign::terms);
        if let Some(refusal) = unsaid(&losses, &self.provider, terms) {
            return Err(Failure::elsewhere(refusal));
        }
        let vectors = Vectors {
            theirs: self.theirs,
            form: embeds.map(|embeds| embeds.form),
            passes: self.passes,
            asked: self.document,
            model: self.model,
            dropped: dropped(&losses, terms),
        };
        Ok((vectors, body))
    }
}

fn edited(
    document: &Document,
    changes: impl IntoIterator<Item = Edit>,
) -> Result<Vec<Bytes>, Failure> {
    let mut edits = Edits::new();
    for edit in changes {
        edits.add(edit).map_err(internal)?;
    }
    Ok(edits.apply(document.bytes()))
}

fn internal(cause: impl ToString) -> Failure {
    let sentence = "The gateway failed to build the upstream request.";
    Failure::transient(Refusal::new(Reason::Internal, sentence).because(cause))
}

/// What a client of `OpenAI`'s dialect gets of vectors that were written in it
/// and tell no usage: its SDKs count on one. Who books it goes on knowing that
/// it is an estimate.
pub(super) fn counted(document: Document, view: &AnswerView, estimate: u64) -> Document {
    if view.usage.is_some() {
        return document;
    }
    let counted = translate::with_usage(&document, estimate);
    Document::parse(counted.into(), DEPTH).unwrap_or(document)
}

impl Vectors {
    /// A provider's answer in `OpenAI`'s dialect, and what leaves of it if that
    /// is something else.
    ///
    /// # Errors
    /// It is no answer.
    pub(super) fn answer(&self, whole: Bytes) -> Result<(Bytes, Option<Bytes>), Failure> {
        let document = Document::parse(whole.clone(), DEPTH)
            .map_err(|error| Failure::broken(format!("not JSON at byte {}", error.at)))?;
        let none = || Failure::broken("an answer without vectors");
        let Some(theirs) = self.theirs else {
            let leaves = self
                .form
                .map(|form| embedding::write_vectors(&document, form).ok_or_else(none));
            let leaves = leaves.transpose()?;
            return Ok((whole, leaves.map(Bytes::from)));
        };
        let pivot = (theirs.read_vectors)(&document, &self.asked, &self.model);
        let pivot = Bytes::from(pivot.ok_or_else(none)?);
        let leaves = match self.form {
            None => None,
            Some(_) if self.passes => Some(whole),
            Some(form) => {
                let pivot = Document::parse(pivot.clone(), DEPTH).map_err(|_| none())?;
                Some(
                    embedding::write_vectors(&pivot, form)
                        .ok_or_else(none)?
                        .into(),
                )
            }
        };
        Ok((pivot, leaves))
    }
}
