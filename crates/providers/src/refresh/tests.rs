//! What is read of other people's lists, and compared with what is known.

use domain::ability::{Ability, Mode};
use domain::model::Price;
use domain::money::{NanoUsd, Rate};

use super::*;
use crate::catalogue::{read_models, write_models};

const LITELLM: &str = r#"{
  "sample_spec": {"litellm_provider": "one of", "mode": "one of"},
  "claude-x": {
    "litellm_provider": "anthropic", "mode": "chat",
    "max_input_tokens": 200000, "max_output_tokens": 64000, "max_tokens": 64000,
    "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
    "cache_read_input_token_cost": 3.0000000000000004e-07,
    "cache_creation_input_token_cost": 3.75e-06,
    "cache_creation_input_token_cost_above_1hr": 6e-06,
    "input_cost_per_token_above_200k_tokens": 6e-06,
    "output_cost_per_token_above_200k_tokens": 2.25e-05,
    "cache_creation_input_token_cost_above_200k_tokens": 7.5e-06,
    "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05,
    "cache_read_input_token_cost_above_200k_tokens": 6e-07,
    "input_cost_per_token_batches": 1.5e-06, "output_cost_per_token_batches": 7.5e-06,
    "input_cost_per_token_priority": 1e-03,
    "supports_vision": true, "supports_reasoning": true, "supports_pdf_input": false},
  "xai/g": {"litellm_provider": "xai", "mode": "responses", "max_input_tokens": 1,
    "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
    "output_cost_per_reasoning_token": 2e-06, "input_cost_per_audio_token": 4e-06,
    "output_cost_per_audio_token": 8e-06, "input_cost_per_request": 0.005},
  "dashscope/q": {"litellm_provider": "dashscope", "mode": "chat", "tiered_pricing": [
    {"range": [0, 32000.0], "input_cost_per_token": 1e-07, "output_cost_per_token": 4e-07},
    {"range": [32000.0, 128000.0], "input_cost_per_token": 2e-07, "output_cost_per_token": 8e-07}]},
  "voyage/e": {"litellm_provider": "voyage", "mode": "embedding", "input_cost_per_token": 1e-08},
  "gemini/free": {"litellm_provider": "gemini", "mode": "chat", "max_input_tokens": 9,
    "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
  "gemini/old": {"litellm_provider": "gemini", "mode": "chat", "deprecation_date": "2026-01-01"},
  "gemini/nothing": {"litellm_provider": "gemini", "mode": "chat"},
  "gemini/drawn": {"litellm_provider": "gemini", "mode": "image_generation"},
  "us/azure/region": {"litellm_provider": "azure", "mode": "chat"},
  "other/x": {"litellm_provider": "other", "mode": "chat"}
}"#;

const MODELS_DEV: &str = r#"{
  "anthropic": {"id": "anthropic", "env": [], "models": {
    "claude-x": {"id": "claude-x", "name": "X", "attachment": true, "reasoning": true,
      "tool_call": true, "limit": {"context": 200000, "output": 64000},
      "cost": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75,
        "tiers": [{"input": 6, "output": 22.5, "tier": {"type": "context", "size": 200000}}],
        "context_over_200k": {"input": 6, "output": 22.5}},
      "modalities": {"input": ["text", "image", "pdf"], "output": ["text"]}},
    "gone": {"status": "deprecated", "limit": {"context": 1, "output": 1}},
    "painter": {"limit": {"context": 1, "output": 1}, "modalities": {"input": [], "output": ["text", "image"]}}}},
  "elsewhere": {"models": {"a": {}, "b": {}}}
}"#;

fn wish<'a>(format: Format, providers: &'a dyn Fn(&str) -> bool) -> Wish<'a> {
    Wish {
        format,
        providers,
        source: "s",
        as_of: "2026-11-26",
    }
}

fn facts_of(text: &str) -> Facts {
    read(text, &wish(Format::of(text), &|_| true)).expect("a list")
}

