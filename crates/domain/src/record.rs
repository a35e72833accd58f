//! What the journal keeps of a request.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::ids::{DeploymentId, KeyId, ModelName, PartyId, ProviderName, TenantId, TicketId};
use crate::money::NanoUsd;
use crate::time::UnixMicros;
use crate::usage::{Usage, UsageSource};

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// Written before the first byte goes upstream.
    Opened(Opened),
    /// Written before the last byte of the answer goes out.
    Settled(Box<Settled>),
}

impl Record {
    /// The request that the record belongs to.
    #[must_use]
    pub fn ticket(&self) -> TicketId {
        match self {
            Self::Opened(opened) => opened.ticket,
            Self::Settled(settled) => settled.ticket,
        }
    }
}

/// A request is about to go upstream; said again when it goes to another
/// target, and while one passes through unread. A ticket with this record and no [`Settled`] was in flight when the
/// process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Which request.
    pub ticket: TicketId,
    /// When it came.
    pub at: UnixMicros,
    /// Whose.
    pub tenant: TenantId,
    /// By which key.
    pub key: KeyId,
    /// `chat`, `completion`, `embedding`, `pass_through`, and what asks nobody
    /// and costs nothing: `count_tokens`, `dry_run`.
    pub operation: Cow<'static, str>,
    /// The model that was asked for.
    pub model: ModelName,
    /// Upper bound of the tokens it may use.
    pub reserved_tokens: u64,
    /// What was asked of whom; `None` in records of versions that did not say.
    /// A journal's block carries it beside the record (decision 2), the store
    /// in its own row.
    #[serde(skip)]
    pub asked: Option<Asked>,
    /// Who asks below the tenant and beside the key, where anybody does. Beside
    /// the record too.
    #[serde(skip)]
    pub who: Option<Box<Who>>,
    /// The client's address, as far as it is known. Beside the record too.
    #[serde(skip)]
    pub from: Option<IpAddr>,
}

/// Who asks, below the tenant and beside the key, and what was done about their
/// limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The key's team.
    pub team: Option<PartyId>,
    /// Its app.
    pub app: Option<PartyId>,
    /// Its user.
    pub user: Option<PartyId>,
    /// The end user that the application names.
    pub end_user: Option<String>,
    /// The session that it names.
    pub session: Option<String>,
    /// Tags, inherited ones included.
    pub tags: Vec<(String, String)>,
    /// The model that was asked for, where a limit had another one asked.
    pub degraded_from: Option<ModelName>,
    /// Whether it cost more than was reserved for it: the bound was none.
    pub overrun: bool,
}

impl Opened {
    /// Whether the same request may have been announced before: to go to another
    /// target, or with fewer bytes.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        let is_later = |asked: &Asked| asked.attempts > 1 || asked.passed.is_some();
        self.asked.as_ref().is_some_and(is_later)
    }
}

/// What is known of a request when it goes upstream: enough to book it with
/// its prompt if nobody hears of it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whether the client asked for a stream.
    pub streamed: bool,
    /// The provider that is asked.
    pub provider: ProviderName,
    /// The deployment that is asked.
    pub deployment: DeploymentId,
    /// How many times an upstream was asked, this one included.
    pub attempts: u32,
    /// The gateway's own count of the prompt, in tokens.
    pub prompt: u64,
    /// Where that number comes from.
    pub usage_source: UsageSource,
    /// What the prompt costs; `None` where the price is unknown.
    pub cost: Option<NanoUsd>,
    /// The bytes that have passed through unread, where that is what it does:
    /// a journal's block and the store carry them beside the rest.
    #[serde(skip)]
    pub passed: Option<Passed>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The whole answer went out.
    Complete,
    /// Refused by the gateway; the reason's code stands in `error`.
    Refused,
    /// The upstream refused or failed before any content.
    UpstreamFailed,
    /// The upstream broke off after the first content.
    UpstreamBroke,
    /// The client left.
    ClientLeft,
    /// A guard ended the answer.
    GuardEnded,
    /// In flight when the process ended; written at the next start.
    Lost,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Complete,
        Self::Refused,
        Self::UpstreamFailed,
        Self::UpstreamBroke,
        Self::ClientLeft,
        Self::GuardEnded,
        Self::Lost,
    ];

    /// The one that [`Outcome::as_str`] calls so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// A stable word for columns, labels and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Refused => "refused",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpstreamBroke => "upstream_broke",
            Self::ClientLeft => "client_left",
            Self::GuardEnded => "guard_ended",
            Self::Lost => "lost",
        }
    }
}

