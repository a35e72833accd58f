//! Conversations that the gateway keeps for its clients. `store` implements
//! the trait.

use std::time::Duration;

use bytes::Bytes;

use crate::counters::Answer;
use crate::ids::KeyId;
use crate::time::UnixMicros;

/// One turn of a conversation: what was asked, and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The answer's id, as the client has it.
    pub id: String,
    /// Whose. For every other key it does not exist.
    pub owner: KeyId,
    /// The turn that it goes on from.
    pub previous: Option<String>,
    /// When the answer was asked for.
    pub created: UnixMicros,
    /// When it is forgotten, if nobody goes on from it.
    pub expires: UnixMicros,
    /// The provider that answered.
    pub provider: String,
    /// The deployment that answered.
    pub deployment: String,
    /// Whether the provider keeps it too, under the same id.
    pub is_there: bool,
    /// The input of this turn alone: a JSON array of items.
    pub input: Bytes,
    /// The answer as the client saw it: a JSON object.
    pub answer: Bytes,
    /// Whether somebody works on the answer.
    pub work: Work,
    /// What streamed of an answer in the background: frames of events. A
    /// [`Turns::conversation`] leaves them out.
    pub events: Bytes,
}

/// Whether somebody works on an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Work {
    /// It is over; the answer says how it ended.
    #[default]
    Over,
    /// The process of this generation does.
    Runs(u64),
    /// The process that did has ended before it.
    Lost,
}

/// How an answer in the background has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Whose it is.
    pub owner: KeyId,
    /// Its id.
    pub id: String,
    /// When it is forgotten, if nobody goes on from it.
    pub expires: UnixMicros,
    /// The provider that answered; empty if none did.
    pub provider: String,
    /// The deployment that answered; empty if none did.
    pub deployment: String,
    /// The answer, which says how it ended: a JSON object.
    pub answer: Bytes,
    /// What has streamed of it: frames of events.
    pub events: Bytes,
}

/// How long turns are kept, and how large they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long; zero is never.
    pub keep: Duration,
    /// The most bytes of one turn, input and answer together.
    pub max_bytes: usize,
    /// The most answers that are worked on in the background at the same time.
    pub background: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * 24 * 60 * 60),
            max_bytes: 16 << 20,
            background: 100,
        }
    }
}

/// Which turn is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Who asks: only its own are found.
    pub owner: KeyId,
    /// The turn's id.
    pub id: String,
    /// What has expired by now is not found.
    pub now: UnixMicros,
}

/// The most that is read of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Turns.
    pub turns: usize,
    /// Bytes of all of them together.
    pub bytes: usize,
}

/// Why a conversation cannot be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unkept {
    /// An earlier turn was deleted or has expired.
    #[error("an earlier turn of the conversation is gone")]
    Gap,
    /// It is longer than what may be read.
    #[error("the conversation is longer than may be read")]
    TooLong,
    /// As much waits to be kept as may.
    #[error("too much waits to be kept")]
    Full,
    /// Where they are kept does not answer.
    #[error("{0}")]
    Failed(String),
}

/// Where conversations are kept. Nothing here waits on the caller's thread.
pub trait Turns: Send + Sync {
    /// Keeps a turn. It is durable once this answers; the turns before it are
    /// kept as long from then on.
    fn keep(&self, turn: Turn) -> Answer<Result<(), Unkept>>;

    /// A turn alone; `None` if there is none.
    fn turn(&self, wanted: Wanted) -> Answer<Result<Option<Turn>, Unkept>>;

    /// A turn and all before it, the oldest first; empty if there is none.
    fn conversation(&self, wanted: Wanted, reach: Reach) -> Answer<Result<Vec<Turn>, Unkept>>;

    /// Forgets a turn; says whether there was one.
    fn forget(&self, wanted: Wanted) -> Answer<Result<bool, Unkept>>;

    /// Keeps how an answer has ended that is worked on; says whether it was
    /// worked on until now. Who comes second changes nothing.
    fn finish(&self, finish: Finish) -> Answer<Result<bool, Unkept>>;

    /// Whether a turn is there and worked on.
    fn runs(&self, wanted: Wanted) -> Answer<Result<bool, Unkept>>;
}
