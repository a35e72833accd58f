//! Embeddings of models that are asked in a form of their own: as many requests
//! as that takes, some at once, and one answer of them all.

mod asking;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use dialects::Operation;
use dialects::embeddings::{self, Part};
use dialects::gemini::canon::embedding::{self, Form};
use dialects::json::Document;
use dialects::openai;
use domain::canon::Weight;
use domain::embedding::{EmbeddingDoor, EmbeddingForm};
use domain::ids::DeploymentId;
use domain::model::{Deployment, Provider};
use domain::usage::{Usage, UsageSource};
use tokio::time::Instant;

use self::asking::{Asking, Brought};
use super::failure::Failure;
use super::losses::{dropped, unsaid};
use super::translation::DEPTH;
use super::{Answered, Ask, Plain, vectors};
use crate::accept::Foreign;
use crate::aside;
use crate::plane::Plane;
use crate::settle::Ticket;

/// The requests that one request becomes.
pub(super) struct Several {
    form: EmbeddingForm,
    parts: Vec<Part>,
    /// How a client of Gemini's asked.
    client: Option<Form>,
    /// Whether the provider's bytes leave as they came.
    pub(super) passes: bool,
    /// What is asked, in `OpenAI`'s dialect.
    asked: Arc<Document>,
    model: String,
    /// What was left out, for the client to see.
    pub(super) dropped: Option<String>,
}

/// Answers that a target gave before it failed: asked once more, it is not asked
/// for them again.
#[derive(Default)]
pub(super) struct Kept {
    of: Option<DeploymentId>,
    brought: Vec<Option<Brought>>,
}

/// The requests for `target`; none where its dialect's own way is the way.
///
/// # Errors
/// The target cannot be told something, or it is too much for it.
pub(super) async fn of(ask: &Ask, target: &Deployment) -> Result<Option<Several>, Failure> {
    if ask.operation != Operation::Embedding {
        return Ok(None);
    }
    let Some(door) = target.embeddings() else {
        return Ok(None);
    };
    let work = Work {
        door: door.clone(),
        is_own: door.form == EmbeddingForm::EmbedContent && vectors::passing(ask, target).is_some(),
        document: Arc::clone(&ask.document),
        foreign: ask.foreign.clone(),
        model: target.upstream_model.clone(),
        provider: Arc::clone(&target.provider),
    };
    let several = match aside::is_large(ask.document.bytes().len()) {
        true => aside::run(move || work.done())
            .await
            .map_err(Failure::transient)?,
        false => work.done(),
    };
    several.map(Some)
}

/// What writing them needs; it may run beside the loop.
struct Work {
    door: EmbeddingDoor,
    /// Whether the client's own requests go.
    is_own: bool,
    document: Arc<Document>,
    foreign: Option<Arc<Foreign>>,
    model: String,
    provider: Arc<Provider>,
}

impl Work {
    fn done(self) -> Result<Several, Failure> {
        let foreign = self.foreign.as_deref();
        let embeds = foreign.and_then(|foreign| foreign.embeds.as_ref());
        let client = embeds.map(|embeds| embeds.form);
        let (parts, losses) = match (self.is_own, foreign, client) {
            (true, Some(foreign), Some(form)) => {
                let own = embeddings::own(&foreign.document, form);
                (own.map_err(Failure::elsewhere)?, Vec::new())
            }
            _ => {
                let written = embeddings::write(&self.document, embeds, &self.door);
                let mut written = written.map_err(Failure::elsewhere)?;
                // Tasks and titles are told; what is no text is not.
                let lost = foreign.into_iter().flat_map(|foreign| &foreign.losses);
                let lost = lost.filter(|loss| loss.weight == Weight::Meaning);
                written.losses.extend(lost.cloned());
                (written.value, written.losses)
            }
        };
        let terms = foreign.map(Foreign::terms);
        if let Some(refusal) = unsaid(&losses, &self.provider, terms) {
            return Err(Failure::elsewhere(refusal));
        }
        Ok(Several {
            form: self.door.form,
            passes: self.is_own && client == Some(Form::One),
            parts,
            client,
            asked: self.document,
            model: self.model,
            dropped: dropped(&losses, terms),
        })
    }
}