/// What is known of a request before anything came of it.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Which request.
    pub ticket: TicketId,
    /// When it came.
    pub at: UnixMicros,
    /// Whose.
    pub tenant: TenantId,
    /// By which key.
    pub key: KeyId,
    /// `chat`, `completion`, `embedding`, `pass_through`, and what asks nobody
    /// and costs nothing: `count_tokens`, `dry_run`.
    pub operation: Cow<'static, str>,
}

/// A request's end: all that accounting and audit need, by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Which request.
    pub ticket: TicketId,
    /// When it came.
    pub opened: UnixMicros,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Until the first content, in microseconds.
    pub first_content_us: Option<u64>,
    /// Whose.
    pub tenant: TenantId,
    /// By which key.
    pub key: KeyId,
    /// `chat`, `completion`, `embedding`, `pass_through`, and what asks nobody
    /// and costs nothing: `count_tokens`, `dry_run`.
    pub operation: Cow<'static, str>,
    /// Whether the client asked for a stream.
    pub streamed: bool,
    /// The model that was asked for.
    pub model: Option<ModelName>,
    /// The provider that answered last.
    pub provider: Option<ProviderName>,
    /// The deployment that answered last.
    pub deployment: Option<DeploymentId>,
    /// The model's name in the answer.
    pub answered_model: Option<String>,
    /// How many times an upstream was asked.
    pub attempts: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status that the client got.
    pub status: u16,
    /// A refusal's code.
    pub error: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// Where the tokens come from.
    pub usage_source: UsageSource,
    /// The cost; `None` where the price is unknown or nothing was used.
    pub cost: Option<NanoUsd>,
    /// The model has no price: the cost is missing, not zero.
    pub price_missing: bool,
    /// Served from the shelf; `saved` is what it would have cost.
    pub cache_hit: bool,
    /// What the cache saved.
    pub saved: Option<NanoUsd>,
    /// Names of guards that found something, with counts.
    pub findings: Vec<(String, u32)>,
    /// The bytes of what passed through unread. Few requests do: a journal's
    /// block carries them beside the record (decision 2).
    #[serde(skip)]
    pub passed: Option<Passed>,
    /// Who asked below the tenant and beside the key, where anybody did. Beside
    /// the record too.
    #[serde(skip)]
    pub who: Option<Box<Who>>,
    /// The client's address, as far as it is known. Beside the record too.
    #[serde(skip)]
    pub from: Option<IpAddr>,
    /// What was decided on the way, where anything was. Beside the record too.
    #[serde(skip)]
    pub decided: Option<Box<Decided>>,
}

/// What policy and limits decided about a request, for the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What guards found, each kind of finding once, with its count.
    pub found: Vec<Found>,
    /// The sentence of the refusal, which names the limit and its holder. It holds
    /// no text of a prompt or an answer.
    pub refusal: Option<String>,
    /// Targets that were asked and did not answer, in order, and what was wrong.
    pub tried: Vec<(DeploymentId, String)>,
}

/// Something that a guard found; never the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The guard's configured name.
    pub guard: String,
    /// What was found: `deny`, `too_long`.
    pub kind: String,
    /// What policy wanted done: `observe`, `block`.
    pub action: String,
    /// How many times.
    pub count: u32,
}

/// The bodies of a request that passed through, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Of the request, as many as went upstream.
    pub bytes_in: u64,
    /// Of the answer, as many as went out.
    pub bytes_out: u64,
}

impl Settled {
    /// A request that ended at once: nothing asked, nothing used.
    #[must_use]
    pub fn at_once(begun: Begun, outcome: Outcome, status: u16) -> Self {
        Self {
            ticket: begun.ticket,
            opened: begun.at,
            duration_us: 0,
            first_content_us: None,
            tenant: begun.tenant,
            key: begun.key,
            operation: begun.operation,
            streamed: false,
            model: None,
            provider: None,
            deployment: None,
            answered_model: None,
            attempts: 0,
            outcome,
            status,
            error: None,
            usage: Usage::default(),
            usage_source: UsageSource::None,
            cost: None,
            price_missing: false,
            cache_hit: false,
            saved: None,
            findings: Vec::new(),
            passed: None,
            who: None,
            from: None,
            decided: None,
        }
    }
}
