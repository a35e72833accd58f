//! In which dialects models are asked.

use ::providers::Catalogue;
use domain::ability::Mode;
use domain::canon::Dialect;
use domain::model::WireFormat;

use super::tests::{built_by, built_from, built_with};

/// Models of the table that have chat completions alone, by the table of endpoints
/// on each model's page and by Microsoft's list of models of Responses.
const CHAT_ALONE: [(&str, &[&str]); 2] = [
    (
        "openai",
        &[
            "gpt-4o-audio-preview-2024-12-17",
            "gpt-4o-audio-preview-2025-06-03",
            "gpt-4o-mini-audio-preview-2024-12-17",
            "gpt-4o-mini-search-preview",
            "gpt-4o-search-preview",
            "gpt-5-search-api",
            "gpt-5-search-api-2025-10-14",
            "gpt-audio",
            "gpt-audio-1.5",
            "gpt-audio-2025-08-28",
            "gpt-audio-mini",
            "gpt-audio-mini-2025-12-15",
        ],
    ),
    (
        "azure",
        &[
            "gpt-4o-audio-preview-2024-12-17",
            "gpt-4o-mini-audio-preview-2024-12-17",
            "gpt-audio",
            "gpt-audio-1.5",
            "gpt-audio-1.5-2026-02-23",
            "gpt-audio-2025-08-28",
            "gpt-audio-mini",
            "gpt-audio-mini-2025-10-06",
            "o1-mini",
            "o1-mini-2024-09-12",
        ],
    ),
];

fn look(name: &str) -> Option<String> {
    match name {
        "AZURE_API_BASE" => Some("https://x.openai.azure.com".to_owned()),
        "OPENAI_API_KEY" | "AZURE_API_KEY" | "ANTHROPIC_API_KEY" => Some("sk-x".to_owned()),
        _ => None,
    }
}

#[test]
fn a_model_that_is_served_by_responses_alone_is_asked_there() {
    let world = built_with("", &[("OPENAI_API_KEY", "sk-x")]);
    let format = |name: &str| {
        world.resolve(name).expect("there").deployments[0]
            .provider
            .format
    };
    assert_eq!(format("o3-pro"), WireFormat::Dialect(Dialect::Responses));
    assert_eq!(format("gpt-4o"), WireFormat::Dialect(Dialect::OpenAi));
}

#[test]
fn openai_speaks_responses_too_but_for_models_of_chat_alone() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let speaks = |file: &str, name: &str| {
        let world = built_by(file, &catalogue, &look);
        let model = world.resolve(name).expect("there");
        model.deployments[0]
            .in_dialect(Dialect::Responses)
            .is_some()
    };
    // Listed, unlisted, and asked by Responses alone in any case.
    assert!(speaks("", "gpt-4o"));
    assert!(speaks("", "openai/gpt-99"));
    assert!(!speaks("", "o3-pro"));
    assert!(!speaks("", "openai/gpt-4o-search-preview"));
    assert!(!speaks("", "openai/gpt-4o-audio-preview"));
    let off = "providers: {openai: {api_key: \"env:OPENAI_API_KEY\", also: []}}";
    assert!(!speaks(off, "gpt-4o"));
    let other = "providers: {x: {base_url: http://h/v1, models: [m], also: [responses]}}";
    assert!(speaks(other, "x/m"));
}

#[test]
fn every_chat_model_of_openai_and_azure_is_asked_by_responses_or_known_to_have_none() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let world = built_by("", &catalogue, &look);
    for (provider, expected) in CHAT_ALONE {
        let rows = catalogue.models().iter();
        let rows = rows.filter(|row| row.provider == provider && row.mode == Mode::Chat);
        let alone = rows.filter(|row| {
            let name = format!("{provider}/{}", row.id);
            let model = world.resolve(&name).expect("there");
            let deployment = &model.deployments[0];
            deployment.in_dialect(Dialect::Responses).is_none()
        });
        let alone: Vec<&str> = alone.map(|row| row.id.as_str()).collect();
        assert_eq!(alone, expected, "{provider}");
    }
}

#[test]
fn azure_lists_fewer_models_of_responses_than_openai() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let world = built_by("", &catalogue, &look);
    let speaks = |name: &str| {
        let model = world.resolve(name).expect("there");
        let deployment = &model.deployments[0];
        deployment.in_dialect(Dialect::Responses).is_some()
    };
    for name in ["gpt-3.5-turbo", "gpt-4", "gpt-4-turbo"] {
        assert!(speaks(&format!("openai/{name}")), "{name}");
        assert!(!speaks(&format!("azure/{name}")), "{name}");
    }
    assert!(speaks("azure/gpt-4.1") && speaks("azure/my-deployment"));
}

#[test]
fn where_further_dialects_cannot_be_they_are_refused_and_not_passed_over() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    for (provider, why) in [
        ("anthropic: {also: [responses]}", "speaks `anthropic`"),
        (
            "azure_deployments: {also: [responses]}",
            "has paths of its own",
        ),
        (
            "x: {catalogue: gemini, also: [responses]}",
            "speaks `gemini`",
        ),
    ] {
        let text = format!("providers: {{{provider}}}");
        let (config, _) = config::parse("f.yaml", &text).expect("right");
        let error = built_from(&config, &catalogue, &look).expect_err("wrong");
        let error = error.to_string();
        assert!(error.contains(why) && error.contains("also"), "{error}");
    }
    let none = "providers: {anthropic: {also: []}}";
    assert!(
        built_by(none, &catalogue, &look)
            .resolve("anthropic/x")
            .is_some()
    );
}
