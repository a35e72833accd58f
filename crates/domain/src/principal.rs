//! Who is asking: a virtual key and what it may do.

use serde::{Deserialize, Serialize};

use crate::ids::{KeyId, TenantId};
use crate::time::UnixMicros;

/// Limits of one key; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests in any span of 60 seconds.
    pub requests_per_minute: Option<u64>,
    /// Tokens, prompt and answer, in any span of 60 seconds.
    pub tokens_per_minute: Option<u64>,
    /// Requests running at the same time.
    pub parallel_requests: Option<u64>,
}

/// A virtual key as stored: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The key's public id.
    pub key: KeyId,
    /// Whose key it is.
    pub tenant: TenantId,
    /// What its owner calls it.
    pub name: String,
    /// When it stops working.
    pub expires: Option<UnixMicros>,
    /// When it was revoked, if it was.
    pub revoked: Option<UnixMicros>,
    /// Model names it may use, `*` at the end matches any rest;
    /// `None` is all of them, an empty list none.
    pub models: Option<Vec<String>>,
    /// Its limits.
    pub limits: Limits,
}

impl Principal {
    /// Whether the key works at `now`.
    #[must_use]
    pub fn is_valid(&self, now: UnixMicros) -> bool {
        self.revoked.is_none_or(|at| at > now) && self.expires.is_none_or(|at| at > now)
    }

    /// Whether the key may use the model of this name.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        let Some(allowed) = &self.models else {
            return true;
        };
        allowed
            .iter()
            .any(|pattern| crate::pattern::fits(pattern, model))
    }
}
