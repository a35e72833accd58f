//! Embeddings of models that are asked in a form of their own: as many requests
//! as that takes, some at once, and one answer of them all.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use dialects::Operation;
use dialects::embeddings::{self, Part};
use dialects::gemini::canon::embedding::{self, Form};
use dialects::json::Document;
use dialects::{openai, translate};
use domain::canon::{Weight, Written};
use domain::embedding::{EmbeddingDoor, EmbeddingForm};
use domain::model::{Deployment, Provider, WireFormat};
use http1::Fields;
use tokio::time::Instant;

use super::attempt::{LARGEST_ERROR, Patience, collect, exchange};
use super::failure::{Failure, Kind};
use super::losses::{dropped, unsaid};
use super::rejected::rejected;
use super::translation::DEPTH;
use super::upstream::Reply;
use super::{Answered, Ask, Plain, vectors};
use crate::accept::Foreign;
use crate::aside;
use crate::plane::Plane;

/// How many of a request's requests are under way at once.
const AT_ONCE: usize = 8;
/// Where AWS says how many tokens it read.
const COUNTED: &str = "x-amzn-bedrock-input-token-count";

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

/// What one of them brought.
struct Brought {
    fields: Fields,
    body: Bytes,
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
        let written = embeddings::write(&self.document, embeds, &self.door);
        let Written {
            value: mut parts,
            mut losses,
        } = written.map_err(Failure::elsewhere)?;
        let client = embeds.map(|embeds| embeds.form);
        if let (true, Some(foreign), Some(form)) = (self.is_own, foreign, client) {
            parts = embeddings::own(&foreign.document, form);
            losses.clear();
        } else {
            // Tasks and titles are told; what is no text is not.
            let lost = foreign.into_iter().flat_map(|foreign| &foreign.losses);
            losses.extend(lost.filter(|loss| loss.weight == Weight::Meaning).cloned());
        }
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
    /// is the failure of all.
    ///
    /// # Errors
    /// One of them failed, or brought no vectors.
    pub(super) async fn asked(
        self,
        (plane, ask): (&Rc<Plane>, &Ask),
        target: (&Deployment, Option<usize>),
        deadline: Instant,
    ) -> Result<Answered, Failure> {
        let all = Asking {
            plane,
            ask,
            target,
            deadline,
            left: RefCell::new(self.parts.iter().enumerate().collect()),
            brought: RefCell::new(self.parts.iter().map(|_| None).collect()),
        };
        // A round leaves some over if the provider had no room for all.
        while !all.left.borrow().is_empty() {
            let count = AT_ONCE.min(all.left.borrow().len());
            together((0..count).map(|at| Box::pin(all.worker(at)))).await?;
        }
        let brought: Vec<Brought> = all.brought.into_inner().into_iter().flatten().collect();
        let length: usize = brought.iter().map(|one| one.body.len()).sum();
        let answer = match aside::is_large(length) {
            true => aside::run(move || self.joined(brought))
                .await
                .map_err(Failure::transient)?,
            false => self.joined(brought),
        };
        answer.map(|plain| Answered::Plain(Box::new(plain)))
    }

    /// One answer of all that was brought.
    fn joined(&self, brought: Vec<Brought>) -> Result<Plain, Failure> {
        let none = || Failure::broken("an answer without vectors");
        let mut answers = Vec::with_capacity(brought.len());
        for (one, part) in brought.iter().zip(&self.parts) {
            let document = Document::parse(one.body.clone(), DEPTH)
                .map_err(|error| Failure::broken(format!("not JSON at byte {}", error.at)))?;
            answers.push(embeddings::Answered {
                document,
                texts: part.texts,
                counted: one
                    .fields
                    .text(COUNTED)
                    .and_then(|count| count.trim().parse().ok()),
            });
        }
        let pivot = embeddings::read(self.form, &answers, &self.asked, &self.model);
        let document = Document::parse(pivot.ok_or_else(none)?.into(), DEPTH);
        let document = document.map_err(|_| none())?;
        let first = brought.into_iter().next().ok_or_else(none)?;
        let out = match self.client {
            None => None,
            Some(_) if self.passes => Some(first.body),
            Some(form) => Some(
                embedding::write_vectors(&document, form)
                    .ok_or_else(none)?
                    .into(),
            ),
        };
        Ok(Plain {
            fields: first.fields,
            view: openai::read_answer(Operation::Embedding, &document),
            document,
            out,
        })
    }
}

/// Requests under way.
struct Asking<'a> {
    plane: &'a Rc<Plane>,
    ask: &'a Ask,
    target: (&'a Deployment, Option<usize>),
    deadline: Instant,
    /// Those that nobody has taken, and where their answers belong.
    left: RefCell<VecDeque<(usize, &'a Part)>>,
    brought: RefCell<Vec<Option<Brought>>>,
}

impl Asking<'_> {
    /// Asks one after the other while there are any. Where the provider has no
    /// room, the first worker says so, and the others leave it to the first.
    async fn worker(&self, number: usize) -> Result<(), Failure> {
        loop {
            let Some((at, part)) = self.left.borrow_mut().pop_front() else {
                return Ok(());
            };
            match self.one(part).await {
                Ok(brought) => self.brought.borrow_mut()[at] = Some(brought),
                Err(failure) if failure.kind == Kind::Full && number > 0 => {
                    self.left.borrow_mut().push_front((at, part));
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn one(&self, part: &Part) -> Result<Brought, Failure> {
        let body = Some(vec![Bytes::from(part.body.clone())]);
        let asking = exchange(self.plane, (self.ask, body), self.target, self.deadline);
        let Reply {
            status,
            fields,
            mut body,
        } = asking.await?;
        let provider = &self.target.0.provider;
        let patience = Patience {
            silence: provider.timeouts.between_chunks,
            deadline: self.deadline,
        };
        if !status.is_success() {
            let whole = collect(&mut body, LARGEST_ERROR, patience).await;
            let theirs = match provider.format {
                WireFormat::Demo => None,
                WireFormat::Dialect(theirs) => translate::upstream(theirs),
            };
            let reply = (status, &fields, whole.unwrap_or_default());
            return Err(rejected(reply, theirs, self.target, self.ask));
        }
        let room = self.ask.largest.saturating_sub(self.length());
        let body = collect(&mut body, room, patience).await?;
        Ok(Brought { fields, body })
    }

    /// The bytes of all answers so far.
    fn length(&self) -> usize {
        let brought = self.brought.borrow();
        brought.iter().flatten().map(|one| one.body.len()).sum()
    }
}

/// Waits for all of them, or for the first that fails: the others are dropped.
async fn together<F>(workers: impl Iterator<Item = Pin<Box<F>>>) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let mut open: Vec<_> = workers.collect();
    poll_fn(|cx| {
        let mut at = 0;
        while let Some(worker) = open.get_mut(at) {
            match worker.as_mut().poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                Poll::Ready(Ok(())) => drop(open.swap_remove(at)),
            }
        }
        match open.is_empty() {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    })
    .await
}
