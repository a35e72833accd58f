//! The providers and models that are known without configuration: data, not
//! code. `config/catalogue.yaml` (providers) and `config/models.jsonl` are part
//! of the binary.

mod line;
mod lines;
mod model;

use std::collections::{BTreeMap, HashSet};

use domain::canon::Dialect;
use domain::model::{Paths, Shape};
use serde::Deserialize;

use crate::quirks::{QuirksSpec, Senseless};
pub(crate) use line::{Line, TierLine};
pub use lines::{ModelsRead, WrongLine, is_date, read_models, write_models};
pub use model::{CatalogueModel, OPERATOR, Unmetered};

/// The providers that the binary carries.
const PROVIDERS: &str = include_str!("../../../config/catalogue.yaml");
/// The models that the binary carries.
const MODELS: &str = include_str!("../../../config/models.jsonl");

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is not YAML of the catalogue's form.
    #[error("the catalogue cannot be read: {0}")]
    Form(String),
    /// A value makes no sense.
    #[error("the catalogue's entry `{entry}`: {problem}")]
    Entry {
        /// Which provider or `provider/model`.
        entry: String,
        /// What is wrong.
        problem: String,
    },
}

/// Where a provider wants its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthStyle {
    /// `Authorization: Bearer …`.
    #[default]
    Bearer,
    /// Alone in a header of this name.
    Header(String),
    /// Requests are signed for this service of AWS.
    Sigv4(String),
    /// It wants none.
    None,
}

/// Whose credential a provider takes where nobody gives it a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetched {
    /// What AWS' own programs would find.
    Aws,
    /// What Google's own programs would find.
    Google,
    /// What Azure's own programs would find.
    Azure,
}

/// A known provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueProvider {
    /// Its name, the first part of `provider/model`.
    pub name: String,
    /// Its base URL; `${NAME}` and `${NAME:-default}` stand for the environment.
    pub base_url: String,
    /// Variables that hold its key, the first that is set wins.
    #[serde(default)]
    pub env: Vec<String>,
    /// Variables that hold another base URL, the first that is set wins. A
    /// provider without `env` exists only if one of these is set.
    #[serde(default)]
    pub base_url_env: Vec<String>,
    /// Where its key goes.
    #[serde(default)]
    pub auth: AuthStyle,
    /// What is fetched for one that is declared without a key.
    pub credential: Option<Fetched>,
    /// What it speaks.
    #[serde(default = "openai")]
    pub dialect: Dialect,
    /// The path of a conversation, if it is not its dialect's own; `{model}`
    /// stands for the model.
    pub path: Option<String>,
    /// The path of one that is streamed; as `path` if unset.
    pub stream_path: Option<String>,
    /// The path of embeddings.
    pub embeddings_path: Option<String>,
    /// Members that its bodies must not have.
    #[serde(default)]
    pub omit: Vec<String>,
    /// Members that its bodies must have, texts.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Members that its bodies have instead of headers of the same name, with
    /// dashes; and which of a header's values may go there.
    #[serde(default)]
    pub lists: BTreeMap<String, Vec<String>>,
    /// Headers that every request has.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether `stream_options.include_usage` may be asked of it.
    #[serde(default = "yes")]
    pub stream_usage: bool,
    /// Whether it usually runs in the same house: `traceparent` goes along.
    #[serde(default)]
    pub internal: bool,
    /// Where it differs from `OpenAI`'s dialect.
    #[serde(default)]
    pub quirks: QuirksSpec,
    /// The entry whose models it has, where it is another door to them.
    pub like: Option<String>,
    /// Its documentation.
    pub docs: String,
}

/// All that is known without configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Providers, in the order of the file.
    pub providers: Vec<CatalogueProvider>,
    /// Models, by provider and name.
    models: Vec<CatalogueModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: String,
    as_of: String,
    providers: Vec<CatalogueProvider>,
    /// Few, as in tests: a start reads many from [`lines`].
    #[serde(default)]
    models: BTreeMap<String, Vec<Line>>,
}