fn model<'a>(facts: &'a Facts, id: &str) -> &'a CatalogueModel {
    let found = facts.models.iter().find(|model| model.id == id);
    found.unwrap_or_else(|| panic!("no {id}"))
}

fn price<'a>(facts: &'a Facts, id: &str) -> &'a Price {
    model(facts, id).price.as_ref().expect("a price")
}

#[test]
fn litellms_prices_are_read_to_the_last_nano_dollar() {
    let facts = facts_of(LITELLM);
    let price = price(&facts, "claude-x");
    let expected = Price {
        input: Rate(3_000_000_000),
        cached_input: Some(Rate(300_000_000)),
        cache_write: Some(Rate(3_750_000_000)),
        cache_write_1h: Some(Rate(6_000_000_000)),
        output: Rate(15_000_000_000),
        tiers: price.tiers.clone(),
        ..Price::default()
    };
    assert_eq!(*price, expected);
    let long = price.at(200_001);
    let expected = Price {
        input: Rate(6_000_000_000),
        cached_input: Some(Rate(600_000_000)),
        cache_write: Some(Rate(7_500_000_000)),
        cache_write_1h: Some(Rate(12_000_000_000)),
        output: Rate(22_500_000_000),
        ..Price::default()
    };
    assert_eq!(*long, expected);
    assert_eq!(price.at(200_000), price);
    let batch = &model(&facts, "claude-x").unmetered;
    assert_eq!(batch.batch_input, Some(Rate(1_500_000_000)));
}

#[test]
fn what_costs_as_its_side_has_no_price_of_its_own() {
    let facts = facts_of(LITELLM);
    let price = price(&facts, "g");
    assert_eq!(price.reasoning, None);
    assert_eq!(price.audio_input, Some(Rate(4_000_000_000)));
    assert_eq!(price.audio_output, Some(Rate(8_000_000_000)));
    assert_eq!(price.per_request, NanoUsd(5_000_000));
    assert_eq!(model(&facts, "g").mode, Mode::Responses);
}

#[test]
fn ranges_of_prompts_become_tiers() {
    let facts = facts_of(LITELLM);
    let price = price(&facts, "q");
    assert_eq!(price.input, Rate(100_000_000));
    assert_eq!(price.at(32_001).input, Rate(200_000_000));
    assert_eq!(price.at(200_000).output, Rate(800_000_000));
}

#[test]
fn abilities_and_limits_are_read_where_they_are_said() {
    let facts = facts_of(LITELLM);
    let claude = model(&facts, "claude-x");
    assert_eq!(
        (claude.context, claude.max_output),
        (Some(200_000), Some(64_000))
    );
    let can: Vec<_> = claude.abilities.expect("said").iter().collect();
    assert_eq!(can, [Ability::Vision, Ability::Reasoning]);
    assert_eq!(model(&facts, "q").abilities, None);
    let embedding = model(&facts, "e");
    assert_eq!(embedding.mode, Mode::Embedding);
    assert_eq!(embedding.price.as_ref().expect("a price").output, Rate(0));
}

#[test]
fn what_is_free_out_of_service_empty_or_of_a_region_is_not_taken_over() {
    let facts = facts_of(LITELLM);
    assert_eq!(model(&facts, "free").price, None);
    let names: Vec<&str> = facts.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(names, ["claude-x", "g", "q", "e", "free"]);
    assert_eq!(facts.unknown["other"], 1);
}

#[test]
fn models_devs_file_is_read() {
    let facts = facts_of(MODELS_DEV);
    assert_eq!(facts.models.len(), 1);
    let price = price(&facts, "claude-x");
    assert_eq!(price.cached_input, Some(Rate(300_000_000)));
    assert_eq!(price.at(200_001).output, Rate(22_500_000_000));
    assert_eq!(price.at(200_001).cached_input, Some(Rate(300_000_000)));
    let can: Vec<_> = model(&facts, "claude-x")
        .abilities
        .expect("said")
        .iter()
        .collect();
    let expected = [
        Ability::Tools,
        Ability::Vision,
        Ability::Pdf,
        Ability::Reasoning,
        Ability::PromptCaching,
    ];
    assert_eq!(can, expected);
    assert_eq!((facts.unknown["elsewhere"], facts.passed_over), (2, 2));
}

