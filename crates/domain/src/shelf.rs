//! Answers kept for reuse. `store` implements the trait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::counters::Answer;
use crate::time::Ticks;
use crate::usage::Usage;

/// SHA-256 over all that makes two requests the same.
pub type ShelfKey = [u8; 32];

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelved {
    /// Whether `body` is an event stream; else it is one JSON document.
    pub streamed: bool,
    /// The bytes that the client got, after every guard.
    pub body: Bytes,
    /// What it used when it was made.
    pub usage: Usage,
    /// The model that answered, as it was asked for at the provider.
    pub model: String,
    /// The provider that answered.
    pub provider: String,
    /// What it cost when it was made; what a hit saves.
    pub cost: Option<crate::money::NanoUsd>,
    /// When it was put.
    pub stored: Ticks,
    /// How long it may be served.
    pub ttl: Duration,
}

/// A bounded store of answers.
pub trait Shelf: Send + Sync {
    /// The answer under this key, if it is still fresh at `now`.
    fn get(&self, key: &ShelfKey, now: Ticks) -> Answer<Option<Arc<Shelved>>>;

    /// Keeps an answer.
    fn put(&self, key: ShelfKey, answer: Arc<Shelved>);
}
