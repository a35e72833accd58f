//! What models thought before they called tools, signed, kept for clients that
//! do not send it back. `store` implements the trait.

use std::sync::Arc;
use std::time::Duration;

use crate::canon::{Signature, Thinking};
use crate::counters::Answer;
use crate::ids::{KeyId, TenantId};
use crate::time::Ticks;

/// Whose reasoning, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReasoningKey {
    /// The tenant that asked.
    pub tenant: TenantId,
    /// The key that asked. For every other key there is nothing.
    pub key: KeyId,
    /// Where its signatures hold: a family of models, or one provider.
    pub scope: Arc<str>,
    /// The id of the tool's call, as the client has it.
    pub call: String,
}

/// What belongs before a call, or to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptReasoning {
    /// The provider that gave it.
    pub provider: String,
    /// A hash of the call's name and arguments: another call by the same id
    /// gets nothing.
    pub of: u64,
    /// What the answer began with, if this is its first call.
    pub opening: Vec<Thinking>,
    /// What stood later, before this call and behind the one before it.
    pub before: Vec<Thinking>,
    /// What proves that the provider made the call itself.
    pub signature: Option<Signature>,
}

impl KeptReasoning {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opening.is_empty() && self.before.is_empty() && self.signature.is_none()
    }

    /// About what it takes in memory, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let signed =
            |signature: &Option<Signature>| signature.as_ref().map_or(0, |it| it.value.len());
        let thoughts = self.opening.iter().chain(&self.before);
        let thoughts =
            thoughts.map(|it| it.text.len() + signed(&it.signature) + size_of::<Thinking>());
        size_of::<Self>() + self.provider.len() + signed(&self.signature) + thoughts.sum::<usize>()
    }
}

/// A bounded store of reasoning. What it has lost is no fault: the model then
/// goes on without it.
pub trait ReasoningStore: Send + Sync {
    /// What is kept under this key; its time begins anew.
    fn get(&self, key: &ReasoningKey, now: Ticks) -> Answer<Option<Arc<KeptReasoning>>>;

    /// Keeps it until nobody has asked for it for `keep`.
    fn put(&self, key: ReasoningKey, kept: Arc<KeptReasoning>, keep: Duration, now: Ticks);
}
