//! Reasoning that clients do not send back: kept when the model calls tools, put
//! back into the next request of the loop.
//!
//! Only what is translated comes here. Under a policy that reads, it goes back to
//! the provider alone that gave it: nobody else has seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dialects::sse::Frame;
use dialects::translate::reasoning::{Scope, of_answer, scope};
use dialects::translate::{Malformed, ReadStream};
use domain::canon::{Answer, Chunk, Dialect, Fold};
use domain::model::Deployment;
use domain::principal::Principal;
use domain::reasoning::{KeptReasoning, ReasoningKey};

use super::Ask;
use crate::plane::{Plane, Shared};

/// How long a request waits for what is kept.
const PATIENCE: Duration = Duration::from_millis(250);

/// What was found, by the calls' ids.
pub(super) type Found = BTreeMap<String, Arc<KeptReasoning>>;

/// Where one request's reasoning is kept, for one target.
#[derive(Clone)]
pub(super) struct Recall {
    shared: Arc<Shared>,
    principal: Arc<Principal>,
    scope: Arc<str>,
    provider: String,
    keep: Duration,
    is_governed: bool,
}

impl Recall {
    /// For this target; `None` if it signs nothing, the request offers no tools
    /// or policy keeps none.
    pub(super) fn of(
        plane: &Plane,
        ask: &Ask,
        target: &Deployment,
        theirs: Dialect,
    ) -> Option<Self> {
        let keep = plane.shared.snapshot.load().reasoning;
        if keep.is_zero() || ask.view.tools == 0 {
            return None;
        }
        let provider = target.provider.name.as_str();
        Some(Self {
            shared: Arc::clone(&plane.shared),
            principal: Arc::clone(&ask.principal),
            scope: match scope(theirs, target.known_as())? {
                Scope::Claude => "claude".into(),
                Scope::Provider => format!("provider/{provider}").into(),
            },
            provider: provider.to_owned(),
            keep,
            is_governed: ask.is_governed,
        })
    }

    /// What is kept for these calls. Whatever does not come in time is as good
    /// as lost.
    pub(super) async fn find(&self, calls: BTreeSet<String>) -> Found {
        let mut found = Found::new();
        let looking = async {
            for call in calls {
                let (key, now) = (self.key(call), self.shared.ticks());
                let kept = self.shared.reasoning.get(&key, now).get().await;
                let may_go =
                    |kept: &Arc<KeptReasoning>| !self.is_governed || kept.provider == self.provider;
                if let Some(kept) = kept.filter(may_go) {
                    found.insert(key.call, kept);
                }
            }
        };
        if tokio::time::timeout(PATIENCE, looking).await.is_err() {
            tracing::warn!("kept reasoning did not come in time");
        }
        found
    }

    /// Keeps what an answer signs of its calls.
    pub(super) fn keep(&self, answer: &Answer) {
        for (call, kept) in of_answer(answer, &self.provider) {
            let (key, now) = (self.key(call), self.shared.ticks());
            let kept = Arc::new(kept);
            self.shared.reasoning.put(key, kept, self.keep, now);
        }
    }

    /// The same of a stream, once it has come to its end.
    pub(super) fn reading(&self, reader: Box<dyn ReadStream>) -> Box<dyn ReadStream> {
        Box::new(Keeping {
            reader,
            recall: self.clone(),
            fold: Fold::default(),
        })
    }

    fn key(&self, call: String) -> ReasoningKey {
        ReasoningKey {
            tenant: self.principal.tenant.clone(),
            key: self.principal.key.clone(),
            scope: Arc::clone(&self.scope),
            call,
        }
    }
}

/// Reads a stream, and keeps its reasoning.
struct Keeping {
    reader: Box<dyn ReadStream>,
    recall: Recall,
    fold: Fold,
}

impl std::fmt::Debug for Keeping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeping")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

impl Keeping {
    fn hear(&mut self, chunks: &[Chunk]) {
        for chunk in chunks {
            self.fold.push(chunk);
            if matches!(chunk, Chunk::End) {
                self.recall.keep(&std::mem::take(&mut self.fold).finish());
            }
        }
    }
}

impl ReadStream for Keeping {
    fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let first = out.len();
        let read = self.reader.push(frame, out);
        self.hear(out.get(first..).unwrap_or_default());
        read
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) {
        let first = out.len();
        self.reader.finish(out);
        self.hear(out.get(first..).unwrap_or_default());
    }
}
