//! What the built-in table says of names, and whether it is well formed.

use domain::canon::{Dialect, Effort};
use domain::traits::{Chats, Family, Forced, Form, Off, Thinks, Traits};

use super::*;
use crate::catalogue::Catalogue;

/// Patterns for models that the catalogue has not, or no more.
const AHEAD: &[&str] = &[
    // Older than the catalogue, but still asked for.
    "*claude* < 4.1",
    "*claude-v2*",
    "*claude-instant*",
    "*claude-3-haiku*",
    "*claude-3-sonnet*",
    "*claude-3-opus*",
    "*claude-3-5-sonnet-20240620*",
    "*deepseek-r1*",
    "*gemini- < 2.1",
    "*gemini-3-pro*",
    // OpenAI's of before, and as routers name them.
    "*gpt-5*-chat*",
    "*o1-pro*",
    "*gpt-3.5*",
    "*gpt-35*",
    "*/o1*",
    "*/o3*",
    "o1-preview*",
    "o4*",
    "*/o4*",
    "grok-3-mini*",
    // Names of places, not of models of a provider.
    "*anthropic.*",
    "arn:aws*",
    // Behind Converse by import or marketplace.
    "*mistral-7b*",
    "*mixtral*",
    "*ai21*",
    "*stability*",
];

fn table() -> Table {
    builtin().expect("the built-in table")
}

fn of(dialect: Dialect, model: &str) -> Traits {
    table().at(dialect, "").of(model)
}

fn claude(model: &str) -> Traits {
    of(Dialect::Anthropic, model)
}

fn converse(model: &str) -> Traits {
    of(Dialect::Converse, model)
}

#[test]
fn every_place_is_in_the_catalogue_and_every_pattern_is_of_some_model_of_it() {
    let catalogue = Catalogue::builtin().expect("a catalogue");
    let names = |dialects: &[Dialect]| -> Vec<&str> {
        let is_its = |provider: &str| {
            let known = catalogue.providers.iter().find(|it| it.name == provider);
            known.is_some_and(|known| dialects.contains(&known.dialect))
        };
        let models = catalogue.models().iter();
        models
            .filter(|model| is_its(&model.provider))
            .map(|model| model.id.as_str())
            .collect()
    };
    let table = table();
    let mut ahead = Vec::new();
    for rule in &table.0 {
        for at in &rule.at {
            assert!(catalogue.has(at), "{at}");
        }
        // Nobody lists Ollama's models.
        if rule.dialects == [Dialect::Ollama] {
            continue;
        }
        let names = names(&rule.dialects);
        for pattern in &rule.models {
            if !names.iter().any(|name| pattern.fits(name)) {
                ahead.push(pattern.as_str());
            }
        }
    }
    ahead.sort_unstable();
    ahead.dedup();
    let mut known = AHEAD.to_vec();
    known.sort_unstable();
    assert_eq!(ahead, known);
}

#[test]
fn a_generation_of_claude_is_known_by_the_name() {
    let form = |name: &str| claude(name).form;
    assert_eq!(form("claude-3-7-sonnet-20250219"), Form::Budget);
    assert_eq!(form("claude-sonnet-4-20250514"), Form::Budget);
    let on_aws = "us.anthropic.claude-opus-4-5-20251101-v1:0";
    assert_eq!(form(on_aws), Form::Budget);
    assert_eq!(form("anthropic/claude-sonnet-4.6"), Form::Either);
    assert_eq!(form("claude-opus-4-7"), Form::Word);
    assert_eq!(form("claude-mythos-preview"), Form::Word);
    assert_eq!(form("claude-sonnet-5-5"), Form::Word);
    assert_eq!(form("claude-sonnet-9"), Form::Word);
    assert_eq!(form("claude-latest"), Form::AsAsked);
    assert_eq!(form("kimi-k2"), Form::AsAsked);
}

#[test]
fn models_of_openai_that_the_table_does_not_know_think_by_their_names() {
    let thinks = |name: &str| of(Dialect::OpenAi, name).thinks;
    for name in ["o4-mini", "gpt-5-codex", "ft:gpt-5-mini:org::x", "gpt-7"] {
        assert_eq!(thinks(name), Thinks::Yes, "{name}");
    }
    assert_eq!(thinks("gpt-5.1-chat-latest"), Thinks::No);
    assert_eq!(thinks("gpt-4o"), Thinks::Unknown, "the table knows");
    let efforts = of(Dialect::OpenAi, "o1-mini").efforts;
    assert_eq!(efforts.nearest(Effort::Low), None);
}

