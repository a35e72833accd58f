//! In which dialects models are asked.

use ::providers::Catalogue;
use domain::canon::Dialect;
use domain::model::WireFormat;

use super::tests::{built_by, built_with};

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
    let look = |name: &str| (name == "OPENAI_API_KEY").then(|| "sk-x".to_owned());
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