impl CatalogueProvider {
    /// A base URL as people put it into `base_url_env`, completed: what it
    /// lacks of scheme, port and path is this provider's usual one.
    /// `OLLAMA_HOST=gpu1` is `http://gpu1:11434/api`.
    #[must_use]
    pub fn complete(&self, base: &str) -> String {
        let base = base.trim().trim_end_matches('/');
        let (scheme, usual) = self
            .base_url
            .split_once("://")
            .unwrap_or(("https", &self.base_url));
        let (usual_host, usual_path) = usual.split_at(usual.find('/').unwrap_or(usual.len()));
        let (scheme, rest, bare) = match base.split_once("://") {
            Some((scheme, rest)) => (scheme, rest, false),
            None => (scheme, base, true),
        };
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // A URL with a scheme has the scheme's port; a bare name has none.
        let after_address = host.rsplit(']').next().unwrap_or(host);
        let port = match usual_host.rsplit_once(':') {
            Some((_, port)) if bare && !after_address.contains(':') => format!(":{port}"),
            _ => String::new(),
        };
        let path = if path.is_empty() { usual_path } else { path };
        format!("{scheme}://{host}{port}{path}")
    }

    /// Its own paths.
    #[must_use]
    pub fn paths(&self) -> Option<Paths> {
        let whole = self.path.clone()?;
        Some(Paths {
            stream: self.stream_path.clone().unwrap_or_else(|| whole.clone()),
            whole,
            embeddings: self.embeddings_path.clone(),
        })
    }

    /// What it wants otherwise in bodies.
    #[must_use]
    pub fn shape(&self) -> Shape {
        // Checked when it was read: nothing in it needs an escape.
        let text = |(name, value): (&String, &String)| (name.clone(), format!("\"{value}\""));
        Shape {
            omit: self.omit.clone(),
            set: self.set.iter().map(text).collect(),
            lists: self.lists.clone().into_iter().collect(),
        }
    }
}

impl Catalogue {
    /// The catalogue that the binary carries.
    ///
    /// # Errors
    /// Only if the file was broken when the binary was built; a test reads it.
    pub fn builtin() -> Result<Self, CatalogueError> {
        let mut catalogue = Self::parse(PROVIDERS)?;
        let ModelsRead { models, wrong } = read_models(MODELS, &|name| catalogue.has(name));
        if let Some(wrong) = wrong.first() {
            let told = format!("models.jsonl:{}: {}", wrong.line, wrong.problem);
            return Err(CatalogueError::Form(told));
        }
        catalogue.lay_over(models);
        Ok(catalogue)
    }

    /// Reads a catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] names the line, or the entry that makes no sense.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let file: File =
            serde_saphyr::from_str(text).map_err(|e| CatalogueError::Form(e.to_string()))?;
        let mut names = HashSet::new();
        for provider in &file.providers {
            check_provider(provider)?;
            if !names.insert(provider.name.as_str()) {
                return Err(entry(&provider.name, "stands there twice"));
            }
        }
        for provider in &file.providers {
            let like = provider.like.as_deref();
            if like.is_some_and(|like| !names.contains(like)) {
                return Err(entry(&provider.name, "is `like` one that nobody knows"));
            }
        }
        let mut models = Vec::new();
        for (provider, lines) in file.models {
            if !names.contains(provider.as_str()) {
                return Err(entry(&provider, "has models but is no provider"));
            }
            let mut ids = HashSet::new();
            for line in lines {
                if !ids.insert(line.id.clone()) {
                    let full = format!("{provider}/{}", line.id);
                    return Err(entry(&full, "stands there twice"));
                }
                let full = format!("{provider}/{}", line.id);
                let model = line.model(&provider, &file.source, &file.as_of);
                models.push(model.map_err(|problem| entry(&full, problem))?);
            }
        }
        models.sort_by(|a: &CatalogueModel, b| a.place().cmp(&b.place()));
        Ok(Self {
            providers: file.providers,
            models,
        })
    }
}