impl Several {
    /// Asks all of them, with one of the provider's keys; the first that fails
    /// is the failure of all. What others have brought is kept for the next
    /// attempt at this target, and is on the ticket, for it is paid.
    ///
    /// # Errors
    /// One of them failed, or brought no vectors.
    pub(super) async fn asked(
        self,
        (plane, ask): (&Rc<Plane>, &Ask),
        target: (&Deployment, Option<usize>),
        deadline: Instant,
        ticket: &mut Ticket,
    ) -> Result<Answered, Failure> {
        let kept = ask.brought.take();
        let is_its = kept.of.as_ref() == Some(&target.0.id);
        let brought = RefCell::new(if is_its { kept.brought } else { Vec::new() });
        let parts = (self.form, &*self.parts);
        let asking = Asking::of((plane, ask), target, deadline, parts, &brought);
        let done = asking.done().await;
        let brought = brought.into_inner();
        if let Err(failure) = done {
            ticket.meter.brought = self.used(&brought, ticket.meter.prompt_estimate);
            ask.brought.replace(Kept {
                of: Some(target.0.id.clone()),
                brought,
            });
            return Err(failure);
        }
        ticket.meter.brought = None;
        let brought: Vec<Brought> = brought.into_iter().flatten().collect();
        let lengths = brought.iter().map(|one| one.answer.document.bytes().len());
        let estimate = ticket.meter.prompt_estimate;
        let answer = match aside::is_large(lengths.sum()) {
            true => aside::run(move || self.joined(brought, estimate))
                .await
                .map_err(Failure::transient)?,
            false => self.joined(brought, estimate),
        };
        answer.map(|plain| Answered::Plain(Box::new(plain)))
    }

    /// The tokens of what was brought; where an answer counts none, its texts'
    /// part of `estimate`.
    fn used(&self, brought: &[Option<Brought>], estimate: u64) -> Option<(Usage, UsageSource)> {
        let all = self.parts.iter().map(|part| part.texts as u64).sum::<u64>();
        let mut source = UsageSource::Provider;
        let tokens = brought.iter().flatten().map(|one| {
            one.answer.tokens.unwrap_or_else(|| {
                source = UsageSource::Estimated;
                estimate * one.texts as u64 / all.max(1)
            })
        });
        let usage = Usage {
            input: tokens.sum(),
            ..Usage::default()
        };
        let has_any = brought.iter().any(Option::is_some);
        has_any.then_some((usage, source))
    }

    /// One answer of all that was brought; `estimate` are its tokens where the
    /// provider counts none.
    fn joined(&self, brought: Vec<Brought>, estimate: u64) -> Result<Plain, Failure> {
        let (mut heads, answers): (Vec<_>, Vec<_>) = brought
            .into_iter()
            .map(|one| (one.fields, one.answer))
            .unzip();
        let pivot = embeddings::read(self.form, &answers, &self.asked, &self.model);
        let document = Document::parse(pivot.ok_or_else(none)?.into(), DEPTH);
        let document = document.map_err(|_| none())?;
        let first = answers.first().ok_or_else(none)?;
        let out = match self.client {
            None => None,
            Some(_) if self.passes => Some(first.document.bytes().clone()),
            Some(form) => Some(
                embedding::write_vectors(&document, form)
                    .ok_or_else(none)?
                    .into(),
            ),
        };
        let view = openai::read_answer(Operation::Embedding, &document);
        Ok(Plain {
            fields: heads.swap_remove(0),
            document: match out {
                None => vectors::counted(document, &view, estimate),
                Some(_) => document,
            },
            view,
            out,
            unshown: None,
            recount: None,
        })
    }
}

fn none() -> Failure {
    Failure::broken("an answer without vectors")
}
