//! Providers, deployments, models: what a name resolves to.

use std::sync::Arc;
use std::time::Duration;

use crate::ability::{Abilities, Ability, Mode};
use crate::canon::Dialect;
use crate::counting::Counting;
use crate::credential::Key;
use crate::embedding::EmbeddingDoor;
use crate::ids::{DeploymentId, ModelName, ProviderName};
use crate::model_pattern::Pattern;
use crate::money::{NanoUsd, Rate};
use crate::quirks::Quirks;
use crate::secret::Secret;
pub use crate::shape::{Known, Paths, Shape, stands_for};
use crate::traits::{Rules, Said, Traits};

/// Deadlines of an upstream exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect: Duration,
    /// From the request's last byte to the answer's head.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub between_chunks: Duration,
    /// The whole request, all attempts together.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(120),
            between_chunks: Duration::from_secs(120),
            total: Duration::from_secs(600),
        }
    }
}

/// Which HTTP an upstream is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/2 if TLS negotiates it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; without TLS by prior knowledge.
    Http2,
}

/// Where a key goes in an upstream request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`.
    #[default]
    Bearer,
    /// The key alone in a header of this name.
    Header(String),
    /// AWS' Signature Version 4 over the whole request.
    SigV4 {
        /// Where: `us-east-1`.
        region: String,
        /// Whose: `bedrock`.
        service: String,
    },
}

impl Auth {
    /// Whether a header of this name, in lower case, says who the gateway is.
    #[must_use]
    pub fn is_secret(&self, header: &str) -> bool {
        matches!(header, "authorization" | "x-amz-security-token")
            || matches!(self, Self::Header(name) if name == header)
    }
}

/// The wire format of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// One that goes over a network.
    Dialect(Dialect),
    /// The built-in demo: answered in process.
    Demo,
}

impl WireFormat {
    /// `OpenAI`'s chat completions, completions, embeddings: what a server
    /// speaks of which nothing else is known.
    pub const USUAL: Self = Self::Dialect(Dialect::OpenAi);
}

/// What becomes of a request of which the target's dialect cannot say all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Losses {
    /// It is refused, if the answer could be another one for it.
    #[default]
    Strict,
    /// It is sent without, and a header of the answer says so.
    Drop,
}

/// What of a provider clients may reach as it is, unread by the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PassThrough {
    /// Nothing.
    #[default]
    Off,
    /// Every path below its base URL.
    All,
    /// Whole paths at the provider; `*` at the end matches any rest.
    Paths(Vec<String>),
}

impl PassThrough {
    /// Whether clients may reach this path, which is whole: it begins with the
    /// base URL's.
    #[must_use]
    pub fn lets(&self, path: &str) -> bool {
        match self {
            Self::Off => false,
            Self::All => true,
            Self::Paths(all) => all
                .iter()
                .any(|pattern| crate::pattern::fits(pattern, path)),
        }
    }
}

/// An upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: ProviderName,
    /// What it speaks.
    pub format: WireFormat,
    /// `https` or not.
    pub tls: bool,
    /// Host name or address, as it stands in the URL (IPv6 in brackets).
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path in front of `/chat/completions`; no trailing slash: `/v1`.
    pub base_path: String,
    /// Its own paths behind that.
    pub paths: Option<Paths>,
    /// What it wants otherwise in bodies.
    pub shape: Shape,
    /// How some of its models want embeddings asked; the first that fits counts.
    pub embeddings: Vec<EmbeddingDoor>,
    /// How it counts the tokens of a prompt for nothing, if it does.
    pub counting: Option<Counting>,
    /// Where a key goes.
    pub auth: Auth,
    /// Its keys, of which each request takes one; none where it wants none.
    pub keys: Vec<Key>,
    /// Further headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// The most requests that may be there at once; `None` leaves it to the
    /// gateway.
    pub max_parallel: Option<u32>,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// HTTP version.
    pub http: HttpVersion,
    /// PEM file of a private certificate authority.
    pub ca_file: Option<std::path::PathBuf>,
    /// Whether the provider belongs to the house: `traceparent` goes along.
    pub internal: bool,
    /// Whether `traceparent` goes to it although it is external.
    pub trace: bool,
    /// Whether `stream_options.include_usage` may be asked of it.
    pub stream_usage: bool,
    /// What becomes of what it cannot be told.
    pub losses: Losses,
    /// Where it differs from its dialect.
    pub quirks: Arc<Quirks>,
    /// What its models take beyond its dialect.
    pub traits: Arc<Rules>,
    /// What of it clients may reach as it is.
    pub pass_through: PassThrough,
    /// The same, as it is asked in the further dialects that it speaks.
    pub also: Vec<Also>,
}

/// A provider as it is asked in a further dialect that it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Also {
    /// The provider, with that dialect for its own.
    pub provider: Arc<Provider>,
    /// Models that it does not have in that dialect.
    pub except: Vec<Pattern>,
}

/// What a model costs. A rate that is not stated is the plain one of its
/// side, never zero: an unstated discount is no discount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Prompt tokens.
    pub input: Rate,
    /// Cached prompt tokens; as input where `None`.
    pub cached_input: Option<Rate>,
    /// Prompt tokens written to the provider's cache; as input where `None`.
    pub cache_write: Option<Rate>,
    /// Those that it keeps for an hour; as `cache_write` where `None`.
    pub cache_write_1h: Option<Rate>,
    /// Prompt tokens of audio; as input where `None`.
    pub audio_input: Option<Rate>,
    /// Answer tokens.
    pub output: Rate,
    /// Answer tokens spent on reasoning; as output where `None`.
    pub reasoning: Option<Rate>,
    /// Answer tokens of audio; as output where `None`.
    pub audio_output: Option<Rate>,
    /// Per request.
    pub per_request: NanoUsd,
    /// Other prices for long prompts, by rising length; mostly none.
    pub tiers: Option<Arc<[Tier]>>,
}

