//! `LiteLLM`'s `model_prices_and_context_window.json`: one object, a model a
//! member, dollars per token as floating point.

use std::collections::BTreeMap;
use std::fmt;

use domain::ability::{Ability, Mode};
use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::{self, Members};
use super::{Reading, RefreshError};
use crate::catalogue::{CatalogueModel, Line, TierLine, is_date};

/// Their provider, what stands in front of a model's name in their file, and
/// our provider.
const PROVIDERS: &[(&str, &str, &str)] = &[
    ("anthropic", "", "anthropic"),
    ("azure", "azure/", "azure"),
    ("bedrock", "", "bedrock"),
    ("bedrock_converse", "", "bedrock"),
    ("cerebras", "cerebras/", "cerebras"),
    ("cloudflare", "cloudflare/", "cloudflare"),
    ("cohere", "", "cohere"),
    ("cohere_chat", "", "cohere"),
    ("dashscope", "dashscope/", "dashscope"),
    ("databricks", "databricks/", "databricks"),
    ("deepinfra", "deepinfra/", "deepinfra"),
    ("deepseek", "", "deepseek"),
    ("fireworks_ai", "fireworks_ai/", "fireworks"),
    (
        "fireworks_ai-embedding-models",
        "fireworks_ai/",
        "fireworks",
    ),
    ("gemini", "gemini/", "gemini"),
    ("github", "github/", "github"),
    ("groq", "groq/", "groq"),
    ("huggingface", "huggingface/", "huggingface"),
    ("jina_ai", "", "jina"),
    ("minimax", "minimax/", "minimax"),
    ("mistral", "mistral/", "mistral"),
    ("moonshot", "moonshot/", "moonshot"),
    ("nebius", "nebius/", "nebius"),
    ("nvidia_nim", "nvidia_nim/", "nvidia_nim"),
    ("openai", "", "openai"),
    ("openrouter", "openrouter/", "openrouter"),
    ("perplexity", "perplexity/", "perplexity"),
    ("sambanova", "sambanova/", "sambanova"),
    ("together_ai", "together_ai/", "together"),
    ("vertex_ai-anthropic_models", "vertex_ai/", "vertex_claude"),
    ("vertex_ai-deepseek_models", "vertex_ai/", "vertex_openai"),
    ("vertex_ai-embedding-models", "", "vertex"),
    ("vertex_ai-language-models", "", "vertex"),
    ("vertex_ai-llama_models", "vertex_ai/", "vertex_openai"),
    ("vertex_ai-minimax_models", "vertex_ai/", "vertex_openai"),
    ("vertex_ai-moonshot_models", "vertex_ai/", "vertex_openai"),
    ("vertex_ai-openai_models", "vertex_ai/", "vertex_openai"),
    ("vertex_ai-qwen_models", "vertex_ai/", "vertex_openai"),
    ("vertex_ai-zai_models", "vertex_ai/", "vertex_openai"),
    ("voyage", "voyage/", "voyage"),
    ("xai", "xai/", "xai"),
    ("zai", "zai/", "zhipu"),
];

/// What a member of theirs prices. Of two that begin alike the longer stands
/// first.
const PRICES: &[(&str, Part)] = &[
    ("input_cost_per_token_cache_hit", Part::CacheHit),
    ("input_cost_per_token", Part::Input),
    ("output_cost_per_token", Part::Output),
    ("cache_read_input_token_cost", Part::Cached),
    ("cache_creation_input_token_cost_above_1hr", Part::Write1h),
    ("cache_creation_input_token_cost", Part::Write),
    ("output_cost_per_reasoning_token", Part::Reasoning),
    ("input_cost_per_audio_token", Part::AudioInput),
    ("output_cost_per_audio_token", Part::AudioOutput),
    ("input_cost_per_image_token", Part::ImageInput),
    ("output_cost_per_image_token", Part::ImageOutput),
    ("input_cost_per_image", Part::PerImage),
    ("output_cost_per_image", Part::PerImageOutput),
    ("input_cost_per_request", Part::PerRequest),
];

const ABILITIES: &[(&str, Ability)] = &[
    ("supports_function_calling", Ability::Tools),
    ("supports_parallel_function_calling", Ability::ParallelTools),
    ("supports_vision", Ability::Vision),
    ("supports_pdf_input", Ability::Pdf),
    ("supports_audio_input", Ability::AudioInput),
    ("supports_audio_output", Ability::AudioOutput),
    ("supports_response_schema", Ability::StructuredOutput),
    (
        "supports_native_structured_output",
        Ability::StructuredOutput,
    ),
    ("supports_reasoning", Ability::Reasoning),
    ("supports_prompt_caching", Ability::PromptCaching),
];