#[test]
fn what_models_dev_cannot_say_stays() {
    let known = facts_of(LITELLM).models;
    let changes = changes(&known, &facts_of(MODELS_DEV), Format::ModelsDev);
    let [change] = &*changes else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (change.kind, change.model.id.as_str()),
        (Kind::Changed, "claude-x")
    );
    let price = change.model.price.as_ref().expect("a price");
    assert_eq!(price.cache_write_1h, Some(Rate(6_000_000_000)));
    assert!(change.model.unmetered.batch_input.is_some());
    let names: Vec<&str> = change
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["tiers", "can"]);
}

#[test]
fn every_difference_is_told_with_its_old_and_its_new_value() {
    let known = facts_of(LITELLM).models;
    let dearer = LITELLM
        .replace("3e-06", "4e-06")
        .replace("\"gemini/free\"", "\"gemini/other\"");
    let changes = changes(&known, &facts_of(&dearer), Format::Litellm);
    let told: Vec<(Kind, &str)> = changes
        .iter()
        .map(|it| (it.kind, it.model.id.as_str()))
        .collect();
    let expected = [
        (Kind::Changed, "claude-x"),
        (Kind::Gone, "free"),
        (Kind::New, "other"),
    ];
    assert_eq!(told, expected);
    let field = Field {
        name: "input".to_owned(),
        old: Some("3".to_owned()),
        new: Some("4".to_owned()),
    };
    assert_eq!(changes[0].fields, [field]);
}

#[test]
fn what_an_operator_wrote_and_what_is_younger_is_kept() {
    let mut known = facts_of(LITELLM).models;
    known[0].source = crate::catalogue::OPERATOR.to_owned();
    known[0].context = Some(7);
    known[1].as_of = "2027-01-01".to_owned();
    known[1].context = Some(7);
    let changes = changes(&known, &facts_of(LITELLM), Format::Litellm);
    let kinds: Vec<Kind> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [Kind::Operators, Kind::Younger]);
    assert!(!kinds.into_iter().chain([Kind::Gone]).any(Kind::counts));
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let known = facts_of(LITELLM).models;
    let text = write_models(&known);
    assert_eq!(read_models(&text, &|_| true).models, known);
    assert_eq!(text.lines().count(), known.len() + 1);
}

#[test]
fn every_entry_that_makes_no_sense_is_named_and_nothing_is_taken() {
    let broken = LITELLM
        .replace("1.5e-05", "-1.5e-05")
        .replace("\"max_input_tokens\": 9", "\"max_input_tokens\": 0.5");
    let error = read(&broken, &wish(Format::Litellm, &|_| true)).expect_err("broken");
    let error = error.to_string();
    for part in [
        "`claude-x`",
        "negative",
        "`gemini/free`",
        "max_input_tokens",
    ] {
        assert!(error.contains(part), "{error}");
    }
    for text in [
        "",
        "[]",
        "{\"a\":1,\"litellm_provider\":2}",
        "{\"openai\":{}}",
        "{\"openai\":[]}",
    ] {
        assert!(
            read(text, &wish(Format::of(text), &|_| true)).is_err(),
            "{text}"
        );
    }
}

#[test]
fn a_name_that_is_none_is_refused() {
    let wild = LITELLM.replace("\"claude-x\"", "\"claude\\u001b[31m\"");
    let error = read(&wild, &wish(Format::Litellm, &|_| true)).expect_err("wild");
    let error = error.to_string();
    assert!(
        error.contains("its name") && !error.contains('\u{1b}'),
        "{error}"
    );
}
