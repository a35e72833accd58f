//! What the audit log keeps: one entry a call, a change by people, a minute of
//! strangers. How an entry is written stands in the crate `audit`; where it can be
//! looked up, in `store`.

use crate::ids::TenantId;
use crate::record::Settled;
use crate::time::UnixMicros;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A process began to write the log.
    Start(Start),
    /// A call ended, however it did.
    Call(Box<Settled>),
    /// Somebody changed something.
    Change(Box<Logged>),
    /// Requests without a valid key.
    Strangers(Strangers),
}

impl Entry {
    /// What it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Call(_) => "call",
            Self::Change(_) => "change",
            Self::Strangers(_) => "strangers",
        }
    }

    /// When it happened, or began to.
    #[must_use]
    pub fn at(&self) -> UnixMicros {
        match self {
            Self::Start(start) => start.at,
            Self::Call(call) => call.opened,
            Self::Change(logged) => logged.change.at,
            Self::Strangers(strangers) => strangers.minute,
        }
    }
}

/// The begin of a process, and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// When.
    pub at: UnixMicros,
    /// Its version.
    pub version: String,
    /// Its generation, which the tickets of its requests carry.
    pub generation: u64,
    /// Rows of the ledger that no log has: of a time without one.
    pub unlogged: u64,
    /// For how long the ledger keeps rows, in microseconds; for ever if `None`.
    pub keep: Option<u64>,
}

/// Who changed what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminChange {
    /// When.
    pub at: UnixMicros,
    /// Who: `cli:root@host`.
    pub actor: String,
    /// What was done: `key.create`, `team.edit`.
    pub action: String,
    /// To which object: its id.
    pub object: String,
    /// Whose object it is.
    pub tenant: TenantId,
    /// How it was, as JSON; `None` if it was not.
    pub before: Option<String>,
    /// How it is, as JSON.
    pub after: Option<String>,
}

/// A change with its place among all that were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The row that it has in the store.
    pub id: i64,
    /// The change.
    pub change: AdminChange,
}

/// Refusals before identity, of one source within one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strangers {
    /// The minute's begin.
    pub minute: UnixMicros,
    /// The source's network (24 bits of IPv4, 48 of IPv6); `None` where it is
    /// not known, or where there were too many to tell apart.
    pub source: Option<String>,
    /// The refusal's code.
    pub reason: String,
    /// How many.
    pub count: u64,
}
