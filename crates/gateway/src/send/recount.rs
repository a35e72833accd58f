//! The gateway's own count of a request and its answer, by the model's
//! vocabulary, for targets that do not say what they used.
//!
//! Cutting texts costs more than the rest of a request, and keeping a stream's
//! text takes memory: both are done only for targets that have not said their
//! usage in this loop yet.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use dialects::json::Document;
use dialects::openai::{self, Delta, View};
use domain::ids::DeploymentId;
use domain::model::Deployment;
use domain::traits::Traits;

use super::Ask;
use crate::plane::Plane;
use crate::tokens::{self, Known};

/// The longest prompt and the longest answer that are kept for it, in bytes; of
/// longer ones the estimate counts that needs no text.
const LONGEST: usize = 256 << 10;

/// The deployments that have said their usage.
#[derive(Debug, Default)]
pub(crate) struct Reporting(RefCell<HashSet<DeploymentId>>);

/// More of them than this begin anew.
const MOST: usize = 4096;

impl Reporting {
    fn has(&self, target: &Deployment) -> bool {
        self.0.borrow().contains(&target.id)
    }

    fn learn(&self, target: DeploymentId) {
        let mut all = self.0.borrow_mut();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(target);
    }
}

/// What is needed to count a request and its answer.
pub(crate) struct Recount {
    known: Known,
    traits: Traits,
    target: DeploymentId,
    document: Arc<Document>,
    view: View,
    /// The answer so far.
    answer: String,
}

/// Both counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recounted {
    pub(crate) prompt: Option<u64>,
    pub(crate) answer: Option<u64>,
}

impl Recount {
    /// Of a request to a target that may not say its usage; `None` where it
    /// surely does, or its vocabulary is unknown.
    pub(super) fn of(plane: &Plane, ask: &Ask, target: &Deployment) -> Option<Self> {
        let known = Known::of(&target.traits)?;
        let is_long = ask.document.bytes().len() > LONGEST;
        if is_long || plane.reporting.has(target) {
            return None;
        }
        Some(Self {
            known,
            traits: target.traits,
            target: target.id.clone(),
            document: Arc::clone(&ask.document),
            view: ask.view.clone(),
            answer: String::new(),
        })
    }

    /// Keeps pieces of the answer; whether it is short enough to be counted.
    pub(crate) fn push(&mut self, deltas: &[Delta]) -> bool {
        for delta in deltas {
            self.answer.push_str(&delta.text);
        }
        self.answer.len() <= LONGEST
    }

    /// The target has said its usage: it is not kept for again.
    pub(crate) fn needless(self, plane: &Plane) {
        plane.reporting.learn(self.target);
    }

    /// Counts both.
    pub(crate) async fn count(self) -> Recounted {
        Recounted {
            prompt: tokens::prompt(&self.traits, &self.document, &self.view).await,
            answer: self.known.of_text(self.answer).await,
        }
    }

    /// Counts the prompt, and this whole answer.
    pub(crate) async fn count_whole(mut self, answer: &Document) -> Recounted {
        let texts = openai::answer_texts(answer);
        for text in &texts {
            self.answer.push_str(&openai::decode(answer, text));
        }
        self.count().await
    }
}
