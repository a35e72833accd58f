//! Models: names that clients ask for, and the deployments that answer.

use std::collections::HashSet;

use domain::money::NanoUsd;
use domain::traits::Said;
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::ordered::Ordered;
use super::scalars::Usd;
use super::source::{index, key};

/// A name that clients may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The name.
    pub name: String,
    /// Who answers.
    pub deployments: Vec<Deployment>,
    /// Models asked next when every deployment failed.
    #[serde(default)]
    pub fallbacks: Vec<String>,
    /// The longest answer, in tokens.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
}

/// A model at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The provider's name.
    pub provider: String,
    /// The model's name there.
    pub model: String,
    /// The model that it is, where that name does not say: one of the catalogue,
    /// as `provider/model` or by its name alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<String>,
    /// What it takes otherwise than models of its name.
    #[serde(default, skip_serializing_if = "is_silent")]
    pub traits: Said,
    /// Share among the deployments of the same order; zero comes last.
    #[serde(default = "one")]
    pub weight: u32,
    /// Tried in rising order.
    #[serde(default)]
    pub order: u32,
    /// What it costs; the catalogue's price if unset.
    #[serde(default)]
    pub price: Option<Price>,
}

fn is_silent(said: &Said) -> bool {
    *said == Said::default()
}

fn one() -> u32 {
    1
}

/// US dollars per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens.
    pub input: Usd,
    /// Answer tokens.
    pub output: Usd,
    /// Cached prompt tokens; as input if unset.
    #[serde(default)]
    pub cached_input: Option<Usd>,
    /// Prompt tokens written to the provider's cache; as input if unset.
    #[serde(default)]
    pub cache_write: Option<Usd>,
    /// Those that it keeps for an hour; as `cache_write` if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Usd>,
    /// Prompt tokens of audio; as input if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<Usd>,
    /// Answer tokens of audio; as output if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<Usd>,
    /// Answer tokens spent on reasoning; as output if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Usd>,
    /// US dollars per request.
    #[serde(default)]
    pub per_request: Option<Usd>,
    /// Other prices for long prompts, by rising length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// Prices for prompts of more tokens than `above`; what is not stated is as
/// for shorter ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Tokens.
    pub above: u64,
    /// Prompt tokens.
    pub input: Usd,
    /// Answer tokens.
    pub output: Usd,
    /// Cached prompt tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Usd>,
    /// Prompt tokens written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Usd>,
    /// Those that it keeps for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Usd>,
}

impl Price {
    /// As the ledger reads it.
    pub fn price(&self) -> domain::model::Price {
        let rate = |usd: Option<Usd>| usd.map(Usd::per_million);
        let base = domain::model::Price {
            input: self.input.per_million(),
            cached_input: rate(self.cached_input),
            cache_write: rate(self.cache_write),
            cache_write_1h: rate(self.cache_write_1h),
            audio_input: rate(self.audio_input),
            output: self.output.per_million(),
            reasoning: rate(self.reasoning),
            audio_output: rate(self.audio_output),
            per_request: NanoUsd(self.per_request.map_or(0, |usd| usd.nanos)),
            tiers: None,
        };
        let mut tiers: Vec<_> = self.tiers.iter().map(|tier| tier.tier(&base)).collect();
        tiers.sort_by_key(|tier| tier.above);
        domain::model::Price {
            tiers: (!tiers.is_empty()).then(|| tiers.into()),
            ..base
        }
    }
}

impl Tier {
    fn tier(&self, base: &domain::model::Price) -> domain::model::Tier {
        let or = |usd: Option<Usd>, rate| usd.map(Usd::per_million).or(rate);
        domain::model::Tier {
            above: self.above,
            price: domain::model::Price {
                input: self.input.per_million(),
                output: self.output.per_million(),
                cached_input: or(self.cached_input, base.cached_input),
                cache_write: or(self.cache_write, base.cache_write),
                cache_write_1h: or(self.cache_write_1h, base.cache_write_1h),
                ..base.clone()
            },
        }
    }
}

/// Everything that needs no catalogue: names given once, something to ask.
pub fn validate(models: &[Model], aliases: &Ordered<String>, report: &mut Report<'_>) {
    let mut names = HashSet::new();
    for (at, model) in models.iter().enumerate() {
        let path = index("models", at);
        if model.name.trim().is_empty() {
            report.wrong(
                &key(&path, "name"),
                "the name is empty",
                "write the name clients ask for",
            );
        }
        if !names.insert(model.name.as_str()) {
            report.wrong(
                &key(&path, "name"),
                format!("the model `{}` stands twice", model.name),
                "put both deployments under one entry: `deployments: [{…}, {…}]`",
            );
        }
        if model.deployments.is_empty() {
            report.wrong(
                &key(&path, "deployments"),
                format!("nothing answers for `{}`", model.name),
                "add one: `deployments: [{provider: openai, model: gpt-4o-mini}]`",
            );
        }
        for (i, deployment) in model.deployments.iter().enumerate() {
            let at = index(&key(&path, "deployments"), i);
            if deployment.model.trim().is_empty() {
                let help = "write the model's name at the provider";
                report.wrong(&key(&at, "model"), "the name is empty", help);
            }
            let base = deployment.base_model.as_deref();
            if base.is_some_and(|base| base.trim().is_empty()) {
                let help = "write a model's name, like `openai/gpt-5`, or leave it out";
                report.wrong(&key(&at, "base_model"), "the name is empty", help);
            }
            if let Err([name, why, help]) = deployment.traits.check() {
                report.wrong(&key(&key(&at, "traits"), name), why, help);
            }
        }
        if model.max_output_tokens == Some(0) {
            report.wrong(
                &key(&path, "max_output_tokens"),
                "0 tokens are no answer",
                "leave it out if it is unknown",
            );
        }
        if let Some(i) = model.fallbacks.iter().position(|f| *f == model.name) {
            report.wrong(
                &index(&key(&path, "fallbacks"), i),
                format!("`{}` falls back to itself", model.name),
                "name another model",
            );
        }
    }
    for (alias, _) in aliases.iter() {
        if names.contains(alias) {
            report.wrong(
                &key("aliases", alias),
                format!("the alias `{alias}` hides the model of the same name"),
                "rename one of them",
            );
        }
    }
}
