//! What is kept of requests.

use serde::{Deserialize, Serialize};

/// The journal's policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Journal {
    /// What happens to requests that cannot be recorded.
    pub when_full: WhenFull,
}

/// What happens to requests while the journal takes no records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// They are refused.
    #[default]
    Refuse,
    /// They are answered, and counted as not recorded.
    Continue,
}
