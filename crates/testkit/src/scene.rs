//! A [`Snapshot`] in a few lines: providers that point at fakes, keys, models.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use domain::credential::Key;
use domain::ids::ModelName;
use domain::model::{Auth, Deployment, HttpVersion, Model, Price, Provider, Timeouts, WireFormat};
use domain::model_pattern::Pattern;
use domain::money::Rate;
use domain::policy::{Policy, RetryPolicy};
use domain::principal::Principal;
use domain::secret::Secret;
use domain::snapshot::{KeyDigest, Snapshot};
use domain::traits::{Rules, Said, Table};

use crate::fake::FakeProvider;
pub use crate::people::{Limits, principal, principal_of};

/// The credential that a scene's providers send upstream.
pub const UPSTREAM_KEY: &str = "sk-upstream";

/// Patterns over models' names.
///
/// # Panics
/// One of them is no pattern.
#[must_use]
pub fn models(patterns: &[&str]) -> Vec<Pattern> {
    let parsed = patterns.iter().map(|text| Pattern::parse(text));
    parsed.collect::<Result<_, _>>().expect("patterns")
}

/// Round numbers: 1 USD per
/// million prompt tokens, 2 USD per million answer tokens.
#[must_use]
pub fn price() -> Price {
    Price {
        input: Rate(1_000_000_000),
        output: Rate(2_000_000_000),
        ..Price::default()
    }
}

/// A provider at this address, with short deadlines and a bearer key.
#[must_use]
pub fn provider(name: &str, address: SocketAddr) -> Provider {
    Provider {
        name: name.into(),
        format: WireFormat::USUAL,
        tls: false,
        host: address.ip().to_string(),
        port: address.port(),
        base_path: "/v1".to_owned(),
        paths: None,
        shape: domain::model::Shape::default(),
        embeddings: Vec::new(),
        counting: None,
        auth: Auth::Bearer,
        keys: vec![Key::fixed("upstream", Secret::new(UPSTREAM_KEY))],
        headers: Vec::new(),
        max_parallel: None,
        timeouts: Timeouts {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(10),
            between_chunks: Duration::from_secs(10),
            total: Duration::from_secs(30),
        },
        http: HttpVersion::Auto,
        ca_file: None,
        internal: false,
        trace: false,
        stream_usage: true,
        losses: domain::model::Losses::Strict,
        quirks: Arc::default(),
        traits: Arc::default(),
        pass_through: domain::model::PassThrough::Off,
        also: Vec::new(),
    }
}

/// What the table says of its models.
fn rules(provider: &Provider) -> Rules {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| providers::traits::builtin().expect("a table"));
    match provider.format {
        WireFormat::Dialect(dialect) => TABLE.at(dialect, provider.name.as_str()),
        WireFormat::Demo => Rules::default(),
    }
}

/// Builds a snapshot step by step:
/// `Scene::new().provider(&fake).key("sk-test", Limits::default()).model("m").build(digest)`.
#[derive(Debug)]
pub struct Scene {
    providers: Vec<Provider>,
    keys: Vec<(String, Principal)>,
    models: Vec<Wanted>,
    snapshot: Snapshot,
}

#[derive(Debug)]
struct Wanted {
    name: String,
    providers: Vec<String>,
    fallbacks: Vec<ModelName>,
    price: Option<Price>,
    known: fn(&mut Deployment),
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// Nothing yet; retries pause for a millisecond only.
    #[must_use]
    pub fn new() -> Self {
        let retry = RetryPolicy {
            backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(5),
            ..RetryPolicy::default()
        };
        Self {
            providers: Vec::new(),
            keys: Vec::new(),
            models: Vec::new(),
            snapshot: Snapshot {
                version: 1,
                retry,
                budget_headers: true,
                ..Snapshot::default()
            },
        }
    }

    /// A provider `fake` at this fake.
    #[must_use]
    pub fn provider(self, fake: &FakeProvider) -> Self {
        self.provider_at("fake", fake.address())
    }

    /// A provider of this name at this address.
    #[must_use]
    pub fn provider_at(mut self, name: &str, address: SocketAddr) -> Self {
        self.providers.push(provider(name, address));
        self
    }