impl Catalogue {
    /// Whether there is a provider of this name.
    #[must_use]
    pub fn has(&self, provider: &str) -> bool {
        self.providers.iter().any(|known| known.name == provider)
    }

    /// All models, by provider and name.
    #[must_use]
    pub fn models(&self) -> &[CatalogueModel] {
        &self.models
    }

    /// What is known of a model: at this provider, else at the one whose models
    /// it has.
    #[must_use]
    pub fn model(&self, provider: &str, id: &str) -> Option<&CatalogueModel> {
        self.own(provider, id).or_else(|| {
            let known = self.providers.iter().find(|known| known.name == provider);
            self.own(known?.like.as_deref()?, id)
        })
    }

    fn own(&self, provider: &str, id: &str) -> Option<&CatalogueModel> {
        let at = self
            .models
            .binary_search_by(|model| model.place().cmp(&(provider, id)));
        self.models.get(at.ok()?)
    }

    /// The models of a provider, by name.
    #[must_use]
    pub fn models_of(&self, provider: &str) -> &[CatalogueModel] {
        let name = |model: &CatalogueModel| model.provider.as_str().cmp(provider);
        let from = self.models.partition_point(|model| name(model).is_lt());
        let to = self.models.partition_point(|model| name(model).is_le());
        self.models.get(from..to).unwrap_or_default()
    }

    /// Takes over what is said of models beside what is known: new ones, those
    /// of which the known facts are not younger, and what an operator wrote.
    /// Providers that nobody knows are passed over, so that an older version
    /// can start with what a newer one has written.
    pub fn lay_over(&mut self, models: Vec<CatalogueModel>) {
        let providers: HashSet<&str> = self.providers.iter().map(|p| p.name.as_str()).collect();
        self.models.extend(
            models
                .into_iter()
                .filter(|model| providers.contains(model.provider.as_str())),
        );
        // Of those that stand there twice, what came last stands last.
        self.models.sort_by(|a, b| a.place().cmp(&b.place()));
        self.models.dedup_by(|later, first| {
            let is_same = later.place() == first.place();
            let wins =
                later.is_operators() || (!first.is_operators() && first.as_of <= later.as_of);
            if is_same && wins {
                std::mem::swap(later, first);
            }
            is_same
        });
    }
}

fn check_provider(provider: &CatalogueProvider) -> Result<(), CatalogueError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if provider.name.is_empty() || !provider.name.bytes().all(plain) {
        return Err(entry(&provider.name, "a name has a-z, 0-9 and _"));
    }
    let harmless = |text: &String| {
        text.bytes()
            .all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
    };
    let plainly = |all: &BTreeMap<String, String>| {
        all.iter()
            .all(|(name, value)| harmless(name) && harmless(value))
    };
    let listed =
        |(name, values): (&String, &Vec<String>)| harmless(name) && values.iter().all(harmless);
    if !plainly(&provider.set) || !plainly(&provider.headers) || !provider.lists.iter().all(listed)
    {
        let problem = "`set`, `lists` and `headers` take plain letters only";
        return Err(entry(&provider.name, problem));
    }
    if provider.env.is_empty() && provider.base_url_env.is_empty() {
        return Err(entry(&provider.name, "needs `env` or `base_url_env`"));
    }
    let quirks = provider.quirks.quirks();
    quirks.map_err(|(at, why)| entry(&provider.name, format!("`quirks.{at}`: {why}")))?;
    match provider.quirks.senseless().first() {
        Some(Senseless { at, why, .. }) => {
            Err(entry(&provider.name, format!("`quirks.{at}`: {why}")))
        }
        None => Ok(()),
    }
}

fn entry(entry: &str, problem: impl Into<String>) -> CatalogueError {
    CatalogueError::Entry {
        entry: entry.to_owned(),
        problem: problem.into(),
    }
}

fn openai() -> Dialect {
    Dialect::OpenAi
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
