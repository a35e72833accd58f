//! The cache of answers, as a whole; policies switch it on.

use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::{Size, Span};

/// The cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Memory that answers may take.
    pub max_bytes: Size,
    /// Whether a request may switch it on by header, and for how long.
    pub on_request: Option<Span>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            max_bytes: Size(64 << 20),
            on_request: None,
        }
    }
}

impl Cache {
    /// Answers that are kept for no time are not kept.
    pub fn validate(&self, report: &mut Report<'_>) {
        if self.on_request.is_some_and(|ttl| ttl.0.is_zero()) {
            report.wrong(
                "cache.on_request",
                "answers kept for no time are not kept",
                "leave it out to forbid it",
            );
        }
    }
}
