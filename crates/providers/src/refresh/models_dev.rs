//! models.dev's `api.json`: an object of providers, each with an object of
//! models, dollars per million tokens as floating point.

use std::collections::BTreeMap;

use domain::ability::{Abilities, Ability, Mode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{self, Members};
use super::{Reading, RefreshError};
use crate::catalogue::{CatalogueModel, Line, TierLine};

/// Their provider and ours.
const PROVIDERS: &[(&str, &str)] = &[
    ("alibaba", "dashscope"),
    ("amazon-bedrock", "bedrock"),
    ("anthropic", "anthropic"),
    ("azure", "azure"),
    ("cerebras", "cerebras"),
    ("cloudflare-workers-ai", "cloudflare"),
    ("cohere", "cohere"),
    ("databricks", "databricks"),
    ("deepinfra", "deepinfra"),
    ("deepseek", "deepseek"),
    ("fireworks-ai", "fireworks"),
    ("github-models", "github"),
    ("google", "gemini"),
    ("google-vertex", "vertex"),
    ("google-vertex-anthropic", "vertex_claude"),
    ("groq", "groq"),
    ("huggingface", "huggingface"),
    ("lmstudio", "lm_studio"),
    ("minimax", "minimax"),
    ("mistral", "mistral"),
    ("moonshotai", "moonshot"),
    ("nebius", "nebius"),
    ("nvidia", "nvidia_nim"),
    ("openai", "openai"),
    ("openrouter", "openrouter"),
    ("perplexity", "perplexity"),
    ("sambanova", "sambanova"),
    ("togetherai", "together"),
    ("voyage", "voyage"),
    ("xai", "xai"),
    ("zai", "zhipu"),
];

#[derive(Deserialize)]
struct Provider<'a> {
    #[serde(borrow)]
    models: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(default)]
    attachment: bool,
    #[serde(default)]
    reasoning: bool,
    #[serde(default)]
    tool_call: bool,
    #[serde(default)]
    structured_output: bool,
    status: Option<String>,
    #[serde(borrow, default)]
    limit: Members<'a>,
    #[serde(borrow, default)]
    cost: Members<'a>,
    #[serde(default)]
    modalities: Modalities,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Modalities {
    input: Vec<String>,
    output: Vec<String>,
}

/// Reads all providers.
pub(super) fn read(text: &str, reading: &mut Reading<'_>) -> Result<(), RefreshError> {
    let form = |error: serde_json::Error| RefreshError::Form(error.to_string());
    let all: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(form)?;
    for (theirs, provider) in all {
        let ours = PROVIDERS.iter().find(|(known, _)| *known == theirs);
        let Some((_, ours)) = ours else {
            let theirs_are: Result<Provider<'_>, _> = serde_json::from_str(provider.get());
            let count = theirs_are.map_or(1, |provider| provider.models.len());
            reading.unknown(&theirs, count);
            continue;
        };
        if !reading.wants(ours) {
            continue;
        }
        let provider: Provider<'_> = match serde_json::from_str(provider.get()) {
            Ok(provider) => provider,
            Err(error) => {
                reading.problem(&theirs, &error.to_string());
                continue;
            }
        };
        for (id, model) in provider.models {
            let read = serde_json::from_str::<Model<'_>>(model.get())
                .map_err(|error| error.to_string())
                .and_then(|model| model.model(ours, &id, reading));
            reading.keep(&format!("{theirs}/{id}"), read);
        }
    }
    Ok(())
}

