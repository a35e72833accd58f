//! Retries, and when a deployment is benched.

use domain::policy::RetryPolicy;
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::Span;

/// Retries; all fields have defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Further attempts after the first.
    pub retries: u32,
    /// The first pause.
    pub backoff: Span,
    /// The longest pause.
    pub max_backoff: Span,
    /// Failures in a row that bench a deployment.
    pub allowed_fails: u32,
    /// How long it rests.
    pub cooldown: Span,
}

impl Default for Retry {
    fn default() -> Self {
        let usual = RetryPolicy::default();
        Self {
            retries: usual.retries,
            backoff: Span(usual.backoff),
            max_backoff: Span(usual.max_backoff),
            allowed_fails: usual.allowed_fails,
            cooldown: Span(usual.cooldown),
        }
    }
}

impl Retry {
    /// Pauses in their order, attempts in bounds.
    pub fn validate(&self, report: &mut Report<'_>) {
        if self.retries > 20 {
            report.wrong(
                "retry.retries",
                format!(
                    "{} retries would hammer an upstream that is down",
                    self.retries
                ),
                "20 is the most; the default is 2",
            );
        }
        if self.backoff.0 > self.max_backoff.0 {
            report.wrong(
                "retry.max_backoff",
                format!(
                    "the longest pause ({}) is shorter than the first ({})",
                    self.max_backoff, self.backoff
                ),
                format!("write `max_backoff: {}` or more", self.backoff),
            );
        }
        if self.allowed_fails == 0 {
            report.wrong(
                "retry.allowed_fails",
                "0 would bench every deployment at once",
                "1 benches after the first failure; the default is 3",
            );
        }
    }

    /// As the gateway reads them.
    pub fn policy(&self) -> RetryPolicy {
        RetryPolicy {
            retries: self.retries,
            backoff: self.backoff.0,
            max_backoff: self.max_backoff.0,
            allowed_fails: self.allowed_fails,
            cooldown: self.cooldown.0,
        }
    }
}
