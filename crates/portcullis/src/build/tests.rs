//! What a configuration makes, without network, clock or environment.

use domain::ability::{Ability, Mode};
use domain::canon::Dialect;
use domain::model::{Auth, WireFormat};
use domain::money::Rate;

use super::*;

pub(crate) const CATALOGUE: &str = r#"
source: test
as_of: "2026-11-25"
providers:
  - {name: openai, base_url: "https://api.openai.com/v1", env: [OPENAI_API_KEY], base_url_env: [OPENAI_BASE_URL], docs: x}
  - {name: groq, base_url: "https://api.groq.com/openai/v1", env: [GROQ_API_KEY], docs: x}
  - {name: ollama, base_url: "http://127.0.0.1:11434/v1", base_url_env: [OLLAMA_BASE_URL], auth: none, internal: true, docs: x}
models:
  groq:
    - {id: gpt-4o, context: 8000}
  openai:
    - {id: gpt-4o, context: 128000, max_output: 16384, input: "2.5", output: "10"}
    - {id: gpt-4o-mini, context: 128000, max_output: 16384, input: "0.15", cached: "0.075", output: "0.60"}
    - {id: o3-pro, mode: responses, context: 200000, max_output: 100000, input: "20", cache_write_1h: "6", output: "80", tiers: [{above: 200000, input: "40"}], can: [tools, reasoning]}
"#;

/// The tests' environment.
pub(crate) fn env(name: &str) -> Option<String> {
    match name {
        "SET_KEY" => Some("0123456789abcdef-key".to_owned()),
        "SHORT_KEY" => Some("short".to_owned()),
        _ => None,
    }
}

fn install() -> Install {
    Install::from_bytes(&[7; 32])
}

fn built_with(text: &str, vars: &[(&str, &str)]) -> Snapshot {
    let catalogue = Catalogue::parse(CATALOGUE).expect("the catalogue");
    built_by(text, &catalogue, &|name: &str| {
        let found = vars.iter().find(|(n, _)| *n == name);
        found.map(|(_, v)| (*v).to_owned()).or_else(|| env(name))
    })
}

pub(super) fn built_by(text: &str, catalogue: &Catalogue, look: Env<'_>) -> Snapshot {
    let (config, _) = config::parse("f.yaml", text).expect("right");
    built_from(&config, catalogue, look).expect("builds")
}

pub(super) fn built_from(
    config: &Config,
    catalogue: &Catalogue,
    look: Env<'_>,
) -> Result<Snapshot, ConfigError> {
    let built = snapshot_with(config, catalogue, &[], &install(), around(look));
    built.map(|(snapshot, _)| snapshot)
}

pub(crate) fn built(text: &str) -> Snapshot {
    built_with(text, &[])
}

#[test]
fn without_a_file_there_is_the_demo_and_nothing_else() {
    let world = built("");
    let demo = world.resolve("demo").expect("the demo");
    assert_eq!(demo.deployments[0].provider.format, WireFormat::Demo);
    assert_eq!(world.providers.len(), 1);
    assert!(world.resolve("demo/demo").is_some());
    assert!(built("demo: false").models.is_empty());
}

#[test]
fn a_provider_whose_variable_is_set_appears_with_its_models() {
    let world = built_with("", &[("OPENAI_API_KEY", "sk-x")]);
    let model = world.resolve("gpt-4o-mini").expect("bare");
    assert_eq!(model.max_output, Some(16384));
    let deployment = &model.deployments[0];
    assert_eq!(deployment.id.as_str(), "openai/gpt-4o-mini");
    assert_eq!(
        deployment.price.as_ref().expect("priced").input,
        Rate(150_000_000)
    );
    assert_eq!(deployment.provider.host, "api.openai.com");
    assert_eq!(deployment.provider.base_path, "/v1");
    assert_eq!(deployment.provider.auth, Auth::Bearer);
    assert_eq!(revealed(&deployment.provider), ["sk-x"]);
    let full = world.resolve("openai/gpt-4o-mini").expect("full");
    assert_eq!(
        full.deployments[0].index, deployment.index,
        "one health record"
    );
}

