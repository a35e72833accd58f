//! What the catalogue promises, and that the built-in one keeps it.

use super::*;
use crate::url::parse_base_url;
use domain::canon::Dialect;
use domain::model::Price;
use domain::money::Rate;

fn builtin() -> Catalogue {
    Catalogue::builtin().expect("the built-in catalogue is valid")
}

/// `base_url` with every `${NAME}` and `${NAME:-default}` put in.
fn filled(base_url: &str) -> String {
    let mut out = String::new();
    let mut rest = base_url;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').expect("closed");
        out.push_str(before);
        let value = name
            .split_once(":-")
            .map_or("value", |(_, default)| default);
        let at_start = before.is_empty() && out.is_empty();
        out.push_str(if at_start {
            "https://value.example"
        } else {
            value
        });
        rest = behind;
    }
    out + rest
}

fn price(catalogue: &Catalogue, provider: &str, id: &str) -> Price {
    catalogue
        .model(provider, id)
        .and_then(|m| m.price.clone())
        .expect("a price")
}

#[test]
fn every_builtin_provider_has_a_url_and_a_variable() {
    let catalogue = builtin();
    assert!(catalogue.providers.len() >= 30);
    for provider in &catalogue.providers {
        let parts = parse_base_url(&filled(&provider.base_url));
        let (tls, ..) = parts.unwrap_or_else(|e| panic!("{}: {e}", provider.name));
        assert_eq!(tls, !provider.internal, "{}", provider.name);
        assert!(!provider.env.is_empty() || !provider.base_url_env.is_empty());
        assert!(parse_base_url(&provider.docs).is_ok(), "{}", provider.name);
    }
}

#[test]
fn every_builtin_model_names_a_provider_and_stands_there_once() {
    let catalogue = builtin();
    assert!(catalogue.models().len() >= 250);
    let mut seen = HashSet::new();
    for model in catalogue.models() {
        let known = catalogue.providers.iter().any(|p| p.name == model.provider);
        assert!(known, "{}", model.provider);
        assert!(seen.insert((&model.provider, &model.id)), "{}", model.id);
        assert!(model.max_output <= Some(10_000_000), "{}", model.id);
        let Some(price) = &model.price else {
            continue;
        };
        let dearest = Rate(1_000_000_000_000);
        assert!(
            price.input <= dearest && price.output <= dearest,
            "{}",
            model.id
        );
    }
}

#[test]
fn another_door_to_the_same_models_knows_them() {
    let catalogue = builtin();
    let id = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
    let price = |provider: &str| price(&catalogue, provider, id);
    assert_eq!(price("bedrock_claude"), price("bedrock"));
    assert_eq!(catalogue.models_of("bedrock_claude"), []);
    assert!(catalogue.model("bedrock_claude", "unheard-of").is_none());
    let lost =
        "source: x\nas_of: x\nproviders: [{name: a, base_url: x, env: [A], like: b, docs: x}]";
    let error = Catalogue::parse(lost).expect_err("no such entry");
    assert!(error.to_string().contains("`like`"), "{error}");
}

#[test]
fn three_prices_are_as_they_were_published() {
    let catalogue = builtin();
    let four_o = Price {
        input: Rate(2_500_000_000),
        cached_input: Some(Rate(1_250_000_000)),
        cache_write: None,
        output: Rate(10_000_000_000),
        ..Price::default()
    };
    assert_eq!(price(&catalogue, "openai", "gpt-4o"), four_o);
    let sonnet = Price {
        input: Rate(3_000_000_000),
        cached_input: Some(Rate(300_000_000)),
        cache_write: Some(Rate(3_750_000_000)),
        cache_write_1h: Some(Rate(6_000_000_000)),
        output: Rate(15_000_000_000),
        ..Price::default()
    };
    assert_eq!(price(&catalogue, "anthropic", "claude-sonnet-4-6"), sonnet);
    let small = Price {
        input: Rate(20_000_000),
        ..Price::default()
    };
    assert_eq!(price(&catalogue, "openai", "text-embedding-3-small"), small);
}

#[test]
fn the_builtin_catalogue_carries_its_sources() {
    for model in builtin().models() {
        assert!(!model.source.is_empty() && model.as_of.len() == 10);
    }
}

#[test]
fn a_base_url_of_the_environment_is_completed() {
    let catalogue = builtin();
    let provider = |name| {
        catalogue
            .providers
            .iter()
            .find(|p| p.name == name)
            .expect("known")
    };
    for (name, base, expected) in [
        ("ollama", "gpu1", "http://gpu1:11434/api"),
        ("ollama", "0.0.0.0:1234", "http://0.0.0.0:1234/api"),
        ("ollama", "[::1]", "http://[::1]:11434/api"),
        ("ollama", "http://gpu1:11434/", "http://gpu1:11434/api"),
        ("ollama", "https://gpu.example", "https://gpu.example/api"),
        ("vllm", "http://gpu1:8000/v1", "http://gpu1:8000/v1"),
        (
            "openai",
            "https://proxy.example/openai",
            "https://proxy.example/openai",
        ),
    ] {
        assert_eq!(provider(name).complete(base), expected);
    }
}