/// The price of requests whose prompt is long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// It holds for prompts of more tokens than this.
    pub above: u64,
    /// What everything costs then; it has no tiers of its own.
    pub price: Price,
}

impl Price {
    /// What a request with so many prompt tokens costs: all of its tokens,
    /// not only those above the tier's beginning.
    #[must_use]
    pub fn at(&self, prompt: u64) -> &Self {
        let Some(tiers) = &self.tiers else {
            return self;
        };
        let reached = tiers.iter().rev().find(|tier| tier.above < prompt);
        reached.map_or(self, |tier| &tier.price)
    }
}

/// The model that a deployment is, where its name at the provider does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseModel {
    /// Whose model it is in the catalogue; none where that does not have it.
    pub of: Option<String>,
    /// Its name.
    pub id: String,
}

/// A model at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Where.
    pub provider: Arc<Provider>,
    /// The model's name there.
    pub upstream_model: String,
    /// Share among the deployments of the same order.
    pub weight: u32,
    /// Tried in rising order.
    pub order: u32,
    /// Its price; `None` is unknown, and flagged.
    pub price: Option<Price>,
    /// The longest answer, in tokens, where known.
    pub max_output: Option<u64>,
    /// What it is for.
    pub mode: Mode,
    /// The longest prompt, in tokens, where known; mostly with the answer.
    pub context: Option<u64>,
    /// What it can do beside text; `None` where nobody knows.
    pub abilities: Option<Abilities>,
    /// The model that it is, where its name there does not say.
    pub base_model: Option<BaseModel>,
    /// What it takes beyond its dialect.
    pub traits: Traits,
    /// Position in the snapshot's table of deployments: keys health records.
    pub index: usize,
    /// The same, as it is asked in the further dialects that it speaks.
    pub also: Vec<Arc<Deployment>>,
}

impl Deployment {
    /// With what it is in each further dialect of its provider, where `said` says
    /// something of its traits.
    #[must_use]
    pub fn with_dialects(mut self, said: Said) -> Self {
        let name = self.known_as();
        let speaks = |also: &&Also| !also.except.iter().any(|it| it.fits(name));
        let of = |also: &Also| {
            let traits = also.provider.traits.under(said, name);
            let provider = Arc::clone(&also.provider);
            Arc::new(Self {
                provider,
                traits,
                also: Vec::new(),
                ..self.clone()
            })
        };
        self.also = self.provider.also.iter().filter(speaks).map(of).collect();
        self
    }

    /// What it is in a dialect that it speaks beside its provider's own.
    #[must_use]
    pub fn in_dialect(&self, dialect: Dialect) -> Option<&Arc<Self>> {
        let speaks = |it: &&Arc<Self>| it.provider.format == WireFormat::Dialect(dialect);
        self.also.iter().find(speaks)
    }

    /// How it wants embeddings asked, where that is not its dialect's way.
    #[must_use]
    pub fn embeddings(&self) -> Option<&EmbeddingDoor> {
        let mut doors = self.provider.embeddings.iter();
        doors.find(|door| door.is_of(self.known_as()))
    }

    /// The name that tells which model it is.
    #[must_use]
    pub fn known_as(&self) -> &str {
        let base = self.base_model.as_ref();
        base.map_or(&self.upstream_model, |base| &base.id)
    }

    /// Whether it thinks; `None` where nobody knows.
    #[must_use]
    pub fn thinks(&self) -> Option<bool> {
        self.traits.thinks.or(self.can(Ability::Reasoning))
    }

    /// Whether it can do this; `None` where nobody knows.
    #[must_use]
    pub fn can(&self, ability: Ability) -> Option<bool> {
        self.abilities.map(|abilities| abilities.has(ability))
    }
}

/// A name that clients may ask for, and what answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The name.
    pub name: ModelName,
    /// Who answers.
    pub deployments: Vec<Arc<Deployment>>,
    /// Models asked next when every deployment failed.
    pub fallbacks: Vec<ModelName>,
    /// The longest answer, in tokens, where known.
    pub max_output: Option<u64>,
    /// Who owns it, as `/v1/models` says.
    pub owned_by: String,
}

impl Model {
    /// What it is for: what its first deployment is.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.deployments
            .first()
            .map(|one| one.mode)
            .unwrap_or_default()
    }

    /// Whether all of its deployments are known to do this.
    #[must_use]
    pub fn can(&self, ability: Ability) -> bool {
        let mut deployments = self.deployments.iter();
        deployments.all(|one| one.can(ability) == Some(true))
    }

    /// The longest prompt that one of its deployments takes, where known.
    #[must_use]
    pub fn context(&self) -> Option<u64> {
        self.deployments.iter().filter_map(|one| one.context).max()
    }

    /// Whether `pattern` is one of [`Model::names`], or the beginning of one.
    #[must_use]
    pub fn fits(&self, pattern: &str) -> bool {
        crate::pattern::fits(pattern, self.name.as_str())
            || self.deployments.iter().any(|deployment| {
                let (provider, model) = (&deployment.provider.name, &deployment.upstream_model);
                crate::pattern::fits(pattern, model)
                    || crate::pattern::fits_path(pattern, provider.as_str(), model)
            })
    }

    /// Every name that policies may know it by: its own, and those of its
    /// deployments, as `provider/model` and bare. A client that asks for the
    /// same thing by another name gets the same policies.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![self.name.to_string()];
        for deployment in &self.deployments {
            let upstream = &deployment.upstream_model;
            names.push(format!("{}/{upstream}", deployment.provider.name));
            names.push(upstream.clone());
        }
        names
    }
}
