//! What applies to a request beside its model: system rules, guards, cache.

use std::sync::Arc;
use std::time::Duration;

use crate::guard::Guard;
use crate::model::Model;

/// A text that stands before or after the client's own system message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemRule {
    /// Stands first of all messages.
    Prepend(String),
    /// Stands behind the client's own system messages.
    Append(String),
}

/// Retries and fallbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Further attempts after the first, over all deployments.
    pub retries: u32,
    /// The first pause; doubled each time, with jitter.
    pub backoff: Duration,
    /// The longest pause, and the longest `retry-after` that is waited for.
    pub max_backoff: Duration,
    /// Failures in a row that bench a deployment.
    pub allowed_fails: u32,
    /// How long a benched deployment rests.
    pub cooldown: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 2,
            backoff: Duration::from_millis(250),
            max_backoff: Duration::from_secs(5),
            allowed_fails: 3,
            cooldown: Duration::from_secs(30),
        }
    }
}

/// One named policy: to whom it applies and what it does.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Models it applies to (`*` at the end matches any rest); empty is all.
    pub models: Vec<String>,
    /// Ids or names of keys it applies to; empty is all.
    pub keys: Vec<String>,
    /// System rules, in order.
    pub system: Vec<SystemRule>,
    /// Guards, in order.
    pub guards: Vec<Arc<dyn Guard>>,
    /// How long complete answers are kept and reused; `None` does not say.
    pub cache: Option<Duration>,
}

impl Policy {
    /// Whether the policy may apply to what this key asks, whichever model
    /// that is.
    #[must_use]
    pub fn concerns(&self, key_id: &str, key_name: &str) -> bool {
        self.keys.is_empty() || self.keys.iter().any(|k| k == key_id || k == key_name)
    }

    /// Whether it reads or changes what is said: nothing may then pass by it
    /// unread.
    #[must_use]
    pub fn handles_content(&self) -> bool {
        !self.system.is_empty() || !self.guards.is_empty()
    }

    /// Whether the policy applies to this model, under any of its names
    /// ([`Model::names`]), and this key.
    #[must_use]
    pub fn applies(&self, model: &Model, key_id: &str, key_name: &str) -> bool {
        let fits = |pattern: &String| model.fits(pattern);
        (self.models.is_empty() || self.models.iter().any(fits)) && self.concerns(key_id, key_name)
    }
}
