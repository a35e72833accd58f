//! A model as it stands in a file: prices are text, so that no float ever
//! holds them.

use domain::ability::{Abilities, Mode};
use domain::model::{Price, Tier};
use domain::money::{NanoUsd, Rate};
use serde::{Deserialize, Serialize};

use super::model::{CatalogueModel, Unmetered};
use crate::rate::rate;

/// A price, or a part of it, where it is stated.
type Usd = Option<String>;

/// A model's line. Everything but the name may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Mode::is_usual")]
    pub(crate) mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_output: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cached: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write_1h: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audio_input: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audio_output: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_request: Usd,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tiers: Vec<TierLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_input: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_output: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_image: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_image_output: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch_input: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch_output: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can: Option<Abilities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<String>,
}

/// Prices of prompts of more tokens than `above`; what is not stated is as
/// for shorter ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TierLine {
    pub(crate) above: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cached: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write_1h: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audio_input: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audio_output: Usd,
}

fn read(text: &Usd) -> Result<Option<Rate>, String> {
    text.as_deref().map(rate).transpose()
}

fn amount(text: &Usd) -> Result<Option<NanoUsd>, String> {
    Ok(read(text)?.map(|rate| NanoUsd(rate.0)))
}

fn usd(rate: Rate) -> String {
    NanoUsd(rate.0).to_string()
}

impl Line {
    /// The model of `provider`; `source` and `as_of` hold where the line says
    /// nothing else.
    pub(crate) fn model(
        self,
        provider: &str,
        source: &str,
        as_of: &str,
    ) -> Result<CatalogueModel, String> {
        let price = self.price()?;
        let unmetered = Unmetered {
            image_input: read(&self.image_input)?,
            image_output: read(&self.image_output)?,
            per_image: amount(&self.per_image)?,
            per_image_output: amount(&self.per_image_output)?,
            batch_input: read(&self.batch_input)?,
            batch_output: read(&self.batch_output)?,
        };
        Ok(CatalogueModel {
            provider: provider.to_owned(),
            id: self.id,
            context: self.context,
            max_output: self.max_output,
            price,
            unmetered,
            mode: self.mode,
            abilities: self.can,
            source: self.source.unwrap_or_else(|| source.to_owned()),
            as_of: self.as_of.unwrap_or_else(|| as_of.to_owned()),
        })
    }

    fn price(&self) -> Result<Option<Price>, String> {
        let (input, output) = (read(&self.input)?, read(&self.output)?);
        let parts = [
            &self.cached,
            &self.cache_write,
            &self.cache_write_1h,
            &self.audio_input,
            &self.reasoning,
            &self.audio_output,
            &self.per_request,
        ];
        let (Some(input), Some(output)) = (input, output) else {
            let has_part = parts.iter().any(|part| part.is_some()) || !self.tiers.is_empty();
            return match (input, output) {
                (None, None) if !has_part => Ok(None),
                _ => Err("has a part of a price; write `input` and `output`".into()),
            };
        };
        let base = Price {
            input,
            cached_input: read(&self.cached)?,
            cache_write: read(&self.cache_write)?,
            cache_write_1h: read(&self.cache_write_1h)?,
            audio_input: read(&self.audio_input)?,
            output,
            reasoning: read(&self.reasoning)?,
            audio_output: read(&self.audio_output)?,
            per_request: amount(&self.per_request)?.unwrap_or_default(),
            tiers: None,
        };
        let tiers = self.tiers.iter().map(|tier| tier.tier(&base));
        let mut tiers = tiers.collect::<Result<Vec<_>, _>>()?;
        if !tiers.is_sorted_by(|a, b| a.above < b.above) {
            return Err("its `tiers` must rise".into());
        }
        // One that costs what those below it cost is none.
        if tiers.iter().all(|tier| tier.price == base) {
            tiers.clear();
        }
        Ok(Some(Price {
            tiers: (!tiers.is_empty()).then(|| tiers.into()),
            ..base
        }))
    }

    /// Leaves everything out that the gateway would charge.
    pub(crate) fn forget_price(&mut self) {
        self.input = None;
        self.cached = None;
        self.cache_write = None;
        self.cache_write_1h = None;
        self.audio_input = None;
        self.output = None;
        self.reasoning = None;
        self.audio_output = None;
        self.per_request = None;
        self.tiers.clear();
    }

    /// The line of a model, which says all of it.
    pub(crate) fn of(model: &CatalogueModel) -> Self {
        let mut line = Self {
            provider: Some(model.provider.clone()),
            id: model.id.clone(),
            mode: model.mode,
            context: model.context,
            max_output: model.max_output,
            can: model.abilities,
            source: Some(model.source.clone()),
            as_of: Some(model.as_of.clone()),
            ..Self::default()
        };
        let un = &model.unmetered;
        line.image_input = un.image_input.map(usd);
        line.image_output = un.image_output.map(usd);
        line.per_image = un.per_image.map(|it| it.to_string());
        line.per_image_output = un.per_image_output.map(|it| it.to_string());
        line.batch_input = un.batch_input.map(usd);
        line.batch_output = un.batch_output.map(usd);
        if let Some(price) = &model.price {
            line.input = Some(usd(price.input));
            line.cached = price.cached_input.map(usd);
            line.cache_write = price.cache_write.map(usd);
            line.cache_write_1h = price.cache_write_1h.map(usd);
            line.audio_input = price.audio_input.map(usd);
            line.output = Some(usd(price.output));
            line.reasoning = price.reasoning.map(usd);
            line.audio_output = price.audio_output.map(usd);
            line.per_request =
                (price.per_request != NanoUsd(0)).then(|| price.per_request.to_string());
            let tiers = price.tiers.iter().flat_map(|tiers| tiers.iter());
            line.tiers = tiers.map(|tier| TierLine::of(tier, price)).collect();
        }
        line
    }
}

impl TierLine {
    fn tier(&self, base: &Price) -> Result<Tier, String> {
        let or = |text: &Usd, base: Option<Rate>| Ok::<_, String>(read(text)?.or(base));
        Ok(Tier {
            above: self.above,
            price: Price {
                input: read(&self.input)?.unwrap_or(base.input),
                cached_input: or(&self.cached, base.cached_input)?,
                cache_write: or(&self.cache_write, base.cache_write)?,
                cache_write_1h: or(&self.cache_write_1h, base.cache_write_1h)?,
                audio_input: or(&self.audio_input, base.audio_input)?,
                output: read(&self.output)?.unwrap_or(base.output),
                reasoning: or(&self.reasoning, base.reasoning)?,
                audio_output: or(&self.audio_output, base.audio_output)?,
                per_request: base.per_request,
                tiers: None,
            },
        })
    }

    /// What of a tier differs from the base.
    fn of(tier: &Tier, base: &Price) -> Self {
        let other = |rate: Option<Rate>, base: Option<Rate>| rate.filter(|_| rate != base).map(usd);
        let price = &tier.price;
        Self {
            above: tier.above,
            input: other(Some(price.input), Some(base.input)),
            cached: other(price.cached_input, base.cached_input),
            cache_write: other(price.cache_write, base.cache_write),
            cache_write_1h: other(price.cache_write_1h, base.cache_write_1h),
            audio_input: other(price.audio_input, base.audio_input),
            output: other(Some(price.output), Some(base.output)),
            reasoning: other(price.reasoning, base.reasoning),
            audio_output: other(price.audio_output, base.audio_output),
        }
    }
}
