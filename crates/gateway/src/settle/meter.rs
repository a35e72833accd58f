//! What is known of a request's tokens while it runs.

use domain::usage::{Usage, UsageSource};

use crate::send::Recounted;

/// What is known of the tokens so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    /// The gateway's own count of the prompt.
    pub prompt_estimate: u64,
    /// The gateway's own count of the answer so far.
    pub completion_estimate: u64,
    /// What the provider reported of the whole.
    pub reported: Option<Usage>,
    /// What it said before the end, of an answer that has none yet.
    pub said_so_far: Option<Usage>,
    /// What the target's answers used of an attempt that failed in others'
    /// midst: it is paid. The next attempt at it uses that again, and more.
    pub brought: Option<(Usage, UsageSource)>,
    /// Whether a request has gone upstream.
    pub asked: bool,
    /// Whether nobody reads what is said: only the provider knows.
    pub unread: bool,
}

impl Meter {
    /// Texts were cut into tokens: that counts instead of estimates.
    pub(crate) fn is_recounted(&mut self, counts: Recounted) {
        let Recounted { prompt, answer } = counts;
        self.prompt_estimate = prompt.unwrap_or(self.prompt_estimate);
        self.completion_estimate = answer.unwrap_or(self.completion_estimate);
    }

    /// What it will have used at least once it is asked.
    pub(super) fn asks(&self) -> (Usage, UsageSource) {
        let asked = Self {
            asked: true,
            completion_estimate: 0,
            reported: None,
            said_so_far: None,
            ..*self
        };
        asked.usage()
    }

    /// What it has used by what is known now, and who says so.
    pub(super) fn usage(&self) -> (Usage, UsageSource) {
        if let Some(usage) = self.reported {
            return (usage, UsageSource::Provider);
        }
        if !self.asked {
            return self.brought.unwrap_or_default();
        }
        if self.unread {
            return (Usage::default(), UsageSource::Unmetered);
        }
        let said = self.said_so_far.unwrap_or(Usage {
            input: self.prompt_estimate,
            ..Usage::default()
        });
        // It may have said so before the text that has passed since.
        let unsaid = self.completion_estimate.saturating_sub(said.completion());
        let usage = Usage {
            output: said.output + unsaid,
            ..said
        };
        let is_theirs = self.said_so_far.is_some() && unsaid == 0;
        match is_theirs {
            true => (usage, UsageSource::Provider),
            false => (usage, UsageSource::Estimated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_said_on_the_way_counts_until_more_has_passed() {
        let said = Usage {
            input: 11,
            cached_input: 5,
            output: 2,
            ..Usage::default()
        };
        let mut meter = Meter {
            prompt_estimate: 6,
            completion_estimate: 2,
            asked: true,
            ..Meter::default()
        };
        assert_eq!(meter.usage().0.total(), 8);
        meter.said_so_far = Some(said);
        assert_eq!(meter.usage(), (said, UsageSource::Provider));
        meter.completion_estimate = 4;
        let more = Usage { output: 4, ..said };
        assert_eq!(meter.usage(), (more, UsageSource::Estimated));
        let whole = Usage { output: 3, ..said };
        meter.reported = Some(whole);
        assert_eq!(meter.usage(), (whole, UsageSource::Provider));
    }
}
