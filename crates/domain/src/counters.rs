//! Limits, as the way sees them. `store` implements the trait.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Ticks;

/// An answer that is there at once (in process) or comes later (a network).
pub enum Answer<T> {
    /// Here it is.
    Now(T),
    /// Wait for it.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> Answer<T> {
    /// The value, waited for if need be.
    pub async fn get(self) -> T {
        match self {
            Self::Now(value) => value,
            Self::Later(future) => future.await,
        }
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Measure {
    /// Requests in a window.
    Requests,
    /// Tokens in a window.
    Tokens,
    /// Requests running now; its window means nothing.
    Parallel,
    /// Nano-dollars in a window.
    Cost,
}

/// One limit that must have room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// Whose limit: `key:key_…`.
    pub subject: Arc<str>,
    /// What it counts.
    pub measure: Measure,
    /// How much the window holds.
    pub capacity: u64,
    /// The window's length; never more than `capacity` in any span of it.
    pub window: Duration,
    /// How much this request takes now.
    pub cost: u64,
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// What it counts.
    pub measure: Measure,
    /// The capacity.
    pub capacity: u64,
    /// What is left after this request.
    pub remaining: u64,
    /// Until the window is empty again, if nothing else comes.
    pub reset: Duration,
}

/// A limit without room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Full {
    /// Which ask failed, by position.
    pub ask: usize,
    /// What is left of each limit.
    pub room: Vec<Room>,
    /// When there will be room; `None` if the cost exceeds the capacity.
    pub retry_after: Option<Duration>,
}

/// Room that was taken. Dropping it gives parallel slots back and leaves the
/// rest as taken.
pub trait Taken: Send {
    /// What is left of each limit.
    fn room(&self) -> &[Room];

    /// Corrects the tokens taken to what was really used.
    fn settle(&mut self, tokens: u64, now: Ticks);
}

/// Takes from all limits or from none.
pub trait Counters: Send + Sync {
    /// Takes `asks`, all or nothing.
    fn take(&self, asks: &[Ask], now: Ticks) -> Answer<Result<Box<dyn Taken>, Full>>;
}
