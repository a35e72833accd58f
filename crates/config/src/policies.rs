//! Policies: which system rules, guards and cache apply to whom.

use std::collections::HashSet;

use domain::policy::SystemRule;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Report;
use super::ordered::Ordered;
use super::scalars::Span;
use super::source::{index, key};
use domain::suggest;

/// One named policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Models it applies to; empty is all.
    #[serde(default)]
    pub models: Vec<String>,
    /// Ids or names of keys it applies to; empty is all.
    #[serde(default)]
    pub keys: Vec<String>,
    /// System rules, in order.
    #[serde(default)]
    pub system: Vec<System>,
    /// Names of guards, in order.
    #[serde(default)]
    pub guards: Vec<String>,
    /// Reuse of answers.
    #[serde(default)]
    pub cache: Option<Reuse>,
}

/// `prepend: text` or `append: text`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct System {
    /// Stands first of all messages.
    pub prepend: Option<String>,
    /// Stands behind the client's own system messages.
    pub append: Option<String>,
}

impl System {
    /// The rules, as the gateway reads them.
    pub fn rules(&self) -> impl Iterator<Item = SystemRule> {
        let prepend = self.prepend.clone().map(SystemRule::Prepend);
        let append = self.append.clone().map(SystemRule::Append);
        prepend.into_iter().chain(append)
    }
}

/// How long answers are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reuse {
    /// Time to live.
    pub ttl: Span,
}

/// Names given once, guards that exist, patterns that can match.
pub fn validate(policies: &[Policy], guards: &Ordered<Value>, report: &mut Report<'_>) {
    let known: HashSet<&str> = guards.names().collect();
    let mut names = HashSet::new();
    for (at, policy) in policies.iter().enumerate() {
        let path = index("policies", at);
        if !names.insert(policy.name.as_str()) {
            report.wrong(
                &key(&path, "name"),
                format!("the policy `{}` stands twice", policy.name),
                "rename one of them",
            );
        }
        for (i, guard) in policy.guards.iter().enumerate() {
            if !known.contains(guard.as_str()) && !report.is_full() {
                report.wrong(
                    &index(&key(&path, "guards"), i),
                    format!("no guard is called `{guard}`"),
                    suggest::help(guard, guards.names()),
                );
            }
        }
        for (i, pattern) in policy.models.iter().enumerate() {
            check_pattern(pattern, &index(&key(&path, "models"), i), report);
        }
        for (i, system) in policy.system.iter().enumerate() {
            if system.rules().next().is_none() {
                report.wrong(
                    &index(&key(&path, "system"), i),
                    "the rule says nothing",
                    "write `prepend: \"…\"` or `append: \"…\"`",
                );
            }
        }
        if policy.cache.as_ref().is_some_and(|c| c.ttl.0.is_zero()) {
            report.wrong(
                &key(&path, "cache.ttl"),
                "answers kept for no time are not kept",
                "leave `cache` out to switch it off",
            );
        }
    }
}

/// A `*` means something at the end only.
pub fn check_pattern(pattern: &str, at: &str, report: &mut Report<'_>) {
    let start = pattern.strip_suffix('*').unwrap_or(pattern);
    if pattern.is_empty() || start.contains('*') {
        report.wrong(
            at,
            format!("`{pattern}` can match no model"),
            "write a name, or its start and one `*` at the end, like `gpt-*`",
        );
    }
}