const HEAD: &str = "source: s\nas_of: \"2026-01-01\"\nproviders:\n  - {name: p, base_url: 'https://p/v1', env: [K], docs: 'https://d'}\n";

#[test]
fn a_model_without_a_price_is_unknown_and_never_free() {
    let text = format!("{HEAD}models:\n  p:\n    - {{id: m}}\n");
    let catalogue = Catalogue::parse(&text).expect("valid");
    assert_eq!(catalogue.models()[0].price, None);
    assert_eq!(catalogue.models()[0].source, "s");
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (models, part) in [
        ("  q:\n    - {id: m}", "`q`"),
        ("  p:\n    - {id: m}\n    - {id: m}", "`p/m`"),
        ("  p:\n    - {id: m, input: '1'}", "`output`"),
        ("  p:\n    - {id: m, input: '1e3', output: '1'}", "1e3"),
        ("  p:\n    - {id: m, prize: '1'}", "prize"),
    ] {
        let error = Catalogue::parse(&format!("{HEAD}models:\n{models}\n")).expect_err(models);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_provider_without_a_variable_is_refused() {
    let text = HEAD.replace(", env: [K]", "") + "models: {}\n";
    let error = Catalogue::parse(&text).expect_err("no variable");
    assert!(error.to_string().contains("base_url_env"), "{error}");
}

#[test]
fn every_quirk_has_a_source_and_a_date() {
    let catalogue = builtin();
    let mut quirky = 0;
    for provider in &catalogue.providers {
        let quirks = &provider.quirks;
        if quirks.quirks().expect("checked") == domain::quirks::Quirks::default() {
            continue;
        }
        quirky += 1;
        let name = &provider.name;
        assert!(quirks.source.is_some(), "{name}");
        let date = quirks.as_of.as_deref().expect(name);
        assert!(is_date(date), "{name}");
        assert!(provider.dialect == Dialect::OpenAi, "{name}");
    }
    assert!(quirky >= 20);
}

#[test]
fn every_compatible_provider_of_the_promise_has_an_entry() {
    let catalogue = builtin();
    for name in [
        "groq",
        "together",
        "fireworks",
        "deepinfra",
        "deepseek",
        "xai",
        "openrouter",
        "perplexity",
        "cerebras",
        "sambanova",
        "nvidia_nim",
        "nebius",
        "databricks",
        "huggingface",
        "cloudflare",
        "moonshot",
        "dashscope",
        "zhipu",
        "minimax",
        "voyage",
        "jina",
        "github",
        "mistral",
        "vllm",
        "sglang",
        "llama_cpp",
        "lm_studio",
        "tgi",
        "litellm",
    ] {
        assert!(
            catalogue.providers.iter().any(|it| it.name == name),
            "{name}"
        );
    }
}

#[test]
fn quirks_that_make_no_sense_are_named() {
    let text = "source: x\nas_of: \"2026-11-26\"\nproviders:\n  - {name: a, base_url: 'https://a', env: [A], docs: x, quirks: {request: [{at: [n]}]}}\n";
    let error = Catalogue::parse(text).expect_err("no action").to_string();
    assert!(error.contains("`quirks.request[0]`"), "{error}");
}

#[test]
fn the_clouds_claudes_are_told_the_betas_that_they_know() {
    let catalogue = builtin();
    let entry = |name: &str| catalogue.providers.iter().find(|it| it.name == name);
    let told = |provider: &str, beta: &str, model: &str| {
        let shape = entry(provider).expect("an entry").shape();
        let mut lists = shape.lists.into_iter().chain(shape.headers);
        let (_, known) = lists.next().expect("a table of betas");
        let mut all = known.iter();
        all.find_map(|known| known.told(beta.as_bytes(), model).map(str::to_owned))
    };
    let (thinks, all_tools) = (
        "interleaved-thinking-2025-05-14",
        "advanced-tool-use-2025-11-20",
    );
    for (provider, sonnet, haiku) in [
        (
            "bedrock_claude",
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        (
            "vertex_claude",
            "claude-sonnet-4-6@default",
            "claude-haiku-4-5",
        ),
    ] {
        assert_eq!(told(provider, thinks, sonnet).as_deref(), Some(thinks));
        assert_eq!(told(provider, thinks, haiku), None);
        let search = Some("tool-search-tool-2025-10-19");
        assert_eq!(told(provider, all_tools, sonnet).as_deref(), search);
        for never in [
            "claude-code-20250219",
            "files-api-2025-04-14",
            "skills-2025-10-02",
        ] {
            assert_eq!(told(provider, never, sonnet), None);
        }
        assert!(entry(provider).expect("an entry").shape().wants_bytes);
    }
}

#[test]
fn every_embedding_model_of_the_clouds_has_a_form() {
    let catalogue = builtin();
    let mut seen = 0;
    for provider in ["vertex", "bedrock"] {
        let entry = catalogue.providers.iter().find(|it| it.name == provider);
        let doors = entry.expect("an entry").doors();
        for model in catalogue.models_of(provider) {
            if model.mode == domain::ability::Mode::Embedding {
                assert!(
                    doors.iter().any(|door| door.is_of(&model.id)),
                    "{}",
                    model.id
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 15, "{seen}");
}
