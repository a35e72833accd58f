//! The requests that one becomes, under way: some at once, within the room that
//! the provider has, and never one again whose answer is here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use dialects::embeddings::{Answered, Part};
use dialects::json::Document;
use dialects::translate;
use domain::embedding::EmbeddingForm;
use domain::model::{Deployment, WireFormat};
use http1::Fields;
use tokio::time::Instant;

use super::super::Ask;
use super::super::attempt::{LARGEST_ERROR, Patience, collect, exchange, uncompressed};
use super::super::failure::{Failure, Kind};
use super::super::rejected::{Spoken, rejected};
use super::super::translation::DEPTH;
use super::super::upstream::Reply;
use crate::aside;
use crate::plane::Plane;

/// How many of a request's requests are under way at once.
const AT_ONCE: usize = 8;
/// Where AWS says how many tokens it read.
const COUNTED: &str = "x-amzn-bedrock-input-token-count";

/// What one of them brought.
pub(super) struct Brought {
    pub(super) fields: Fields,
    pub(super) answer: Answered,
    /// The texts that it is about.
    pub(super) texts: usize,
}

/// Requests under way.
pub(super) struct Asking<'a> {
    pub(super) plane: &'a Rc<Plane>,
    pub(super) ask: &'a Ask,
    pub(super) target: (&'a Deployment, Option<usize>),
    pub(super) deadline: Instant,
    pub(super) form: EmbeddingForm,
    /// Those that nobody has taken, and where their answers belong.
    left: RefCell<VecDeque<(usize, &'a Part)>>,
    /// The answers; none where there is none yet.
    brought: &'a RefCell<Vec<Option<Brought>>>,
}

impl<'a> Asking<'a> {
    /// Of these requests those whose answers are not among `brought`.
    pub(super) fn of(
        (plane, ask): (&'a Rc<Plane>, &'a Ask),
        target: (&'a Deployment, Option<usize>),
        deadline: Instant,
        (form, parts): (EmbeddingForm, &'a [Part]),
        brought: &'a RefCell<Vec<Option<Brought>>>,
    ) -> Self {
        let mut all = brought.borrow_mut();
        all.resize_with(parts.len(), || None);
        let left = parts
            .iter()
            .enumerate()
            .filter(|(at, _)| all[*at].is_none());
        let left = RefCell::new(left.collect());
        drop(all);
        Self {
            plane,
            ask,
            target,
            deadline,
            form,
            left,
            brought,
        }
    }

    /// Asks all of them; the first that fails is the failure of all.
    ///
    /// # Errors
    /// One of them failed, or brought no vectors.
    pub(super) async fn done(self) -> Result<(), Failure> {
        // A round leaves some over if the provider had no room for all.
        loop {
            let count = AT_ONCE.min(self.left.borrow().len());
            if count == 0 {
                return Ok(());
            }
            together((0..count).map(|at| Box::pin(self.worker(at, count)))).await?;
        }
    }

    /// Asks one after the other while there are any. Where the provider has no
    /// room, the first worker says so, and the others leave it to the first.
    async fn worker(&self, number: usize, of: usize) -> Result<(), Failure> {
        loop {
            let Some((at, part)) = self.left.borrow_mut().pop_front() else {
                return Ok(());
            };
            match self.one(part, of).await {
                Ok(brought) => self.brought.borrow_mut()[at] = Some(brought),
                Err(failure) if failure.kind == Kind::Full && number > 0 => {
                    self.left.borrow_mut().push_front((at, part));
                    return Ok(());
                }
                // Others took the room meanwhile: a pause, and it goes on.
                Err(mut failure) if failure.kind == Kind::Full && self.length() > 0 => {
                    failure.kind = Kind::Transient;
                    return Err(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Asks this one, while `of` of them are under way.
    async fn one(&self, part: &Part, of: usize) -> Result<Brought, Failure> {
        let body = Some(vec![part.body.clone()]);
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
            // Each is a piece of what the client sent.
            let spoken = Spoken {
                theirs,
                is_clients: false,
            };
            let reply = (status, &fields, whole.unwrap_or_default());
            return Err(rejected(reply, spoken, self.target, self.ask));
        }
        uncompressed(&fields)?;
        // Together they hold no more than one answer may.
        let room = self.ask.largest.saturating_sub(self.length()) / of;
        let body = collect(&mut body, room, patience).await?;
        self.read(fields, body, part.texts).await
    }

    async fn read(&self, fields: Fields, body: Bytes, texts: usize) -> Result<Brought, Failure> {
        let counted = fields.text(COUNTED);
        let counted = counted.and_then(|count| count.trim().parse().ok());
        let form = self.form;
        let is_large = aside::is_large(body.len());
        let read = move || {
            let document = Document::parse(body, DEPTH)
                .map_err(|error| Failure::broken(format!("not JSON at byte {}", error.at)))?;
            Answered::read(form, document, texts, counted).ok_or_else(super::none)
        };
        let answer = match is_large {
            true => aside::run(read).await.map_err(Failure::transient)?,
            false => read(),
        };
        Ok(Brought {
            answer: answer?,
            fields,
            texts,
        })
    }

    /// The bytes of all answers so far.
    fn length(&self) -> usize {
        let brought = self.brought.borrow();
        let lengths = brought.iter().flatten();
        lengths.map(|one| one.answer.document.bytes().len()).sum()
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