#[test]
fn another_base_url_comes_from_its_variable() {
    let vars = [
        ("OPENAI_API_KEY", "sk-x"),
        ("OPENAI_BASE_URL", "http://proxy:81/x/"),
    ];
    let world = built_with("", &vars);
    let openai = &world.providers["openai"];
    assert_eq!((openai.tls, openai.port), (false, 81));
    assert_eq!(
        (openai.host.as_str(), openai.base_path.as_str()),
        ("proxy", "/x")
    );
    assert!(
        !built("").providers.contains_key("ollama"),
        "nobody said where it is"
    );
    assert!(built_with("", &[("OLLAMA_BASE_URL", "http://h/v1")]).providers["ollama"].internal);
}

#[test]
fn headers_of_the_catalogue_stand_unless_the_file_says_otherwise() {
    let catalogue = CATALOGUE.replace(
        "docs: x}\nmodels",
        "docs: x, headers: {accept: '*/*'}}\nmodels",
    );
    let catalogue = Catalogue::parse(&catalogue).expect("the catalogue");
    let headers = |text: &str| {
        let world = built_by(text, &catalogue, &env);
        let all = world.providers["ollama"].headers.iter();
        all.map(|(name, value)| format!("{name}: {}", value.reveal()))
            .collect::<Vec<_>>()
    };
    assert_eq!(headers("providers: {ollama: {}}"), ["accept: */*"]);
    let own = "providers: {ollama: {headers: {Accept: text/plain, x-a: b}}}";
    assert_eq!(headers(own), ["accept: text/plain", "x-a: b"]);
}

#[test]
fn a_bare_name_belongs_to_the_first_that_has_it() {
    let vars = [("OPENAI_API_KEY", "a"), ("GROQ_API_KEY", "b")];
    let owner = |world: &Snapshot| world.resolve("gpt-4o").expect("there").owned_by.clone();
    assert_eq!(owner(&built_with("", &vars)), "openai");
    assert_eq!(owner(&built_with("providers: {groq: {}}", &vars)), "groq");
    let own = "models: [{name: gpt-4o, deployments: [{provider: demo, model: demo}]}]";
    assert_eq!(owner(&built_with(own, &vars)), "demo");
}

#[test]
fn a_declared_provider_gets_all_that_the_file_says() {
    let world = built(
        "providers: {local: {base_url: 'http://[::1]:8080/v1', api_key: env:SET_KEY, \
         api_key_header: Api-Key, headers: {X-Team: blue}, timeouts: {first_byte: 60s}, http: 2, \
         internal: true, stream_usage: false, models: [llama]}}",
    );
    let local = &world.providers["local"];
    assert!(matches!(&local.auth, Auth::Header(name) if name == "api-key"));
    assert_eq!(local.headers[0].0, "x-team");
    assert_eq!(local.timeouts.first_byte.as_secs(), 60);
    assert_eq!(local.timeouts.total.as_secs(), 600, "the default");
    assert_eq!(local.http, domain::model::HttpVersion::Http2);
    assert!(local.internal && !local.stream_usage);
    assert!(world.resolve("llama").is_some() && world.resolve("local/llama").is_some());
    assert!(
        world.resolve("local/other").is_some(),
        "unlisted, by its provider"
    );
}

#[test]
fn models_have_their_deployments_prices_fallbacks_and_aliases() {
    let world = built(
        "providers: {openai: {api_key: env:SET_KEY}}\n\
         models:\n\
         - name: fast\n\
         \x20 deployments:\n\
         \x20 - {provider: openai, model: gpt-4o-mini, weight: 3}\n\
         \x20 - {provider: demo, model: demo, order: 1, price: {input: 0.1, output: 2}}\n\
         \x20 fallbacks: [openai/unlisted, other]\n\
         aliases: {gpt-4: fast, other: openai/new}\n",
    );
    let fast = world.resolve("gpt-4").expect("by alias");
    assert_eq!(fast.name.as_str(), "fast");
    let shares: Vec<_> = fast
        .deployments
        .iter()
        .map(|d| (d.weight, d.order))
        .collect();
    assert_eq!(shares, [(3, 0), (1, 1)]);
    assert_eq!(
        fast.deployments[1].price.as_ref().expect("priced").input,
        Rate(100_000_000)
    );
    assert_eq!(fast.max_output, Some(16384));
    for name in ["openai/unlisted", "other"] {
        assert!(world.resolve(name).is_some(), "{name}");
    }
    for (at, deployment) in world.deployments.iter().enumerate() {
        assert_eq!(deployment.index, at);
    }
}

