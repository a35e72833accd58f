//! Who is told of budgets that are nearly spent, and of what is wrong in the
//! books.

use serde::{Deserialize, Serialize};

use super::error::Report;
use super::secret::SecretRef;

/// A webhook; without one events stand in the log and in the metrics alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Its URL, which may be a secret itself.
    pub webhook: Option<SecretRef>,
    /// What its requests are signed with.
    pub secret: Option<SecretRef>,
}

impl Alerts {
    /// A secret signs nothing without a webhook; a URL is one.
    pub fn validate(&self, report: &mut Report<'_>) {
        if let Some(secret) = &self.secret {
            secret.validate("alerts.secret", "ALERTS_SECRET", report);
            if self.webhook.is_none() {
                report.wrong(
                    "alerts.secret",
                    "there is no webhook whose requests it could sign",
                    "set `alerts.webhook` too, or leave it out",
                );
            }
        }
        let Some(webhook) = &self.webhook else {
            return;
        };
        if webhook.is_literal() && !webhook.is_url() {
            report.wrong(
                "alerts.webhook",
                "this is no URL",
                "write `https://example.com/hook`, or `env:ALERTS_WEBHOOK`",
            );
        }
    }
}
