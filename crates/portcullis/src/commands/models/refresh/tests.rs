//! What a refresh tells, writes and leaves alone.

use domain::ability::Ability;

use super::*;
use crate::catalogue::tests::Folder;

const TODAY: &str = "2030-01-01";
/// One that is dearer, one that is new, one of somebody whom nobody knows.
const LIST: &str = r#"{
  "sample_spec": {"litellm_provider": "one of the providers"},
  "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 128000,
    "max_output_tokens": 16384, "input_cost_per_token": 3e-06, "output_cost_per_token": 1e-05,
    "cache_read_input_token_cost": 1.25e-06, "supports_vision": true},
  "gpt-new": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 1000,
    "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
  "x": {"litellm_provider": "elsewhere", "mode": "chat"}
}"#;

fn wanted(folder: &Folder) -> RefreshArgs {
    let from = folder.0.join("prices.json");
    std::fs::write(&from, LIST).expect("writes");
    RefreshArgs {
        from,
        file: Some(folder.0.join("models.jsonl")),
        ..RefreshArgs::default()
    }
}

/// The same, as models.dev would say it.
const MODELS_DEV: &str = r#"{
  "openai": {"id": "openai", "models": {
    "gpt-4o": {"id": "gpt-4o", "attachment": true, "tool_call": true,
      "limit": {"context": 128000, "output": 16384},
      "cost": {"input": 3, "output": 10, "cache_read": 1.25},
      "modalities": {"input": ["text", "image"], "output": ["text"]}},
    "gpt-new": {"id": "gpt-new", "limit": {"context": 1000, "output": 100},
      "cost": {"input": 1, "output": 2}}}},
  "elsewhere": {"models": {"x": {}}}
}"#;

fn refused(args: &RefreshArgs) -> String {
    let done = refreshed(args, &Config::default(), TODAY.to_owned());
    format!("{:#}", done.expect_err("refused"))
}

fn refresh(args: &RefreshArgs) -> (String, String) {
    refreshed(args, &Config::default(), TODAY.to_owned()).expect("a readable list")
}

#[test]
fn without_write_it_shows_what_changes_and_writes_nothing() {
    let folder = Folder::new();
    let (told, note) = refresh(&wanted(&folder));
    assert!(told.contains("changed  openai/gpt-4o\n"), "{told}");
    assert!(told.contains("  2.5 → 3\n"), "{told}");
    assert!(told.contains("new      openai/gpt-new\n"), "{told}");
    assert!(
        told.contains("context 1000 · input 1 · output 2\n"),
        "{told}"
    );
    assert!(told.contains("gone     openai/gpt-4o-mini  from"), "{told}");
    assert!(told.contains("\n1 new, 1 changed, 0 kept, "), "{told}");
    assert!(told.contains("1 entries are of 1 providers"), "{told}");
    assert!(note.contains("--write"), "{note}");
    assert!(!folder.0.join("models.jsonl").exists());
}

#[test]
fn either_list_says_the_same_and_what_it_cannot_say_stays() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    std::fs::write(&args.from, MODELS_DEV).expect("writes");
    args.write = true;
    let (told, note) = refresh(&args);
    assert!(told.contains("changed  openai/gpt-4o\n"), "{told}");
    assert!(told.contains("  2.5 → 3\n"), "{told}");
    assert!(told.contains("new      openai/gpt-new\n"), "{told}");
    assert!(note.starts_with("Written to "), "{note}");
    let (catalogue, _) = catalogue::load(&folder.0).expect("valid");
    let known = catalogue.model("openai", "gpt-4o").expect("known");
    assert_eq!(known.source, "models.dev");
    let built_in = Catalogue::builtin().expect("the built-in catalogue");
    let before = built_in.model("openai", "gpt-4o").expect("known");
    assert_eq!(known.unmetered, before.unmetered);
    let can = |model: &CatalogueModel| {
        model
            .abilities
            .expect("known")
            .has(Ability::StructuredOutput)
    };
    assert!(can(known) && can(before), "models.dev leaves it out");
}

#[test]
fn the_day_of_a_list_is_a_day_that_has_been() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    for (date, why) in [
        ("2030-01-02", "still to come; today is 2030-01-01"),
        ("2029-02-29", "is no date; write it like 2030-01-01"),
        ("29-02-01", "is no date"),
        ("9999-99-99", "is no date"),
        ("", "is no date"),
    ] {
        args.as_of = Some(date.to_owned());
        let told = refused(&args);
        assert!(
            told.starts_with("--as-of: ") && told.contains(why),
            "{told}"
        );
    }
    args.as_of = Some(TODAY.to_owned());
    assert!(refresh(&args).0.contains("changed  openai/gpt-4o"));
}