#[test]
fn keys_come_from_the_file_and_the_store_and_the_file_wins() {
    let text =
        "keys: [{name: ci, key: env:SET_KEY, models: ['fast*'], limits: {parallel_requests: 4}}]";
    let (config, _) = config::parse("f.yaml", text).expect("right");
    let catalogue = Catalogue::parse(CATALOGUE).expect("the catalogue");
    let stored = |digest| StoredKey {
        principal: domain::principal::Principal {
            key: "key_stored".into(),
            tenant: "default".into(),
            name: "stored".into(),
            expires: None,
            revoked: None,
            models: None,
            limits: domain::principal::Limits::default(),
        },
        digest,
        created: domain::time::UnixMicros(0),
    };
    let declared = install().digest("0123456789abcdef-key");
    let all = [stored(declared), stored([1; 32])];
    let world = snapshot_with(&config, &catalogue, &all, &install(), around(&env))
        .expect("builds")
        .0;
    assert_eq!(world.keys.len(), 2);
    assert_eq!(world.keys[&declared].key.as_str(), "key_config_ci");
    assert_eq!(world.keys[&declared].limits.parallel_requests, Some(4));
    assert_eq!(world.keys[&[1; 32]].name, "stored");
}

#[test]
fn policies_have_their_rules_guards_and_cache() {
    let world = built(
        "guards: {words: {kind: deny, literals: [x]}}\n\
         policies: [{name: house, models: [demo], system: [{prepend: a}, {append: b}], \
         guards: [words], cache: {ttl: 5m}}]\n\
         cache: {on_request: 1m}\nkeepalive: 15s\n",
    );
    let policy = &world.policies[0];
    assert_eq!(policy.system.len(), 2);
    assert_eq!(policy.guards[0].name(), "words");
    assert_eq!(policy.cache.map(|ttl| ttl.as_secs()), Some(300));
    assert_eq!(world.cache_on_request.map(|ttl| ttl.as_secs()), Some(60));
    assert_eq!(world.keepalive.map(|span| span.as_secs()), Some(15));
}

#[test]
fn two_accounts_of_one_provider_share_its_entry_in_the_catalogue() {
    let world = built("providers: {second: {catalogue: openai, api_key: env:SET_KEY}}");
    assert_eq!(world.providers["second"].host, "api.openai.com");
    let model = world.resolve("second/gpt-4o").expect("there");
    assert_eq!(
        model.deployments[0].price.as_ref().expect("priced").input,
        Rate(2_500_000_000)
    );
}

fn wrong_with(vars: &[(&str, &str)]) -> String {
    let (config, _) = config::parse("f.yaml", "").expect("right");
    let catalogue = Catalogue::parse(CATALOGUE).expect("the catalogue");
    let look = |name: &str| {
        let found = vars.iter().find(|(n, _)| *n == name);
        found.map(|(_, v)| (*v).to_owned())
    };
    snapshot_with(&config, &catalogue, &[], &install(), around(&look))
        .expect_err("wrong")
        .to_string()
}

#[test]
fn a_usual_variable_that_cannot_be_used_is_named_not_passed_over() {
    let gone = wrong_with(&[("OPENAI_API_KEY_FILE", "/no/such/file")]);
    assert!(
        gone.contains("OPENAI_API_KEY_FILE: the file `/no/such/file`"),
        "{gone}"
    );
    let broken = wrong_with(&[("OPENAI_API_KEY", "sk-a\nb")]);
    assert!(
        broken.contains("OPENAI_API_KEY: the secret holds a line break"),
        "{broken}"
    );
    assert!(!broken.contains("sk-a"), "{broken}");
    let url = wrong_with(&[("OPENAI_API_KEY", "sk-a"), ("OPENAI_BASE_URL", "nourl")]);
    assert!(url.contains("environment: OPENAI_BASE_URL: "), "{url}");
}

