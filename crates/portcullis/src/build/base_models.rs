//! Deployments whose names do not say what they are.

use domain::ability::Ability;
use domain::canon::Dialect;
use domain::model::{Deployment, WireFormat};
use domain::traits::{Form, Thinks};

use super::tests::around;
use super::*;

const ARN: &str = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x";

fn built(text: &str) -> (Snapshot, Vec<String>) {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let (config, _) = config::parse("f.yaml", text).expect("right");
    let install = Install::from_bytes(&[7; 32]);
    snapshot_with(
        &config,
        &catalogue,
        Stored::default(),
        &install,
        around(&super::tests::env),
    )
    .expect("builds")
}

/// What becomes of a deployment at this provider of the catalogue.
pub(crate) fn one(provider: &str, deployment: &str) -> (Deployment, Vec<String>) {
    let text = format!(
        "providers: {{p: {{catalogue: {provider}, base_url: 'https://h.example/v1', api_key: env:SET_KEY}}}}\n\
         models: [{{name: prod, deployments: [{{provider: p, {deployment}}}]}}]\n"
    );
    let (world, warnings) = built(&text);
    let model = world.resolve("prod").expect("there");
    (Deployment::clone(&model.deployments[0]), warnings)
}

#[test]
fn a_deployment_is_known_by_its_base_model() {
    let (blind, _) = one("azure", "model: prod-1");
    assert_eq!((blind.known_as(), blind.context), ("prod-1", None));
    assert!(blind.price.is_none() && blind.abilities.is_none());
    // Of its own provider, of another by its full name, of whoever has it.
    for base in ["gpt-5.6-sol", "openai/gpt-5.6-sol", "azure/gpt-5.6-sol"] {
        let (known, warnings) = one("azure", &format!("model: prod-1, base_model: {base}"));
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(
            (known.upstream_model.as_str(), known.known_as()),
            ("prod-1", "gpt-5.6-sol")
        );
        assert!(known.price.is_some() && known.context.is_some());
        assert_eq!(known.can(Ability::Reasoning), Some(true));
        assert_ne!(known.traits, blind.traits);
    }
}

#[test]
fn a_profile_of_aws_takes_what_its_model_takes_there() {
    let (blind, _) = one("bedrock_claude", &format!("model: '{ARN}'"));
    assert_eq!(blind.traits.form, Form::AsAsked);
    for base in [
        "claude-opus-4-8",
        "anthropic/claude-opus-4-8",
        "anthropic.claude-opus-4-8",
    ] {
        let (known, warnings) = one(
            "bedrock_claude",
            &format!("model: '{ARN}', base_model: {base}"),
        );
        assert_eq!(warnings, Vec::<String>::new());
        assert!(known.price.is_some() && known.max_output.is_some());
        let takes = known.traits;
        assert_eq!((takes.form, takes.samplings), (Form::Word, 0));
        assert!(!takes.searches && !takes.system_turns, "{base}");
    }
}

#[test]
fn a_base_model_that_nobody_knows_is_told_and_read_for_what_it_takes() {
    let (known, warnings) = one("anthropic", "model: prod-1, base_model: claude-opus-4.9");
    let warning = warnings.first().expect("a warning");
    assert!(
        warning.contains("models[0].deployments[0].base_model"),
        "{warning}"
    );
    assert!(warning.contains("no model `claude-opus-4.9`"), "{warning}");
    assert_eq!((known.traits.form, known.price), (Form::Word, None));
}

#[test]
fn a_single_trait_of_the_file_counts_more_than_its_name() {
    let own = "model: claude-opus-4-8, traits: {samplings: 2, thinks: false}";
    let (known, _) = one("anthropic", own);
    assert_eq!((known.traits.samplings, known.traits.form), (2, Form::Word));
    assert_eq!(
        (known.traits.thinks, known.thinks()),
        (Thinks::No, Some(false))
    );
    assert_eq!(known.can(Ability::Reasoning), Some(true));
}

#[test]
fn a_base_model_that_is_asked_by_responses_is_asked_there() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let models = catalogue.models_of("azure").iter();
    let mut by_responses = models.filter(|it| it.mode == domain::ability::Mode::Responses);
    let base = &by_responses.next().expect("one").id;
    let (known, _) = one("azure", &format!("model: prod-1, base_model: {base}"));
    let wanted = WireFormat::Dialect(Dialect::Responses);
    assert_eq!(known.provider.format, wanted);
}

#[test]
fn what_nobody_listed_takes_what_its_name_says() {
    let (world, _) = built("providers: {anthropic: {api_key: env:SET_KEY}}");
    let traits = |name: &str| world.resolve(name).expect("there").deployments[0].traits;
    assert_eq!(traits("anthropic/claude-opus-9").form, Form::Word);
    assert_eq!(traits("anthropic/claude-3-7-sonnet-x").form, Form::Budget);
}
