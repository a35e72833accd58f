//! Tokens in disjoint parts.
//!
//! Providers count differently: `OpenAI`'s prompt tokens contain the cached
//! ones, Anthropic's do not. Each dialect's reader brings its numbers into
//! these parts once; their sums are the provider's own totals.

use serde::{Deserialize, Serialize};

/// What one answer used. Every token stands in exactly one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens that were neither cached nor audio.
    pub input: u64,
    /// Prompt tokens read from the provider's prompt cache.
    pub cached_input: u64,
    /// Prompt tokens written to the provider's prompt cache for its usual,
    /// short time: five minutes at Anthropic.
    pub cache_write: u64,
    /// Prompt tokens written to it for an hour. Most answers have none: a
    /// journal's block carries them beside the record (decision 2).
    #[serde(skip)]
    pub cache_write_1h: u64,
    /// Prompt tokens of audio.
    pub audio_input: u64,
    /// Answer tokens that were neither reasoning nor audio.
    pub output: u64,
    /// Answer tokens spent on reasoning.
    pub reasoning: u64,
    /// Answer tokens of audio.
    pub audio_output: u64,
}

impl Usage {
    /// All prompt tokens: what `OpenAI` calls `prompt_tokens`.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.input + self.cached_input + self.written() + self.audio_input
    }

    /// All prompt tokens written to the provider's prompt cache.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.cache_write + self.cache_write_1h
    }

    /// All answer tokens: what `OpenAI` calls `completion_tokens`.
    #[must_use]
    pub fn completion(&self) -> u64 {
        self.output + self.reasoning + self.audio_output
    }

    /// Prompt and answer together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.prompt() + self.completion()
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.input, more.input);
        add(&mut self.cached_input, more.cached_input);
        add(&mut self.cache_write, more.cache_write);
        add(&mut self.cache_write_1h, more.cache_write_1h);
        add(&mut self.audio_input, more.audio_input);
        add(&mut self.output, more.output);
        add(&mut self.reasoning, more.reasoning);
        add(&mut self.audio_output, more.audio_output);
    }
}

/// Where the numbers of a [`Usage`] come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UsageSource {
    /// Nothing was used: refused before any attempt, or served from the cache.
    #[default]
    None,
    /// The provider reported it.
    Provider,
    /// The provider did not say: the gateway counted.
    Estimated,
    /// The request passed through unread, and the provider did not say: nobody
    /// knows.
    Unmetered,
}

impl UsageSource {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::None, Self::Provider, Self::Estimated, Self::Unmetered];

    /// The one that [`UsageSource::as_str`] calls so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// A stable word for columns and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Provider => "provider",
            Self::Estimated => "estimated",
            Self::Unmetered => "unmetered",
        }
    }
}
