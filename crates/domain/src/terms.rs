//! What somebody set for a tenant, team, app, user or key. A level below
//! inherits it: of what has one value the nearest wins, and every ceiling
//! holds for all below.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::contract::Contract;
use crate::limit::Limit;
use crate::network::Network;

/// What a request may ask for, beside its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// An answer in pieces.
    Streaming,
    /// Tools, the provider's own included.
    Tools,
    /// Images in the prompt.
    Images,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 3] = [Self::Streaming, Self::Tools, Self::Images];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Tools => "tools",
            Self::Images => "images",
        }
    }
}

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Chat in any dialect, stored conversations included.
    Chat,
    /// `/v1/completions`.
    Completion,
    /// Embeddings in any dialect.
    Embedding,
    /// Counts of tokens in any dialect.
    CountTokens,
    /// `/providers/{name}/…`.
    PassThrough,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::Completion,
        Self::Embedding,
        Self::CountTokens,
        Self::PassThrough,
    ];

    /// As it is written; what records call the operation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Embedding => "embedding",
            Self::CountTokens => "count_tokens",
            Self::PassThrough => "pass_through",
        }
    }
}

/// What to do with a request that a limit has no room for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Refuse it at once.
    #[default]
    Refuse,
    /// Let it wait for room, so long at most.
    Queue(Wait),
    /// Ask this model instead.
    Degrade(String),
}

/// A length of time in milliseconds; `30s` in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait(pub u64);
crate::as_text!(Wait);

impl std::str::FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 1),
            (_, Some(number)) => (number, 1_000),
            _ => (text.strip_suffix('m').unwrap_or_default(), 60_000),
        };
        let millis = number
            .parse::<u64>()
            .ok()
            .and_then(|it| it.checked_mul(scale));
        millis
            .filter(|it| *it <= LONGEST_WAIT)
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "`{text}` is no time to wait; write it like `500ms`, `30s` or `5m`, 1h at most"
                )
            })
    }
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.is_multiple_of(1_000) {
            true => write!(f, "{}s", self.0 / 1_000),
            false => write!(f, "{}ms", self.0),
        }
    }
}

/// Nobody waits longer for room.
const LONGEST_WAIT: u64 = 3_600_000;

/// The terms of one level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// Models that may be used, `*` at the end matches any rest; `None` is all
    /// of them, an empty list none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Kinds of requests that may be made; `None` is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<Route>>,
    /// What requests may not ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Feature>,
    /// Where requests may come from; `None` is anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<Network>>,
    /// Limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// Budgets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// Prices by contract, instead of the catalogue's. The nearest win, the first
    /// of them that fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Contract>,
    /// What to do when one of them is reached. The nearest wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when_full: Option<WhenFull>,
    /// Who waits less than others for room: 0 to 9, 5 if unsaid. The nearest
    /// wins, and is never above that of a level above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Where costs are booked: `cost_center: "4711"`. The nearest of a name wins.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Tags that every request must carry, its own or inherited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<String>,
    /// What people note of it; the gateway does not look at it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// The priority of who has none.
pub const USUAL_PRIORITY: u8 = 5;
/// The highest priority.
pub const HIGHEST_PRIORITY: u8 = 9;
/// The most tags that one level may set, and the longest of them, in bytes.
pub const MOST_TAGS: usize = 32;
/// The longest name or value of a tag, in bytes.
pub const LONGEST_TAG: usize = 128;