#[test]
fn the_newest_cannot_be_kept_from_thinking() {
    let off = |name: &str| claude(name).off;
    assert_eq!(off("claude-opus-4-8"), Off::ByItself);
    assert_eq!(off("claude-opus-5"), Off::Said);
    assert_eq!(off("claude-opus-5-5"), Off::Never);
    assert_eq!(off("claude-fable-5-1"), Off::Never);
    assert_eq!(off("claude-haiku-5-5"), Off::BetweenTools);
    assert_eq!(claude("claude-opus-5-5").forces, Forced::Nothing);
    assert_eq!(
        converse("anthropic.claude-opus-5-5").forces,
        Forced::Nothing
    );
    assert_eq!(claude("claude-haiku-5-5").forces, Forced::Named);
}

#[test]
fn nobody_searches_the_web_on_aws() {
    let searches = |name: &str| claude(name).searches;
    assert!(searches("claude-opus-4-8") && searches("claude-opus-4-8@20260528"));
    assert!(!searches("eu.anthropic.claude-haiku-4-5-20251001-v1:0"));
    let profile = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x";
    assert!(!searches(profile));
    let there = table().at(Dialect::Anthropic, "bedrock_claude");
    assert!(!there.of("claude-opus-4-8").searches);
}

#[test]
fn the_operator_speaks_in_the_middle_to_anthropic_alone() {
    let takes = |name: &str| claude(name).system_turns;
    assert!(takes("claude-opus-4-8"));
    assert!(takes("claude-sonnet-5-5"));
    assert!(!takes("claude-sonnet-5"));
    assert!(!takes("claude-opus-4-8@20260528"));
    assert!(!takes("anthropic.claude-opus-5"));
    for place in ["bedrock_claude", "vertex_claude"] {
        let there = table().at(Dialect::Anthropic, place);
        assert!(!there.of("claude-opus-5").system_turns, "{place}");
    }
}

#[test]
fn a_maker_behind_converse_is_known_by_the_name() {
    let family = |name: &str| converse(name).family;
    let sonnet = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(family(sonnet), Family::Claude);
    let haiku =
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0";
    assert_eq!(family(haiku), Family::Claude);
    let nova = converse("amazon.nova-pro-v1:0");
    assert!(nova.family == Family::Nova && nova.efforts.is_empty() && !nova.schemas);
    let second = converse("global.amazon.nova-2-lite-v1:0");
    assert!(second.family == Family::Nova && second.efforts.has(Effort::None));
    assert_eq!(family("openai.gpt-oss-120b-1:0"), Family::GptOss);
    let mistral = converse("mistral.mistral-large-2407-v1:0");
    assert!(mistral.forces == Forced::Any && mistral.schemas);
    let open = converse("qwen.qwen3-32b-v1:0");
    assert!(open.forces == Forced::Nothing && open.schemas);
    let other = converse("us.meta.llama3-3-70b-instruct-v1:0");
    assert!(other.forces == Forced::Nothing && !other.schemas);
    let profile =
        converse("arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/x1y2z3");
    assert_eq!(profile.family, Family::Other);
    assert!(profile.forces == Forced::Named && !profile.answers_by_tool && !profile.caches);
}

#[test]
fn what_came_later_is_for_later_models() {
    let old = converse("anthropic.claude-3-haiku-20240307-v1:0");
    assert!(!old.caches && !old.schemas);
    let new = converse("eu.anthropic.claude-opus-4-6-v1");
    assert!(new.caches && new.schemas);
    assert!(!converse("us.deepseek.r1-v1:0").schemas);
}

#[test]
fn openais_newest_models_alone_know_the_strongest_effort() {
    let max = |model: &str| of(Dialect::OpenAi, model).efforts.nearest(Effort::Max);
    assert_eq!(max("gpt-5.6-terra"), Some(Effort::Max));
    assert_eq!(max("openai/gpt-6"), Some(Effort::Max));
    assert_eq!(max("gpt-5.4"), Some(Effort::XHigh));
    assert_eq!(max("deepseek-v4"), Some(Effort::XHigh));
    assert_eq!(
        of(Dialect::Responses, "gpt-6"),
        of(Dialect::OpenAi, "gpt-6")
    );
}

