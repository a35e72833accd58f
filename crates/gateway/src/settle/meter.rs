//! What is known of a request's tokens while it runs.

use domain::usage::{Usage, UsageSource};

/// What is known of the tokens so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    /// The gateway's own count of the prompt.
    pub prompt_estimate: u64,
    /// The gateway's own count of the answer so far.
    pub completion_estimate: u64,
    /// What the provider reported.
    pub reported: Option<Usage>,
    /// Whether a request has gone upstream.
    pub asked: bool,
    /// Whether nobody reads what is said: only the provider knows.
    pub unread: bool,
}

impl Meter {
    /// What it has used by what is known now, and who says so.
    pub(super) fn usage(&self) -> (Usage, UsageSource) {
        if let Some(usage) = self.reported {
            return (usage, UsageSource::Provider);
        }
        if !self.asked {
            return (Usage::default(), UsageSource::None);
        }
        if self.unread {
            return (Usage::default(), UsageSource::Unmetered);
        }
        let usage = Usage {
            input: self.prompt_estimate,
            output: self.completion_estimate,
            ..Usage::default()
        };
        (usage, UsageSource::Estimated)
    }
}