/// What explains their file in it.
const SPECIMEN: &str = "sample_spec";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Input,
    Output,
    Cached,
    /// An older word for `Cached`.
    CacheHit,
    Write,
    Write1h,
    Reasoning,
    AudioInput,
    AudioOutput,
    ImageInput,
    ImageOutput,
    PerImage,
    PerImageOutput,
    PerRequest,
}

impl Part {
    /// Whether it is the price of one token, and not of a piece.
    fn is_of_tokens(self) -> bool {
        !matches!(
            self,
            Self::PerImage | Self::PerImageOutput | Self::PerRequest
        )
    }
}

/// Reads all entries.
pub(super) fn read(text: &str, reading: &mut Reading<'_>) -> Result<(), RefreshError> {
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(Entries(reading))
        .and_then(|()| json.end())
        .map_err(|error| RefreshError::Form(error.to_string()))
}

/// Goes through the entries one by one, so that an error knows its own.
struct Entries<'r, 'w>(&'r mut Reading<'w>);

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of models")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let members = map.next_value::<Members<'de>>().map_err(|error| {
                let name: String = name.chars().take(100).collect();
                A::Error::custom(format!("the entry `{}`: {error}", name.escape_debug()))
            })?;
            if name != SPECIMEN {
                entry(&name, &members, self.0);
            }
        }
        Ok(())
    }
}

fn entry(name: &str, members: &Members<'_>, reading: &mut Reading<'_>) {
    // Without a provider it is another name for an entry.
    let Some(theirs) = members.get("litellm_provider").copied() else {
        reading.facts.passed_over += 1;
        return;
    };
    let theirs = fields::text(theirs).unwrap_or_default();
    let Some((_, prefix, ours)) = PROVIDERS.iter().find(|(known, ..)| *known == theirs) else {
        return reading.unknown(&theirs, 1);
    };
    if !reading.wants(ours) {
        return;
    }
    // Some stand there with their provider's name in front and without it.
    let id = match prefix.is_empty() {
        true => {
            let house = theirs.split('-').next().unwrap_or_default();
            let bare = name.strip_prefix(house);
            Some(bare.and_then(|bare| bare.strip_prefix('/')).unwrap_or(name))
        }
        false => name.strip_prefix(prefix),
    };
    let model = match id.filter(|id| is_a_name(id, ours)) {
        Some(id) => model(id, ours, members, reading),
        None => Ok(None),
    };
    reading.keep(name, model);
}

/// Whether a model can be asked for by this name. Some of theirs are prices of
/// a region, or of whatever is tuned from a model.
fn is_a_name(id: &str, provider: &str) -> bool {
    let has_region = matches!(provider, "azure" | "bedrock" | "perplexity") && id.contains('/');
    !has_region && !id.starts_with("ft:")
}

fn model(
    id: &str,
    provider: &str,
    members: &Members<'_>,
    reading: &Reading<'_>,
) -> Result<Option<CatalogueModel>, String> {
    let word = |name: &str| members.get(name).and_then(|value| fields::text(value));
    let mode = match word("mode").as_deref() {
        Some("chat") => Mode::Chat,
        Some("responses") => Mode::Responses,
        Some("embedding") => Mode::Embedding,
        _ => return Ok(None),
    };
    let wish = reading.wish;
    let end = word("deprecation_date").filter(|end| is_date(end));
    if end.is_some_and(|end| end.as_str() <= wish.as_of) {
        return Ok(None);
    }
    let count = |name: &str| match members.get(name) {
        Some(value) => fields::tokens(name, value),
        None => Ok(None),
    };
    let mut line = Line {
        id: id.to_owned(),
        mode,
        context: count("max_input_tokens")?,
        max_output: count("max_output_tokens")?.filter(|_| mode != Mode::Embedding),
        ..Line::default()
    };
    for (name, ability) in ABILITIES {
        let Some(value) = members.get(*name).filter(|value| value.get() != "null") else {
            continue;
        };
        let can = line.can.unwrap_or_default();
        line.can = Some(match fields::is_true(value) {
            true => can.with(*ability),
            false => can,
        });
    }
    prices(&mut line, members)?;
    if let Some(ranges) = members.get("tiered_pricing") {
        ranges_of_prompts(&mut line, ranges)?;
    }
    if mode == Mode::Embedding && line.input.is_some() {
        line.output.get_or_insert_with(|| "0".to_owned());
    }
    // Half a price is none, and neither is what stands beside it.
    if line.input.is_none() || line.output.is_none() {
        line.forget_price();
    }
    line.tidy();
    if line.says_nothing() {
        return Ok(None);
    }
    line.model(provider, wish.source, wish.as_of).map(Some)
}