impl Model<'_> {
    fn model(
        &self,
        provider: &str,
        id: &str,
        reading: &Reading<'_>,
    ) -> Result<Option<CatalogueModel>, String> {
        let speaks = |word: &str| self.modalities.output.iter().any(|it| it == word);
        let is_served = self.status.as_deref() != Some("deprecated");
        // One price of output is that of pictures then, and text costs less.
        let draws = speaks("image") || speaks("video");
        if !is_served || draws || !(speaks("text") || self.modalities.output.is_empty()) {
            return Ok(None);
        }
        let count = |name: &str| match self.limit.get(name) {
            Some(value) => fields::tokens(&format!("limit.{name}"), value),
            None => Ok(None),
        };
        // There is no word for it in their file.
        let mode = match id.contains("embed") {
            true => Mode::Embedding,
            false => Mode::Chat,
        };
        let mut line = Line {
            id: id.to_owned(),
            mode,
            context: count("input")?.or(count("context")?),
            max_output: count("output")?.filter(|_| mode != Mode::Embedding),
            can: Some(self.abilities()),
            ..Line::default()
        };
        self.prices(&mut line)?;
        line.tidy();
        if line.says_nothing() {
            return Ok(None);
        }
        let wish = reading.wish;
        line.model(provider, wish.source, wish.as_of).map(Some)
    }

    fn abilities(&self) -> Abilities {
        let hears = |word: &str| self.modalities.input.iter().any(|it| it == word);
        let speaks = |word: &str| self.modalities.output.iter().any(|it| it == word);
        let has_cache = self.cost.contains_key("cache_read");
        let all = [
            (self.tool_call, Ability::Tools),
            (hears("image"), Ability::Vision),
            (hears("pdf") && self.attachment, Ability::Pdf),
            (hears("audio"), Ability::AudioInput),
            (speaks("audio"), Ability::AudioOutput),
            (self.structured_output, Ability::StructuredOutput),
            (self.reasoning, Ability::Reasoning),
            (has_cache, Ability::PromptCaching),
        ];
        all.iter()
            .filter(|(has, _)| *has)
            .map(|(_, ability)| *ability)
            .collect()
    }

    fn prices(&self, line: &mut Line) -> Result<(), String> {
        let part = |name: &str| price(&self.cost, name);
        let (Some(input), Some(output)) = (part("input")?, part("output")?) else {
            return Ok(());
        };
        line.input = Some(input);
        line.output = Some(output);
        line.cached = part("cache_read")?;
        line.cache_write = part("cache_write")?;
        line.reasoning = part("reasoning")?;
        line.audio_input = part("input_audio")?;
        line.audio_output = part("output_audio")?;
        let mut tiers = BTreeMap::new();
        if let Some(long) = self.cost.get("context_over_200k") {
            let long: Members<'_> = parsed("cost.context_over_200k", long)?;
            tiers.insert(200_000, tier(200_000, &long)?);
        }
        if let Some(all) = self.cost.get("tiers") {
            let all: Vec<Members<'_>> = parsed("cost.tiers", all)?;
            for one in &all {
                let Some(length) = one.get("tier") else {
                    return Err("cost.tiers has one without `tier`".to_owned());
                };
                let length: Members<'_> = parsed("cost.tiers", length)?;
                let above = match length.get("size") {
                    Some(size) => fields::tokens("cost.tiers", size)?.unwrap_or(0),
                    None => return Err("cost.tiers has one without `size`".to_owned()),
                };
                tiers.insert(above, tier(above, one)?);
            }
        }
        line.tiers = tiers.into_values().collect();
        Ok(())
    }
}

fn parsed<'a, T: Deserialize<'a>>(name: &str, value: &'a RawValue) -> Result<T, String> {
    serde_json::from_str(value.get()).map_err(|error| format!("{name}: {error}"))
}

fn price(of: &Members<'_>, name: &str) -> Result<Option<String>, String> {
    let value = of.get(name).filter(|value| value.get() != "null");
    let read = value.map(|value| fields::usd(&format!("cost.{name}"), value, 0));
    read.transpose()
}

fn tier(above: u64, of: &Members<'_>) -> Result<TierLine, String> {
    Ok(TierLine {
        above,
        input: price(of, "input")?,
        cached: price(of, "cache_read")?,
        cache_write: price(of, "cache_write")?,
        cache_write_1h: None,
        audio_input: price(of, "input_audio")?,
        output: price(of, "output")?,
        reasoning: price(of, "reasoning")?,
        audio_output: price(of, "output_audio")?,
    })
}
