//! What models cost.

use std::sync::Arc;

use crate::money::{NanoUsd, Rate};

/// What a model costs. A rate that is not stated is the plain one of its
/// side, never zero: an unstated discount is no discount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Prompt tokens.
    pub input: Rate,
    /// Cached prompt tokens; as input where `None`.
    pub cached_input: Option<Rate>,
    /// Prompt tokens written to the provider's cache; as input where `None`.
    pub cache_write: Option<Rate>,
    /// Those that it keeps for an hour; as `cache_write` where `None`.
    pub cache_write_1h: Option<Rate>,
    /// Prompt tokens of audio; as input where `None`.
    pub audio_input: Option<Rate>,
    /// Answer tokens.
    pub output: Rate,
    /// Answer tokens spent on reasoning; as output where `None`.
    pub reasoning: Option<Rate>,
    /// Answer tokens of audio; as output where `None`.
    pub audio_output: Option<Rate>,
    /// Per request.
    pub per_request: NanoUsd,
    /// Other prices for long prompts, by rising length; mostly none.
    pub tiers: Option<Arc<[Tier]>>,
}

/// The price of requests whose prompt is long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// It holds for prompts of more tokens than this.
    pub above: u64,
    /// What everything costs then; it has no tiers of its own.
    pub price: Price,
}

impl Price {
    /// What a request with so many prompt tokens costs: all of its tokens,
    /// not only those above the tier's beginning.
    #[must_use]
    pub fn at(&self, prompt: u64) -> &Self {
        let Some(tiers) = &self.tiers else {
            return self;
        };
        let reached = tiers.iter().rev().find(|tier| tier.above < prompt);
        reached.map_or(self, |tier| &tier.price)
    }
}
