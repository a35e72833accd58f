//! All that the way reads: immutable, built whole, swapped atomically.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::ModelName;
use crate::model::{Deployment, Model, Provider};
use crate::network::Network;
use crate::policy::{Policy, RetryPolicy};
use crate::principal::Principal;

/// Digest under which a virtual key is looked up.
pub type KeyDigest = [u8; 32];

/// Bounds on what clients may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Largest body, in bytes, after decompression.
    pub body: usize,
    /// Deepest JSON.
    pub depth: usize,
    /// Largest ratio of decompressed to compressed bytes.
    pub ratio: usize,
    /// Largest plain answer that is taken from an upstream, in bytes.
    pub answer: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body: 32 << 20,
            depth: 128,
            ratio: 100,
            answer: 24 << 20,
        }
    }
}

/// What becomes of a stream that may be of any length, once no budget has room for
/// more of it. As long as there is room, it reserves more as it grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongStreams {
    /// It ends with an error.
    #[default]
    End,
    /// It goes on to its end, and is booked as an overrun.
    Finish,
}

/// One state of the world.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts up with every swap.
    pub version: u64,
    /// Virtual keys by digest.
    pub keys: HashMap<KeyDigest, Arc<Principal>>,
    /// Models by name.
    pub models: HashMap<ModelName, Arc<Model>>,
    /// Further names of models.
    pub aliases: HashMap<String, ModelName>,
    /// Providers by name: `provider/any-model` resolves through it.
    pub providers: HashMap<String, Arc<Provider>>,
    /// Every deployment, at its index.
    pub deployments: Vec<Arc<Deployment>>,
    /// Policies, in the order of the configuration.
    pub policies: Vec<Policy>,
    /// Retries and fallbacks.
    pub retry: RetryPolicy,
    /// Bounds on what clients may send.
    pub bounds: Bounds,
    /// After how long of silence a stream gets a keep-alive comment.
    pub keepalive: Option<std::time::Duration>,
    /// Whether `x-portcullis-cache: on` in a request may switch the cache on.
    pub cache_on_request: Option<std::time::Duration>,
    /// How conversations are kept for clients.
    pub turns: crate::turns::Retention,
    /// How long reasoning is kept that clients do not send back; zero is never.
    pub reasoning: std::time::Duration,
    /// Proxies that are believed where a request came from.
    pub trusted_proxies: Vec<Network>,
    /// How long a request waits for what others have reserved of a budget.
    pub budget_wait: std::time::Duration,
    /// Whether clients are told what is left of budgets in money.
    pub budget_headers: bool,
    /// What becomes of a stream whose budget has no room for more of it.
    pub long_streams: LongStreams,
    /// How media are fetched that requests name by URL.
    pub fetching: crate::fetching::Fetching,
}

impl Snapshot {
    /// Resolves a name: exact alias, then exact model, then
    /// `provider/upstream-model` if the first segment names a provider.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<Arc<Model>> {
        if let Some(target) = self.aliases.get(name) {
            return self.models.get(target).cloned();
        }
        if let Some(model) = self.models.get(name) {
            return Some(Arc::clone(model));
        }
        let (provider, rest) = name.split_once('/')?;
        let provider = self.providers.get(provider)?;
        // A name of dots alone would be another place in a provider's path.
        let is_name = rest.bytes().any(|letter| letter != b'.');
        is_name.then(|| Arc::new(unlisted(name, provider, rest)))
    }

    /// The models whose names `may_use` grants, by name. A model that can be
    /// asked for by its bare name too is listed once, by that.
    #[must_use]
    pub fn listed(&self, may_use: impl Fn(&str) -> bool) -> Vec<&Arc<Model>> {
        let mut listed: Vec<&Arc<Model>> = self
            .models
            .values()
            .filter(|model| may_use(model.name.as_str()))
            .filter(|model| {
                !self
                    .bare(model)
                    .is_some_and(|bare| may_use(bare.name.as_str()))
            })
            .collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        listed
    }

    /// The model that is the same as `provider/model`, under its bare name.
    fn bare(&self, model: &Model) -> Option<&Arc<Model>> {
        let (_, bare) = model.name.as_str().split_once('/')?;
        let indices = |m: &Model| -> Vec<usize> { m.deployments.iter().map(|d| d.index).collect() };
        self.models
            .get(bare)
            .filter(|other| indices(other) == indices(model))
    }
}

/// A model that nobody listed, asked for by its provider's name. It has no
/// price, and shares one deployment id with all its like, so that names which
/// clients make up bloat neither health records nor metrics.
fn unlisted(name: &str, provider: &Arc<Provider>, upstream: &str) -> Model {
    let deployment = Deployment {
        id: format!("{}/*", provider.name).into(),
        provider: Arc::clone(provider),
        upstream_model: upstream.to_owned(),
        weight: 1,
        order: 0,
        price: None,
        max_output: None,
        mode: crate::ability::Mode::default(),
        context: None,
        abilities: None,
        base_model: None,
        traits: provider.traits.of(upstream),
        index: usize::MAX,
        also: Vec::new(),
    };
    let deployment = deployment.with_dialects(crate::traits::Said::default());
    Model {
        name: name.into(),
        deployments: vec![Arc::new(deployment)],
        fallbacks: Vec::new(),
        max_output: None,
        owned_by: provider.name.to_string(),
    }
}