#[test]
fn a_usual_variable_without_a_key_is_not_set() {
    let world = built_with("", &[("OPENAI_API_KEY", " ")]);
    assert_eq!(world.providers.len(), 1, "the demo alone");
}

#[test]
fn who_only_looks_at_models_needs_no_secret() {
    let text = "
providers:
  openai: {}
  groq: {api_key: 'file:/no/such/file', headers: {x-a: env:NOPE}}
  house: {base_url: '${NOPE}/v1', api_keys: [env:NOPE, {google: {json: env:NOPE}}], models: [llama]}
  signed:
    base_url: https://bedrock.example/
    dialect: converse
    api_key: {aws: {access_key_id: env:NOPE, secret_access_key: env:NOPE}}
    models: [nova]
keys: [{name: ci, key: env:NOPE}]
";
    let (config, _) = config::parse("f.yaml", text).expect("right");
    let catalogue = Catalogue::parse(CATALOGUE).expect("the catalogue");
    let look = |secrets| {
        let around = super::Around {
            secrets,
            ..around(&env)
        };
        snapshot_with(&config, &catalogue, &[], &install(), around)
    };
    let wrong = look(Secrets::Resolved).expect_err("nothing is there");
    assert_eq!(wrong.problems.len(), 8, "{wrong}");
    let (world, _) = look(Secrets::Unread).expect("an outline");
    for name in ["gpt-4o-mini", "groq/gpt-4o", "llama", "nova"] {
        assert!(world.resolve(name).is_some(), "{name}");
    }
    assert!(world.keys.is_empty());
}

pub(super) fn around(env: config::secret::Env<'_>) -> super::Around<'_> {
    super::Around {
        env,
        fetchers: &super::Unfetched,
        secrets: super::Secrets::Resolved,
    }
}

fn revealed(provider: &domain::model::Provider) -> Vec<String> {
    let reveal = |key: &domain::credential::Key| match key.current() {
        Ok(domain::credential::Credential::Key(secret)) => secret.reveal().to_owned(),
        other => panic!("{other:?}"),
    };
    provider.keys.iter().map(reveal).collect()
}

#[test]
fn what_the_catalogue_knows_of_a_model_reaches_its_deployment() {
    let world = built_with("", &[("OPENAI_API_KEY", "sk-x")]);
    let model = world.resolve("o3-pro").expect("there");
    let pro = &model.deployments[0];
    assert_eq!(
        (pro.context, pro.max_output),
        (Some(200_000), Some(100_000))
    );
    assert_eq!(pro.can(Ability::Reasoning), Some(true));
    assert_eq!(pro.can(Ability::Vision), Some(false));
    let price = pro.price.as_ref().expect("a price");
    assert_eq!(price.cache_write_1h, Some(Rate(6_000_000_000)));
    assert_eq!(price.at(200_001).input, Rate(40_000_000_000));
    let plain = &world.resolve("gpt-4o").expect("there").deployments[0];
    assert_eq!((plain.can(Ability::Vision), plain.mode), (None, Mode::Chat));
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
    let look = |name: &str| (name == "OPENAI_API_KEY").then(|| "sk-x".to_owned());
    let speaks = |file: &str, name: &str| {
        let world = built_by(file, &catalogue, &look);
        let model = world.resolve(name).expect("there");
        model.deployments[0].in_dialect(Dialect::Responses).is_some()
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
fn what_passes_through_is_off_on_or_some_paths_below_the_base_url() {
    use domain::model::PassThrough;

    let of = |wish: &str| {
        let text = format!("providers: {{groq: {{api_key: env:SET_KEY{wish}}}}}");
        built(&text).providers["groq"].pass_through.clone()
    };
    assert_eq!(of(""), PassThrough::Off);
    assert_eq!(of(", pass_through: false"), PassThrough::Off);
    assert_eq!(of(", pass_through: true"), PassThrough::All);
    let some = of(", pass_through: {paths: [/v1/audio/*, /files, /openai/v1/batches]}");
    let whole = ["audio/*", "files", "batches"].map(|path| format!("/openai/v1/{path}"));
    assert_eq!(some, PassThrough::Paths(whole.into()));
}
