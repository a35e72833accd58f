//! Limits, as the way sees them. `store` implements the trait.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::calendar::{Period, Unit};
use crate::time::Now;

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

/// In which time a limit counts.
///
/// Another process is told it, perhaps one of another version: a length stands
/// there as it always did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Span {
    /// Never more than the capacity in any span of this length.
    Rolling(Duration),
    /// Never more in this period of a calendar.
    Period {
        /// What kind of period it is: two kinds are counted apart.
        unit: Unit,
        /// The period that holds the moment of asking.
        period: Period,
    },
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
    /// In which time.
    pub window: Span,
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Full {
    /// Which ask failed, by position.
    pub ask: usize,
    /// What is left of each limit.
    pub room: Vec<Room>,
    /// When there will be room; `None` if the cost exceeds the capacity, or
    /// nobody knows.
    pub retry_after: Option<Duration>,
    /// Whether what keeps it out is what others have reserved and not yet used:
    /// it may fit once they end.
    #[serde(default)]
    pub is_pending: bool,
}

/// What a request used, for those limits that are about that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Tokens, prompt and answer.
    pub tokens: u64,
    /// Nano-dollars.
    pub cost: u64,
}

impl Used {
    /// How much of this measure; `None` if it is not about what is used.
    #[must_use]
    pub fn of(self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Tokens => Some(self.tokens),
            Measure::Cost => Some(self.cost),
            Measure::Requests | Measure::Parallel => None,
        }
    }
}

/// Who comes first of those that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Higher ones come first.
    pub priority: u8,
    /// Of those with one priority, tenants take turns.
    pub tenant: Arc<str>,
    /// Whether it waits for time to pass too, not only for others to end.
    pub is_patient: bool,
}

/// Room that was taken. Dropping it gives back parallel slots, and what was
/// reserved and never settled; the rest stays taken.
pub trait Taken: Send {
    /// What is left of each limit.
    fn room(&self) -> &[Room];

    /// Reserves more of what limits on use count, all or nothing.
    fn extend(&mut self, more: Used, now: Now) -> bool;

    /// Corrects what was reserved to what was really used.
    fn settle(&mut self, used: Used, now: Now);
}

/// Room, or why there is none.
pub type Granted = Result<Box<dyn Taken>, Full>;

/// Takes from all limits or from none.
pub trait Counters: Send + Sync {
    /// Takes `asks`, all or nothing.
    fn take(&self, asks: &[Ask], now: Now) -> Answer<Granted>;

    /// Waits until there is room, or until there cannot be by waiting for others
    /// to end. Whoever drops the future waits no more.
    fn queue(
        &self,
        asks: Vec<Ask>,
        rank: Rank,
        now: Now,
    ) -> Pin<Box<dyn Future<Output = Granted> + Send>>;

    /// Time has passed: those that wait are looked at again.
    fn nudge(&self, now: Now);

    /// A request was refused for want of this room, and nobody asks for it with less:
    /// what is left is too little, whatever it is.
    fn refused(&self, ask: &Ask, now: Now);
}
