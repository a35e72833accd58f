//! Reasoning that is kept for clients that do not send it back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::scalars::{Size, Span};

/// How it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reasoning {
    /// How long after it was last used; `0s` is never.
    pub keep: Span,
    /// Memory that all of it may take.
    pub max_bytes: Size,
}

impl Default for Reasoning {
    fn default() -> Self {
        Self {
            keep: Span(Duration::from_secs(60 * 60)),
            max_bytes: Size(64 << 20),
        }
    }
}
