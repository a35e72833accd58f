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

    /// Whether the key may use every model that a provider has or will have:
    /// `*`, or `provider/*`.
    #[must_use]
    pub fn may_use_all_of(&self, provider: &str) -> bool {
        let covers = |pattern: &String| {
            let start = pattern.strip_suffix('*');
            start.is_some_and(|start| match start.strip_prefix(provider) {
                Some(rest) => rest.is_empty() || rest == "/",
                None => provider.starts_with(start),
            })
        };
        self.models
            .as_ref()
            .is_none_or(|allowed| allowed.iter().any(covers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_use_all_of_openai(models: Option<&[&str]>) -> bool {
        let all = |models: &[&str]| models.iter().map(ToString::to_string).collect();
        let principal = Principal {
            key: "k".into(),
            tenant: "t".into(),
            name: String::new(),
            expires: None,
            revoked: None,
            models: models.map(all),
            limits: Limits::default(),
        };
        principal.may_use_all_of("openai")
    }

    #[test]
    fn a_key_for_all_models_of_a_provider_is_told_from_one_for_some() {
        assert!(may_use_all_of_openai(None));
        for all in ["*", "open*", "openai*", "openai/*"] {
            assert!(may_use_all_of_openai(Some(&["x", all])), "{all}");
        }
        assert!(!may_use_all_of_openai(Some(&[])));
        for some in [
            "openai",
            "openai/gpt*",
            "openai/",
            "gpt-4o",
            "openai2/*",
            "azure/*",
        ] {
            assert!(!may_use_all_of_openai(Some(&[some])), "{some}");
        }
    }
}