fn prices(line: &mut Line, members: &Members<'_>) -> Result<(), String> {
    let mut tiers: BTreeMap<u64, TierLine> = BTreeMap::new();
    let mut hit = None;
    for (name, value) in members {
        let found = PRICES.iter().find(|(known, _)| name.starts_with(known));
        let Some((known, part)) = found.copied() else {
            continue;
        };
        if value.get() == "null" {
            continue;
        }
        let rest = &name[known.len()..];
        let shift = if part.is_of_tokens() { 6 } else { 0 };
        let above = rest
            .strip_prefix("_above_")
            .and_then(|rest| rest.strip_suffix("k_tokens"))
            .and_then(|thousands| thousands.parse::<u32>().ok());
        if let (Some(thousands), true) = (above, part.is_of_tokens()) {
            let usd = fields::usd(name, value, shift)?;
            let above = u64::from(thousands) * 1_000;
            let tier = tiers.entry(above).or_insert_with(|| TierLine {
                above,
                ..TierLine::default()
            });
            tier.set(part, usd);
        } else if rest == "_batches" {
            let usd = || fields::usd(name, value, shift).map(Some);
            match part {
                Part::Input => line.batch_input = usd()?,
                Part::Output => line.batch_output = usd()?,
                _ => {}
            }
        } else if rest.is_empty() {
            let usd = Some(fields::usd(name, value, shift)?);
            match part {
                Part::CacheHit => hit = usd,
                _ => *line.part(part) = usd,
            }
        }
    }
    line.cached = line.cached.take().or(hit);
    line.tiers = tiers
        .into_values()
        .filter(TierLine::says_something)
        .collect();
    Ok(())
}

/// Prices by ranges of the prompt's length, the first of which is the base.
fn ranges_of_prompts(line: &mut Line, ranges: &RawValue) -> Result<(), String> {
    const NAME: &str = "tiered_pricing";
    let wrong = |_| format!("{NAME} is no list of ranges");
    let ranges: Vec<Members<'_>> = serde_json::from_str(ranges.get()).map_err(wrong)?;
    let mut tiers: BTreeMap<u64, TierLine> = BTreeMap::new();
    for range in &ranges {
        let Some(bounds) = range.get("range") else {
            return Ok(());
        };
        let bounds: Vec<&RawValue> = serde_json::from_str(bounds.get()).map_err(wrong)?;
        let Some(from) = bounds.first() else {
            return Err(format!("{NAME} has a range without bounds"));
        };
        let above = fields::tokens(NAME, from)?.unwrap_or(0);
        let mut part = Line::default();
        prices(&mut part, range)?;
        tiers.insert(
            above,
            TierLine {
                above,
                input: part.input,
                output: part.output,
                cached: part.cached,
                cache_write: part.cache_write,
                reasoning: part.reasoning,
                ..TierLine::default()
            },
        );
    }
    if let Some(base) = tiers.remove(&0) {
        line.input = base.input;
        line.output = base.output;
        line.cached = base.cached;
        line.cache_write = base.cache_write;
        line.reasoning = base.reasoning;
        line.tiers = tiers
            .into_values()
            .filter(TierLine::says_something)
            .collect();
    }
    Ok(())
}

impl TierLine {
    fn set(&mut self, part: Part, usd: String) {
        let place = match part {
            Part::Input => &mut self.input,
            Part::Output => &mut self.output,
            Part::Cached => &mut self.cached,
            Part::Write => &mut self.cache_write,
            Part::Write1h => &mut self.cache_write_1h,
            Part::Reasoning => &mut self.reasoning,
            Part::AudioInput => &mut self.audio_input,
            Part::AudioOutput => &mut self.audio_output,
            _ => return,
        };
        *place = Some(usd);
    }

    fn says_something(&self) -> bool {
        let nothing = Self {
            above: self.above,
            ..Self::default()
        };
        *self != nothing
    }
}

impl Line {
    fn part(&mut self, part: Part) -> &mut Option<String> {
        match part {
            Part::Input => &mut self.input,
            Part::Output => &mut self.output,
            Part::Cached | Part::CacheHit => &mut self.cached,
            Part::Write => &mut self.cache_write,
            Part::Write1h => &mut self.cache_write_1h,
            Part::Reasoning => &mut self.reasoning,
            Part::AudioInput => &mut self.audio_input,
            Part::AudioOutput => &mut self.audio_output,
            Part::ImageInput => &mut self.image_input,
            Part::ImageOutput => &mut self.image_output,
            Part::PerImage => &mut self.per_image,
            Part::PerImageOutput => &mut self.per_image_output,
            Part::PerRequest => &mut self.per_request,
        }
    }
}
