//! Prices that somebody has agreed upon: they count instead of the catalogue's,
//! for one tenant, team, app, user or key.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limit::Dollars;
use crate::model::Deployment;
use crate::money::{NanoUsd, Rate};
use crate::price::{Price, Tier};

/// What some models cost by a contract, in US dollars per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Models by their names at the provider, `*` at the end matches any rest;
    /// none named is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// The provider whose they are; any if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    input: Dollars,
    output: Dollars,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cached_input: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write_1h: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audio_input: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audio_output: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    per_request: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<LongPrompt>,
}

/// Other prices for prompts of more tokens than `above`; what is not said is as
/// for shorter ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongPrompt {
    above: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cached_input: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write: Option<Dollars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write_1h: Option<Dollars>,
}

fn rate(dollars: Dollars) -> Rate {
    Rate(i64::try_from(dollars.0).unwrap_or(i64::MAX))
}

impl Contract {
    /// Whether it is about this model of this provider.
    #[must_use]
    pub fn is_for(&self, provider: &str, model: &str) -> bool {
        let is_its = self.provider.as_deref().is_none_or(|it| it == provider);
        let mut models = self.models.iter();
        is_its && (self.models.is_empty() || models.any(|it| crate::pattern::fits(it, model)))
    }

    /// What it says.
    #[must_use]
    pub fn price(&self) -> Price {
        let plain = Price {
            input: rate(self.input),
            cached_input: self.cached_input.map(rate),
            cache_write: self.cache_write.map(rate),
            cache_write_1h: self.cache_write_1h.map(rate),
            audio_input: self.audio_input.map(rate),
            output: rate(self.output),
            reasoning: self.reasoning.map(rate),
            audio_output: self.audio_output.map(rate),
            per_request: NanoUsd(self.per_request.map_or(0, |fee| rate(fee).0)),
            tiers: None,
        };
        let mut tiers: Vec<Tier> = self.tiers.iter().map(|it| it.over(&plain)).collect();
        tiers.sort_by_key(|tier| tier.above);
        Price {
            tiers: (!tiers.is_empty()).then(|| tiers.into()),
            ..plain
        }
    }
}

impl LongPrompt {
    fn over(&self, plain: &Price) -> Tier {
        let or = |said: Option<Dollars>, usual: Option<Rate>| said.map(rate).or(usual);
        Tier {
            above: self.above,
            price: Price {
                input: self.input.map_or(plain.input, rate),
                output: self.output.map_or(plain.output, rate),
                cached_input: or(self.cached_input, plain.cached_input),
                cache_write: or(self.cache_write, plain.cache_write),
                cache_write_1h: or(self.cache_write_1h, plain.cache_write_1h),
                ..plain.clone()
            },
        }
    }
}

/// The contracts that hold for a key, the nearest first.
#[derive(Clone, Debug, Default)]
pub struct Contracts(Option<Arc<[(Contract, Price)]>>);

impl Contracts {
    /// These, and then those of before.
    #[must_use]
    pub fn nearer(&self, contracts: &[Contract]) -> Self {
        if contracts.is_empty() {
            return self.clone();
        }
        let own = contracts.iter().map(|it| (it.clone(), it.price()));
        let above = self.0.iter().flat_map(|all| all.iter().cloned());
        Self(Some(own.chain(above).collect()))
    }

    /// What a target costs: by contract, else by the catalogue, if that knows it.
    #[must_use]
    pub fn price<'a>(&'a self, target: &'a Deployment) -> Option<&'a Price> {
        let provider = target.provider.name.as_str();
        let is_for = |it: &&(Contract, Price)| {
            it.0.is_for(provider, &target.upstream_model)
                || it.0.is_for(provider, target.known_as())
        };
        let agreed = self.0.iter().flat_map(|all| all.iter()).find(is_for);
        agreed.map(|(_, price)| price).or(target.price.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Contract {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn a_contract_says_models_rates_and_tiers() {
        let contract = read(
            r#"{"models":["claude-*"],"provider":"anthropic","input":"2.4","output":"12","cache_write_1h":"4.8",
            "tiers":[{"above":200000,"input":"4.8"}]}"#,
        );
        assert!(contract.is_for("anthropic", "claude-sonnet-4-5"));
        assert!(!contract.is_for("bedrock", "claude-sonnet-4-5"));
        assert!(!contract.is_for("anthropic", "other"));
        let price = contract.price();
        assert_eq!(price.input, Rate(2_400_000_000));
        let long = price.at(200_001);
        assert_eq!(long.input, Rate(4_800_000_000));
        assert_eq!(
            (long.output, long.cache_write_1h),
            (price.output, price.cache_write_1h)
        );
        let again = serde_json::to_string(&contract).expect("JSON");
        assert_eq!(read(&again), contract);
    }

    #[test]
    fn the_nearest_contract_counts() {
        let above = Contracts::default().nearer(&[read(r#"{"input":"9","output":"9"}"#)]);
        let all = above.nearer(&[read(r#"{"models":["a*"],"input":"1","output":"1"}"#)]);
        let list = all.0.expect("two");
        let of = |model: &str| {
            list.iter()
                .find(|(it, _)| it.is_for("p", model))
                .map(|(_, p)| p.input)
        };
        assert_eq!(of("abc"), Some(Rate(1_000_000_000)));
        assert_eq!(of("b"), Some(Rate(9_000_000_000)));
    }
}