#[test]
fn lines_that_cannot_be_read_are_named_and_never_written_over() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    let mine = r#"{"provider":"openai","id":"gpt-4o","imput":"0.1","source":"operator","as_of":"2020-01-01"}"#;
    let file = folder.0.join("models.jsonl");
    std::fs::write(&file, mine).expect("writes");
    let (told, _) = refresh(&args);
    assert!(
        told.contains("models.jsonl:1:42: the line is left out"),
        "{told}"
    );
    args.write = true;
    let told = refused(&args);
    assert!(told.contains("did you mean `input`?"), "{told}");
    assert_eq!(std::fs::read_to_string(&file).expect("reads"), mine);
}

#[test]
fn what_is_written_counts_and_is_no_change_a_second_time() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    args.write = true;
    refresh(&args);
    let (catalogue, _) = catalogue::load(&folder.0).expect("valid");
    let known = catalogue.model("openai", "gpt-4o").expect("known");
    assert_eq!(
        (known.source.as_str(), known.as_of.as_str()),
        ("litellm", TODAY)
    );
    let price = known.price.as_ref().expect("a price");
    assert_eq!(price.input.0, 3_000_000_000);
    assert!(catalogue.model("openai", "gpt-new").is_some());
    let (told, note) = refresh(&args);
    assert!(told.contains("0 new, 0 changed, 0 kept, "), "{told}");
    assert_eq!(note, "There is nothing to write.");
}

#[test]
fn an_operators_own_line_stays_and_is_told() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    args.write = true;
    let mine = r#"{"provider":"openai","id":"gpt-4o","input":"0.1","output":"0.2","source":"operator","as_of":"2020-01-01"}"#;
    let file = folder.0.join("models.jsonl");
    std::fs::write(&file, format!("# Ours.\n{mine}")).expect("writes");
    let (told, _) = refresh(&args);
    assert!(
        told.contains("kept     openai/gpt-4o  as it is: the line is an operator's own"),
        "{told}"
    );
    let text = std::fs::read_to_string(&file).expect("reads");
    assert!(text.starts_with("# Ours.\n{"), "{text}");
    let (catalogue, _) = catalogue::load(&folder.0).expect("valid");
    let known = catalogue.model("openai", "gpt-4o").expect("known");
    assert!(known.is_operators());
    assert_eq!(known.price.as_ref().expect("a price").input.0, 100_000_000);
    assert!(catalogue.model("openai", "gpt-new").is_some());
}

#[test]
fn only_what_is_wanted_is_taken() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    args.known = true;
    assert!(!refresh(&args).0.contains("gpt-new"));
    args.providers = vec!["anthropic".to_owned()];
    let (told, _) = refresh(&args);
    assert!(told.contains("of 0 models"), "{told}");
    args.providers = vec!["antropic".to_owned()];
    let error = refused(&args);
    assert!(error.contains("anthropic"), "{error}");
}

#[test]
fn a_price_of_the_configuration_is_named_and_an_older_list_changes_nothing() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    let text = "models:\n  - name: m\n    deployments:\n      - {provider: openai, model: gpt-4o, price: {input: 1, output: 1}}\n";
    let (config, _) = config::parse("f", text).expect("valid");
    let (told, _) = refreshed(&args, &config, TODAY.to_owned()).expect("readable");
    assert!(told.contains("portcullis.yaml counts more"), "{told}");
    args.as_of = Some("2020-01-01".to_owned());
    let (told, _) = refresh(&args);
    assert!(
        told.contains("kept     openai/gpt-4o  as it is: what is known is younger"),
        "{told}"
    );
}

#[test]
fn a_list_that_makes_no_sense_changes_nothing() {
    let folder = Folder::new();
    let mut args = wanted(&folder);
    args.write = true;
    let broken = LIST.replace("3e-06", "-3e-06");
    std::fs::write(&args.from, broken).expect("writes");
    let error = refused(&args);
    assert!(
        error.contains("gpt-4o") && error.contains("negative"),
        "{error}"
    );
    assert!(!folder.0.join("models.jsonl").exists());
}
