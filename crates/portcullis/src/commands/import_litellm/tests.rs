//! Their files and what becomes of them, word for word. To accept what the
//! code writes now: `PORTCULLIS_BLESS=1 cargo test -p portcullis`.

use std::fs;

use testkit::golden;

use super::convert;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/litellm");
const CATALOGUE: [&str; 3] = ["openai", "groq", "ollama"];

#[test]
fn every_file_becomes_the_one_beside_it_and_no_secret_is_copied() {
    let theirs = golden::files(FIXTURES, ".yaml").into_iter();
    for path in theirs.filter(|path| !path.to_string_lossy().ends_with(".ours.yaml")) {
        let text = fs::read_to_string(&path).expect("fixture");
        let (ours, notes) = convert(&text, &CATALOGUE).expect("converts");
        assert!(!ours.contains("very-secret"), "{ours}");
        assert!(!notes.concat().contains("very-secret"), "{notes:?}");
        golden::same(&path.with_extension("ours.yaml"), &ours);
    }
}

#[test]
fn the_same_input_gives_the_same_output() {
    let text = fs::read_to_string(format!("{FIXTURES}/typical.yaml")).expect("fixture");
    let first = convert(&text, &CATALOGUE).expect("converts");
    assert_eq!(first, convert(&text, &CATALOGUE).expect("converts"));
}

#[test]
fn what_is_no_configuration_is_refused() {
    for text in ["- a\n", "x", "a: [\n"] {
        assert!(convert(text, &CATALOGUE).is_err(), "{text}");
    }
    let (ours, notes) = convert("model_list: []\n", &CATALOGUE).expect("empty");
    assert!(notes.is_empty() && ours.starts_with("# Imported"));
}

#[test]
fn a_name_with_a_lines_end_stays_in_its_comment() {
    let theirs = "model_list: [{model_name: \"x\\nlisten: 0.0.0.0:80\"}]\n";
    let (ours, notes) = convert(theirs, &CATALOGUE).expect("reads");
    assert!(!ours.contains("\nlisten"), "{ours}");
    assert!(
        notes.iter().any(|note| note.contains("x listen")),
        "{notes:?}"
    );
}

#[test]
fn a_model_list_that_is_none_is_refused() {
    let error = convert("model_list: hello\n", &CATALOGUE).expect_err("no list");
    assert!(
        error.to_string().contains("`model_list` is no list"),
        "{error}"
    );
}

#[test]
fn a_file_without_models_is_refused_rather_than_imported_empty() {
    for text in ["litellm_settings: {}\n", "models: []\n"] {
        let told = convert(text, &CATALOGUE)
            .expect_err("no models")
            .to_string();
        assert!(told.contains("no `model_list`"), "{told}");
    }
}

#[test]
fn a_region_that_is_not_carried_over_is_told() {
    let text = "model_list:\n- model_name: m\n  litellm_params: {model: bedrock/x, aws_region_name: eu-west-1}\n";
    let (_, notes) = convert(text, &["bedrock"]).expect("converts");
    assert!(notes.concat().contains("set `AWS_REGION`"), "{notes:?}");
}

#[test]
fn each_of_bedrocks_doors_is_a_provider() {
    let known = ["bedrock", "bedrock_claude"];
    for (theirs, provider, model) in [
        (
            "bedrock/us.anthropic.claude-x",
            "bedrock",
            "us.anthropic.claude-x",
        ),
        ("bedrock/converse/amazon.nova-x", "bedrock", "amazon.nova-x"),
        ("bedrock_converse/amazon.nova-x", "bedrock", "amazon.nova-x"),
        (
            "bedrock/invoke/anthropic.claude-x",
            "bedrock_claude",
            "anthropic.claude-x",
        ),
        ("bedrock/invoke/amazon.nova-x", "bedrock", "amazon.nova-x"),
    ] {
        let text = format!("model_list:\n- model_name: m\n  litellm_params: {{model: {theirs}}}\n");
        let (ours, _) = convert(&text, &known).expect("converts");
        let deployment = format!("provider: {provider}\n        model: {model}\n");
        assert!(ours.contains(&deployment), "{theirs}: {ours}");
    }
}

#[test]
fn a_broken_file_is_told_without_the_lines_that_may_hold_a_secret() {
    let text = "model_list:\n- {model_name: *x, api_key: very-secret}\n";
    let told = convert(text, &CATALOGUE).expect_err("broken").to_string();
    assert!(told.contains("line 2"), "{told}");
    assert!(!told.contains("very-secret"), "{told}");
}
