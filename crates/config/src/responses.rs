//! Conversations that the gateway keeps for clients of Responses.

use domain::turns::Retention;
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::{Size, Span};

/// How they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Responses {
    /// How long after the last turn; `0s` is never.
    pub keep: Span,
    /// The most bytes of one turn, input and answer together.
    pub max_bytes: Size,
    /// The most that are worked on in the background at the same time; `0`
    /// refuses all.
    pub background: usize,
}

impl Default for Responses {
    fn default() -> Self {
        let usual = Retention::default();
        Self {
            keep: Span(usual.keep),
            max_bytes: Size(usual.max_bytes),
            background: usual.background,
        }
    }
}

impl Responses {
    /// What waits for the disk is bounded, so a turn must be.
    pub fn validate(&self, report: &mut Report<'_>) {
        if self.max_bytes.0 > MOST {
            report.wrong(
                "responses.max_bytes",
                "a turn may have 64MiB at most",
                "lower it; larger turns are answered but not kept",
            );
        }
        if self.background > MOST_RUNNING {
            report.wrong(
                "responses.background",
                "1000 responses at most may be worked on in the background",
                "lower it; each may take 4 MiB of memory beside its request",
            );
        }
    }

    /// The policy.
    pub fn retention(&self) -> Retention {
        Retention {
            keep: self.keep.0,
            max_bytes: self.max_bytes.0,
            background: self.background,
        }
    }
}

/// The most bytes of a turn.
const MOST: usize = 64 << 20;
/// The most that are worked on in the background at the same time.
const MOST_RUNNING: usize = 1000;