impl Terms {
    /// What is wrong with them, field by field.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut wrong = |field: String, what: String| faults.push((field, what));
        for (at, limit) in self.limits.iter().enumerate() {
            if limit.amount == 0 {
                wrong(
                    format!("limits[{at}]"),
                    "a limit of 0 lets nothing through".into(),
                );
            }
        }
        let is_same = |one: &Limit, two: &Limit| {
            let apart = |it: &Limit| (it.measure, it.window.clone(), it.by.clone());
            apart(one) == apart(two) && one.models == two.models
        };
        for (at, limit) in self.limits.iter().enumerate() {
            if self.limits[..at].iter().any(|other| is_same(limit, other)) {
                wrong(
                    format!("limits[{at}]"),
                    "it limits the same as one above it".into(),
                );
            }
        }
        for (at, budget) in self.budgets.iter().enumerate() {
            let is_same = |it: &Budget| it.hard == budget.hard && is_same(&it.limit, &budget.limit);
            if self.budgets[..at].iter().any(is_same) {
                wrong(
                    format!("budgets[{at}]"),
                    "it is for the same as one above it".into(),
                );
            }
        }
        if self.priority.is_some_and(|it| it > HIGHEST_PRIORITY) {
            wrong(
                "priority".into(),
                format!("it is between 0 and {HIGHEST_PRIORITY}"),
            );
        }
        let patterns = self.models.iter().flatten();
        let limited = self.limits.iter().flat_map(|limit| &limit.models);
        let budgeted = self.budgets.iter().flat_map(|budget| &budget.limit.models);
        for pattern in patterns.chain(limited).chain(budgeted) {
            let stars = pattern.matches('*').count();
            if pattern.is_empty() || stars > usize::from(pattern.ends_with('*')) {
                let what = format!("`{pattern}` is no pattern of models; `*` may stand at its end");
                wrong("models".into(), what);
            }
        }
        for (kind, tags) in [("tags", &self.tags), ("metadata", &self.metadata)] {
            if tags.len() > MOST_TAGS {
                wrong(kind.into(), format!("there are more than {MOST_TAGS}"));
            }
            for (name, value) in tags {
                if let Err(what) = tag(name, value) {
                    wrong(format!("{kind}.{name}"), what);
                }
            }
        }
        for name in &self.require {
            if let Err(what) = tag(name, "") {
                wrong("require".into(), what);
            }
        }
        faults
    }
}

/// Whether a tag can be kept and shown.
///
/// # Errors
/// What is wrong with it.
pub fn tag(name: &str, value: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > LONGEST_TAG || !name.bytes().all(is_plain) {
        return Err(format!(
            "`{name}` is no name of a tag; use letters, digits, `-`, `_` and `.`, {LONGEST_TAG} \
             at most"
        ));
    }
    if value.len() > LONGEST_TAG || value.chars().any(char::is_control) {
        return Err(format!(
            "the value of `{name}` holds a control character or is longer than {LONGEST_TAG} bytes"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_read_and_print_the_same_and_say_nothing_that_was_not_set() {
        let json = r#"{"models":["gpt-*"],"routes":["chat"],"without":["images"],"networks":["10.0.0.0/8"],"limits":[{"parallel":2}],"budgets":[{"usd":"5","per":"month","calendar":"UTC"}],"when_full":{"queue":"500ms"},"priority":7,"tags":{"cost_center":"4711"},"require":["ticket"],"metadata":{"who":"ana"}}"#;
        let terms: Terms = serde_json::from_str(json).expect("terms");
        assert_eq!(serde_json::to_string(&terms).expect("JSON"), json);
        assert!(terms.faults().is_empty(), "{:?}", terms.faults());
        assert_eq!(
            serde_json::to_string(&Terms::default()).expect("JSON"),
            "{}"
        );
        assert!(serde_json::from_str::<Terms>(r#"{"modles":[]}"#).is_err());
    }

    #[test]
    fn each_fault_is_told_with_its_field() {
        let json = r#"{"models":["g*t"],"limits":[{"parallel":0},{"parallel":2}],"budgets":[{"usd":"1","per":"day"},{"usd":"2","per":"day"}],"priority":10,"tags":{"a b":"c"},"metadata":{"x":"\u0007"},"require":[""]}"#;
        let terms: Terms = serde_json::from_str(json).expect("terms");
        let fields: Vec<String> = terms.faults().into_iter().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            [
                "limits[0]",
                "limits[1]",
                "budgets[1]",
                "priority",
                "models",
                "tags.a b",
                "metadata.x",
                "require"
            ]
        );
    }
}
