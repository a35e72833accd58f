//! Who sealed a thought, or keeps an answer: only the account that did can open the
//! one and knows the other, so that is where the conversation goes on, as long as it
//! is remembered.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use dialects::sse::Frame;
use dialects::translate::{Malformed, ReadStream, sealed};
use domain::canon::{Answer, Block, Chunk, Delta, Dialect, Signature};
use domain::model::Deployment;
use domain::principal::Principal;

use super::Ask;
use crate::accept::Foreign;
use crate::plane::{Plane, Shared};

/// Between a deployment, its provider and the key. No name holds it.
const BREAK: char = '\u{1f}';

/// Where a conversation's latest sealed thought comes from.
pub(crate) struct Home {
    pub(crate) deployment: String,
    pub(crate) provider: String,
    /// The provider's key, by what it is.
    key: String,
}

impl Home {
    /// Of a request; `None` if nobody remembers.
    pub(crate) fn of(shared: &Shared, principal: &Principal, foreign: &Foreign) -> Option<Self> {
        let latest = sealed::seals(&foreign.request).next_back()?;
        Self::found(shared, principal, &name(latest))
    }

    /// Of the answer that a request goes on from, or names items of, by the ids that
    /// its provider gave them; `None` if nobody remembers.
    fn of_answer(shared: &Shared, principal: &Principal, foreign: &Foreign) -> Option<Self> {
        let conversed = foreign.conversed.as_ref()?;
        let previous = conversed.previous.as_ref().filter(|it| it.is_there);
        let holder = conversed.holder.as_ref().filter(|it| it.is_there);
        let answer = previous.map(|it| &it.id).or(holder.map(|it| &it.answer))?;
        Self::found(shared, principal, &of_answer(answer))
    }

    fn found(shared: &Shared, principal: &Principal, name: &str) -> Option<Self> {
        let found = shared
            .belongings
            .find(&principal.key, name, shared.ticks())?;
        let mut parts = found.split(BREAK).map(str::to_owned);
        Some(Self {
            deployment: parts.next()?,
            provider: parts.next()?,
            key: parts.next()?,
        })
    }
}

/// The key of `target`'s that keeps what the request goes on from, or sealed what it
/// holds.
pub(super) fn key(plane: &Plane, ask: &Ask, target: &Deployment) -> Option<usize> {
    let keys = &target.provider.keys;
    if keys.len() < 2 {
        return None;
    }
    let (shared, foreign) = (&plane.shared, ask.foreign.as_ref()?);
    let kept = Home::of_answer(shared, &ask.principal, foreign);
    let home = kept.or_else(|| Home::of(shared, &ask.principal, foreign))?;
    let is_there = home.provider == target.provider.name.as_str();
    keys.iter()
        .position(|key| is_there && *key.id == *home.key.as_str())
}

/// A seal is long: its print will do.
fn name(seal: &str) -> String {
    let mut hasher = DefaultHasher::new();
    seal.hash(&mut hasher);
    format!("seal {:016x}", hasher.finish())
}

/// What the answer of this id is remembered by.
fn of_answer(id: &str) -> String {
    format!("answer {}", name(id))
}

/// Remembers whose the seals of one answer are, and the answer.
#[derive(Clone)]
pub(super) struct Seals {
    shared: Arc<Shared>,
    principal: Arc<Principal>,
    home: String,
    /// Whether the answer's id means something to one of several keys alone.
    is_of_one: bool,
}

impl Seals {
    /// For this target, with the key that is taken; `None` if it seals nothing.
    pub(super) fn of(
        plane: &Plane,
        ask: &Ask,
        target: &Deployment,
        theirs: Dialect,
    ) -> Option<Self> {
        if theirs != Dialect::Responses {
            return None;
        }
        let keys = &target.provider.keys;
        let key = ask.again.key.get().and_then(|at| keys.get(at));
        let key = key.map(|key| &*key.id).unwrap_or_default();
        let (deployment, provider) = (target.id.as_str(), target.provider.name.as_str());
        Some(Self {
            shared: Arc::clone(&plane.shared),
            principal: Arc::clone(&ask.principal),
            home: format!("{deployment}{BREAK}{provider}{BREAK}{key}"),
            is_of_one: keys.len() > 1,
        })
    }

    fn learn(&self, name: &String) {
        let (shared, owner) = (&self.shared, &self.principal.key);
        let now = shared.ticks();
        shared.belongings.learn(owner, &self.home, [name], now);
    }

    /// Remembers whose the answer of this id is.
    fn learn_answer(&self, id: &str) {
        if self.is_of_one && !id.is_empty() {
            self.learn(&of_answer(id));
        }
    }

    /// Remembers those of a whole answer.
    pub(super) fn keep(&self, answer: &Answer) {
        self.learn_answer(&answer.id);
        let blocks = answer.choices.iter().flat_map(|it| &it.content);
        for block in blocks {
            if let Block::Thinking(thinking) = block
                && let Some(seal) = sealed::seal(thinking)
            {
                self.learn(&name(seal));
            }
        }
    }

    /// The same of a stream.
    pub(super) fn reading(&self, reader: Box<dyn ReadStream>) -> Box<dyn ReadStream> {
        let seals = self.clone();
        Box::new(Reading { reader, seals })
    }
}

/// Reads a stream, and remembers its seals.
struct Reading {
    reader: Box<dyn ReadStream>,
    seals: Seals,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

impl ReadStream for Reading {
    fn push(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), Malformed> {
        let first = out.len();
        let read = self.reader.push(frame, out);
        for chunk in out.get(first..).unwrap_or_default() {
            match chunk {
                Chunk::Start { id, .. } => self.seals.learn_answer(id),
                Chunk::Grow {
                    delta: Delta::Signature(Signature { family, value }),
                    ..
                } if *family == Dialect::Responses => self.seals.learn(&name(value)),
                _ => {}
            }
        }
        read
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) {
        self.reader.finish(out);
    }
}