#[test]
fn gemini_thinks_by_a_budget_and_then_by_levels() {
    let gemini = |name: &str| of(Dialect::Gemini, name);
    assert_eq!(gemini("gemini-2.0-flash").thinks, Thinks::No);
    let second = gemini("gemini-2.5-flash-lite");
    assert_eq!((second.form, second.off), (Form::Budget, Off::Said));
    assert_eq!((second.budget.least, second.budget.most), (512, 24_576));
    assert_eq!(gemini("gemini-2.5-pro").off, Off::Never);
    for newest in [
        "gemini-3.1-pro-preview",
        "gemini-4-argon",
        "gemini-pro-latest",
    ] {
        let newest = gemini(newest);
        assert_eq!((newest.form, newest.off), (Form::Either, Off::Never));
        assert!(newest.signed_calls && newest.efforts.has(Effort::Medium));
        assert!(!newest.efforts.has(Effort::Minimal));
    }
    assert!(!gemini("gemini-3-pro-preview").efforts.has(Effort::Medium));
    assert!(gemini("gemini-3.5-flash").efforts.has(Effort::Minimal));
    let tuned = gemini("tunedModels/mine");
    assert!(tuned.off != Off::Never && tuned.efforts.has(Effort::Minimal));
}

#[test]
fn what_makes_no_sense_is_named() {
    let wrong = |rule: &str, dialects: &str| {
        let text = format!(
            "blocks: [{{source: s, as_of: '2026-11-26', dialects: [{dialects}], rules: [{rule}]}}]"
        );
        parse(&text).expect_err(rule).to_string()
    };
    let pattern = wrong("{models: ['a > 1'], takes: {}}", "gemini");
    assert!(
        pattern.contains("line ") && pattern.contains("`a > 1` is no pattern"),
        "{pattern}"
    );
    assert!(wrong("{takes: {samplings: 3}}", "gemini").contains("samplings"));
    assert!(wrong("{takes: {sampling: 1}}", "gemini").contains("sampling"));
    assert!(wrong("{takes: {}}", "openai").contains("name both"));
}

#[test]
fn each_generation_of_openais_knows_its_own_words_for_effort() {
    let asked = |model: &str, effort| of(Dialect::OpenAi, model).efforts.nearest(effort);
    for (model, none, minimal, max) in [
        ("gpt-5", Effort::Minimal, Effort::Minimal, Effort::High),
        (
            "gpt-5-mini-2025-08-07",
            Effort::Minimal,
            Effort::Minimal,
            Effort::High,
        ),
        ("gpt-5-codex", Effort::Low, Effort::Low, Effort::High),
        ("gpt-5-pro", Effort::High, Effort::High, Effort::High),
        ("gpt-5.1", Effort::None, Effort::Low, Effort::High),
        ("gpt-5.1-codex-max", Effort::Low, Effort::Low, Effort::XHigh),
        ("gpt-5.4", Effort::None, Effort::Low, Effort::XHigh),
        ("gpt-5.6", Effort::None, Effort::Low, Effort::Max),
        ("openai/o3", Effort::Low, Effort::Low, Effort::High),
    ] {
        assert_eq!(asked(model, Effort::None), Some(none), "{model}");
        assert_eq!(asked(model, Effort::Minimal), Some(minimal), "{model}");
        assert_eq!(asked(model, Effort::Max), Some(max), "{model}");
    }
}

#[test]
fn servers_of_openais_dialect_know_other_words_or_none() {
    let at = |place: &str, model: &str, effort| {
        let traits = table().at(Dialect::OpenAi, place).of(model);
        traits.efforts.nearest(effort)
    };
    assert_eq!(at("xai", "grok-4.20-0309-reasoning", Effort::Low), None);
    assert_eq!(at("xai", "grok-code-fast-1", Effort::High), None);
    assert_eq!(at("xai", "grok-4.5", Effort::None), Some(Effort::Low));
    assert_eq!(at("xai", "grok-4.3", Effort::None), Some(Effort::None));
    assert_eq!(
        at("mistral", "mistral-medium-latest", Effort::Low),
        Some(Effort::High)
    );
    assert_eq!(at("groq", "qwen/qwen3.8-27b", Effort::Low), None);
    assert_eq!(
        at("groq", "openai/gpt-oss-120b", Effort::None),
        Some(Effort::Low)
    );
}

#[test]
fn openais_newest_have_tools_beside_an_effort_by_responses_alone() {
    let chats = |model: &str| of(Dialect::OpenAi, model).chats;
    for model in ["gpt-5.4", "gpt-5.4-mini", "openai/gpt-5.6-sol", "gpt-6"] {
        assert_eq!(chats(model), Chats::UnlessToolsAndEffort, "{model}");
    }
    for model in [
        "gpt-4o",
        "gpt-5",
        "gpt-5.2",
        "gpt-5.3-chat-latest",
        "gpt-oss-120b",
        "o4-mini",
    ] {
        assert_eq!(chats(model), Chats::Always, "{model}");
    }
    for model in [
        "gpt-5.5-pro",
        "gpt-5.3-codex",
        "o1-pro",
        "o4-mini-deep-research",
    ] {
        assert_eq!(chats(model), Chats::Never, "{model}");
    }
}
