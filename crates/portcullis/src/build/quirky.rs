//! Quirks of providers: what the catalogue and a configuration make of them.

use domain::canon::Dialect;
use domain::model::WireFormat;
use domain::quirks::{Action, CallIds, Quirks, Step};

use super::tests::built_by;
use super::*;

fn builtin() -> Catalogue {
    Catalogue::builtin().expect("the catalogue")
}

fn wrong(text: &str) -> String {
    let parsed = config::parse("f.yaml", text);
    parsed.expect_err("wrong").to_string()
}

#[test]
fn every_entry_of_the_catalogue_appears_with_its_variables() {
    let catalogue = builtin();
    for known in &catalogue.providers {
        let host = "https://tenant.example";
        let look = |name: &str| match name {
            name if known.env.iter().any(|it| it == name) => Some("sk-test".to_owned()),
            name if known.env.is_empty() && known.base_url_env.iter().any(|it| it == name) => {
                Some(host.to_owned())
            }
            name if known.base_url.starts_with(&format!("${{{name}}}")) => Some(host.to_owned()),
            name if known.base_url.contains(&format!("${{{name}}}")) => Some("x-1".to_owned()),
            _ => None,
        };
        let world = built_by("demo: false", &catalogue, &look);
        let provider = world.providers.get(known.name.as_str());
        let provider = provider.unwrap_or_else(|| panic!("{} does not appear", known.name));
        assert_eq!(provider.format, WireFormat::Dialect(known.dialect));
        let quirks = known.quirks.quirks().expect("quirks");
        assert_eq!(*provider.quirks, quirks, "{}", known.name);
        let takes_options = !quirks.cuts("stream_options");
        assert_eq!(provider.stream_usage, takes_options, "{}", known.name);
        assert!(known.dialect == Dialect::OpenAi || quirks == Quirks::default());
    }
}

#[test]
fn a_providers_own_quirks_come_before_those_of_its_entry() {
    let text = "
providers:
  mistral:
    api_key: env:SET_KEY
    quirks:
      request: [{at: [n], drop: hint}]
      tool_call_ids: {at_most: 40}
  plain:
    catalogue: mistral
    api_key: env:SET_KEY
    quirks: {inherit: false}
";
    let world = built_by(text, &builtin(), &super::tests::env);
    let quirks = &world.providers["mistral"].quirks;
    assert_eq!(quirks.call_ids, Some(CallIds::AtMost(40)));
    assert_eq!(quirks.fields[0].path, [Step::Member("n".into())]);
    assert!(quirks.fields.len() > 5);
    assert!(!world.providers["mistral"].stream_usage);
    assert_eq!(*world.providers["plain"].quirks, Quirks::default());
    assert!(world.providers["plain"].stream_usage);
}

#[test]
fn a_quirk_that_makes_no_sense_is_wrong_where_it_stands() {
    let head = "providers: {p: {base_url: 'http://h/v1', quirks: ";
    let text = wrong(&format!("{head}{{request: [{{at: [n]}}]}}}}}}"));
    assert!(text.contains("providers.p.quirks.request[0]"), "{text}");
    assert!(text.contains("say one of `drop`"), "{text}");
    let unknown = wrong(&format!("{head}{{requests: []}}}}}}"));
    assert!(unknown.contains("requests"), "{unknown}");
}

#[test]
fn a_provider_of_another_dialect_has_no_quirks() {
    let text = "providers: {p: {base_url: 'http://h/v1', dialect: anthropic, quirks: {thoughts: [parts]}}}";
    let (config, _) = config::parse("f.yaml", text).expect("right so far");
    let built = super::tests::built_from(&config, &builtin(), &super::tests::env);
    let wrong = built.expect_err("wrong").to_string();
    assert!(wrong.contains("providers.p.quirks: "), "{wrong}");
}

#[test]
fn what_the_guide_shows_of_providers_is_right() {
    let page = include_str!("../../../../docs/guide/providers.md");
    let env = |name: &str| match name {
        "AZURE_API_KEY" => Some("0123456789abcdef-key".to_owned()),
        name => super::tests::env(name),
    };
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|text| text.split("```").next());
    let worlds: Vec<Snapshot> = blocks.map(|it| built_by(it, &builtin(), &env)).collect();
    let [own, listed] = worlds.as_slice() else {
        panic!("{} examples", worlds.len());
    };
    let chat = own.resolve("chat").expect("there");
    let mut deployments = chat.deployments.iter();
    assert!(deployments.all(|it| it.base_model.is_some() && it.price.is_some()));
    let house = &listed.providers["house"].quirks;
    assert_eq!(house.fields.len(), 5);
    assert_eq!(house.fields[3].action, Action::Drop);
    let quirky = |known: &::providers::CatalogueProvider| known.quirks.source.is_some();
    for known in builtin().providers.into_iter().filter(quirky) {
        assert!(
            page.contains(&format!("`{}`", known.name)),
            "{}",
            known.name
        );
    }
}