    /// Changes the newest provider.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Provider)) -> Self {
        change(self.providers.last_mut().expect("a provider before `with`"));
        self
    }

    /// A key with these limits, for all models; its id is `key_1`, `key_2` …
    #[must_use]
    pub fn key(self, key: &str, limits: Limits) -> Self {
        let id = format!("key_{}", self.keys.len() + 1);
        self.principal(key, principal(&id, limits))
    }

    /// A key with everything said about it.
    #[must_use]
    pub fn principal(mut self, key: &str, principal: Principal) -> Self {
        self.keys.push((key.to_owned(), principal));
        self
    }

    /// A priced model of the newest provider, known there by the same name.
    ///
    /// # Panics
    /// If there is no provider yet.
    #[must_use]
    pub fn model(self, name: &str) -> Self {
        let last = self
            .providers
            .last()
            .expect("a provider before a model")
            .name
            .to_string();
        self.model_at(name, &[&last])
    }

    /// A priced model with one deployment at each of these providers, asked
    /// in this order.
    #[must_use]
    pub fn model_at(mut self, name: &str, providers: &[&str]) -> Self {
        self.models.push(Wanted {
            name: name.to_owned(),
            providers: providers.iter().map(ToString::to_string).collect(),
            fallbacks: Vec::new(),
            price: Some(price()),
            known: |_| {},
        });
        self
    }

    /// Says what is known of each deployment of the newest model.
    #[must_use]
    pub fn known(mut self, known: fn(&mut Deployment)) -> Self {
        if let Some(model) = self.models.last_mut() {
            model.known = known;
        }
        self
    }

    /// Says that the newest model has no known price.
    #[must_use]
    pub fn unpriced(mut self) -> Self {
        if let Some(model) = self.models.last_mut() {
            model.price = None;
        }
        self
    }

    /// Another model that is asked when the newest one failed.
    #[must_use]
    pub fn fallback(mut self, to: &str) -> Self {
        if let Some(model) = self.models.last_mut() {
            model.fallbacks.push(to.into());
        }
        self
    }

    /// A further name of a model.
    #[must_use]
    pub fn alias(mut self, name: &str, model: &str) -> Self {
        self.snapshot.aliases.insert(name.to_owned(), model.into());
        self
    }

    /// A policy, behind those that are there.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.snapshot.policies.push(policy);
        self
    }

    /// Changes whatever has no method of its own.
    #[must_use]
    pub fn adjust(mut self, change: impl FnOnce(&mut Snapshot)) -> Self {
        change(&mut self.snapshot);
        self
    }

    /// The snapshot. `digest` is the gateway's own, so that keys are found.
    ///
    /// # Panics
    /// If a model names a provider that is not there.
    #[must_use]
    pub fn build(self, digest: impl Fn(&str) -> KeyDigest) -> Snapshot {
        let mut snapshot = self.snapshot;
        for (key, principal) in self.keys {
            snapshot.keys.insert(digest(&key), Arc::new(principal));
        }
        let providers: HashMap<String, Arc<Provider>> = self
            .providers
            .into_iter()
            .map(|mut provider| {
                provider.traits = Arc::new(rules(&provider));
                (provider.name.to_string(), Arc::new(provider))
            })
            .collect();
        for wanted in self.models {
            let first = snapshot.deployments.len();
            for (order, name) in wanted.providers.iter().enumerate() {
                let provider = providers.get(name).expect("a provider of that name");
                let mut deployment = Deployment {
                    id: format!("{name}/{}", wanted.name).into(),
                    provider: Arc::clone(provider),
                    upstream_model: wanted.name.clone(),
                    weight: 1,
                    order: u32::try_from(order).expect("few deployments"),
                    price: wanted.price.clone(),
                    max_output: None,
                    mode: domain::ability::Mode::default(),
                    context: None,
                    abilities: None,
                    base_model: None,
                    traits: providers[name].traits.of(&wanted.name),
                    index: first + order,
                    also: Vec::new(),
                };
                (wanted.known)(&mut deployment);
                let deployment = deployment.with_dialects(Said::default());
                snapshot.deployments.push(Arc::new(deployment));
            }
            let model = Model {
                name: wanted.name.as_str().into(),
                deployments: snapshot.deployments[first..].to_vec(),
                fallbacks: wanted.fallbacks,
                max_output: snapshot.deployments[first..]
                    .iter()
                    .filter_map(|one| one.max_output)
                    .max(),
                owned_by: wanted.providers.first().cloned().unwrap_or_default(),
            };
            snapshot.models.insert(model.name.clone(), Arc::new(model));
        }
        snapshot.providers = providers;
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_finds_its_key_and_its_models() {
        let digest = |key: &str| [key.len() as u8; 32];
        let snapshot = Scene::new()
            .provider_at("a", crate::fake::closed_address())
            .provider_at("b", crate::fake::closed_address())
            .key("sk-test", Limits::default())
            .model_at("m", &["a", "b"])
            .fallback("n")
            .model("n")
            .alias("other", "m")
            .build(digest);
        assert!(snapshot.keys.contains_key(&digest("sk-test")));
        let model = snapshot.resolve("other").unwrap();
        assert_eq!(model.deployments.len(), 2);
        assert_eq!(model.fallbacks[0].as_str(), "n");
        let all: Vec<usize> = snapshot.deployments.iter().map(|d| d.index).collect();
        assert_eq!(all, [0, 1, 2]);
        assert_eq!(
            snapshot.resolve("b/any").unwrap().deployments[0].upstream_model,
            "any"
        );
    }
}
