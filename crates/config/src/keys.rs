//! Virtual keys that the file declares, beside those in the store.

use std::collections::HashSet;

use domain::ids::KeyId;
use domain::principal::{Limits as Room, Principal};
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::policies::check_pattern;
use super::scalars::Moment;
use super::secret::SecretRef;
use super::source::{index, key};

/// A declared key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// The key itself, by reference.
    pub key: SecretRef,
    /// Models it may use; all if unset.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// When it stops working.
    #[serde(default)]
    pub expires: Option<Moment>,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
}

/// Limits of a key; what is unset is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests in any 60 seconds.
    pub requests_per_minute: Option<u64>,
    /// Tokens in any 60 seconds.
    pub tokens_per_minute: Option<u64>,
    /// Requests running at the same time.
    pub parallel_requests: Option<u64>,
}

impl Key {
    /// The public id: it says where the key was declared, and stays the same.
    pub fn id(&self) -> KeyId {
        format!("key_config_{}", self.name).into()
    }

    /// Who it is.
    pub fn principal(&self) -> Principal {
        Principal {
            key: self.id(),
            tenant: "default".into(),
            name: self.name.clone(),
            expires: self.expires.map(|at| at.0),
            revoked: None,
            models: self.models.clone(),
            limits: Room {
                requests_per_minute: self.limits.requests_per_minute,
                tokens_per_minute: self.limits.tokens_per_minute,
                parallel_requests: self.limits.parallel_requests,
            },
        }
    }
}

/// Names given once, limits that let something through.
pub fn validate(keys: &[Key], report: &mut Report<'_>) {
    let mut names = HashSet::new();
    for (at, declared) in keys.iter().enumerate() {
        let path = index("keys", at);
        let name = declared.name.as_str();
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if !plain {
            report.wrong(
                &key(&path, "name"),
                format!("`{name}` is no name for a key"),
                "use letters, digits, `-`, `_` and `.`",
            );
        }
        if !names.insert(name) {
            report.wrong(
                &key(&path, "name"),
                format!("the key `{name}` stands twice"),
                "rename one of them",
            );
        }
        let shout = name.to_ascii_uppercase().replace(['-', '.'], "_");
        declared
            .key
            .validate(&key(&path, "key"), &format!("{shout}_KEY"), report);
        for (i, pattern) in declared.models.iter().flatten().enumerate() {
            check_pattern(pattern, &index(&key(&path, "models"), i), report);
        }
        let limits = key(&path, "limits");
        for (field, value) in [
            ("requests_per_minute", declared.limits.requests_per_minute),
            ("tokens_per_minute", declared.limits.tokens_per_minute),
            ("parallel_requests", declared.limits.parallel_requests),
        ] {
            if value == Some(0) {
                report.wrong(
                    &key(&limits, field),
                    "a limit of 0 lets nothing through",
                    "leave it out for no limit; to stop the key, remove it",
                );
            }
        }
    }
}
