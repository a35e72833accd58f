//! The providers and models that are known without configuration: data, not
//! code. `config/catalogue.yaml` (providers) and `config/models.jsonl` are part
//! of the binary.

mod line;
mod lines;
mod model;
mod provider;

use std::collections::{BTreeMap, HashSet};

use domain::traits::Table;
use serde::Deserialize;

pub(crate) use line::{Line, TierLine};
pub use lines::{ModelsRead, WrongLine, is_date, read_models, write_models};
pub use model::{CatalogueModel, OPERATOR, Unmetered};
pub use provider::{AuthStyle, CatalogueProvider, Door, Fetched, KnownValue, Spoken};

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

/// All that is known without configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Providers, in the order of the file.
    pub providers: Vec<CatalogueProvider>,
    /// Models, by provider and name.
    models: Vec<CatalogueModel>,
    /// What models take beyond their dialects.
    pub traits: Table,
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

impl Catalogue {
    /// The catalogue that the binary carries.
    ///
    /// # Errors
    /// Only if the file was broken when the binary was built; a test reads it.
    pub fn builtin() -> Result<Self, CatalogueError> {
        let mut catalogue = Self::parse(PROVIDERS)?;
        catalogue.traits = crate::traits::builtin()?;
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
            provider::check(provider)?;
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
            traits: Table::default(),
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

    /// What is known of a model that a deployment at this provider says it is: at
    /// this provider, else as `provider/id`, else at the first that has it.
    #[must_use]
    pub fn base_model(&self, provider: &str, base: &str) -> Option<&CatalogueModel> {
        let named = || {
            let (provider, id) = base.split_once('/')?;
            self.model(provider, id)
        };
        let anywhere = || {
            let mut providers = self.providers.iter();
            providers.find_map(|known| self.own(&known.name, base))
        };
        self.model(provider, base).or_else(named).or_else(anywhere)
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

fn entry(entry: &str, problem: impl Into<String>) -> CatalogueError {
    CatalogueError::Entry {
        entry: entry.to_owned(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests;
