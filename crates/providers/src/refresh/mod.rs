//! Prices and abilities from files that others keep: `LiteLLM`'s
//! `model_prices_and_context_window.json` and models.dev's `api.json`. Only
//! facts are taken over, each for a provider that we know by some name of
//! theirs; what makes no sense is an error that names the entry.
//!
//! | room | what it holds |
//! |---|---|
//! | `litellm`, `models_dev` | a format each |
//! | `fields` | numbers and words out of somebody else's JSON |
//! | `change` | what a file says otherwise than what is known |

mod change;
mod fields;
mod litellm;
mod models_dev;

use std::collections::{BTreeMap, HashSet};

pub use change::{Change, Field, Kind, changes, facts};

use crate::catalogue::CatalogueModel;

/// Larger files are no price list. `LiteLLM`'s has 4 MB.
pub const MOST_BYTES: u64 = 64 << 20;
/// A longer name is none.
const LONGEST_NAME: usize = 256;
/// How many problems are told one by one.
const TOLD: usize = 10;

/// Whose file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `LiteLLM`'s price map: dollars per token.
    Litellm,
    /// models.dev's JSON: dollars per million tokens.
    ModelsDev,
}

impl Format {
    /// The format of a text, by what only one of them says.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.contains("\"litellm_provider\"") {
            true => Self::Litellm,
            false => Self::ModelsDev,
        }
    }

    /// The format of this name: `litellm` or `models-dev`.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self, String> {
        match name {
            "litellm" => Ok(Self::Litellm),
            "models-dev" | "models.dev" => Ok(Self::ModelsDev),
            _ => Err("write `litellm` or `models-dev`".to_owned()),
        }
    }

    /// Whose it is, as a model's `source` says it.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Litellm => "litellm",
            Self::ModelsDev => "models.dev",
        }
    }
}

/// What to read of a file, and what to write beside it.
pub struct Wish<'a> {
    /// Whose file it is.
    pub format: Format,
    /// Which of our providers are wanted.
    pub providers: &'a dyn Fn(&str) -> bool,
    /// Where the facts come from.
    pub source: &'a str,
    /// When they were so.
    pub as_of: &'a str,
}

/// What a file says.
#[derive(Debug, Default)]
pub struct Facts {
    /// Of models of providers that are wanted, in the order of the file.
    pub models: Vec<CatalogueModel>,
    /// Their providers that we do not know, and how many entries each has.
    pub unknown: BTreeMap<String, usize>,
    /// Entries that are no conversation and no embedding, or out of service.
    pub passed_over: usize,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// It is not JSON of that form.
    #[error("it cannot be read: {0}")]
    Form(String),
    /// Entries that make no sense, by name.
    #[error("{}", listed(.0))]
    Entries(Vec<String>),
}

fn listed(problems: &[String]) -> String {
    let mut all = problems.iter().take(TOLD).cloned().collect::<Vec<_>>();
    if problems.len() > TOLD {
        all.push(format!("and {} more", problems.len() - TOLD));
    }
    all.join("\n  ")
}

/// Reads a file: all of what is wanted, or nothing.
///
/// # Errors
/// [`RefreshError`] names every entry that makes no sense.
pub fn read(text: &str, wish: &Wish<'_>) -> Result<Facts, RefreshError> {
    let mut reading = Reading {
        wish,
        facts: Facts::default(),
        names: HashSet::new(),
        problems: Vec::new(),
    };
    match wish.format {
        Format::Litellm => litellm::read(text, &mut reading)?,
        Format::ModelsDev => models_dev::read(text, &mut reading)?,
    }
    match reading.problems.is_empty() {
        true => Ok(reading.facts),
        false => Err(RefreshError::Entries(reading.problems)),
    }
}

/// Facts as they are found.
struct Reading<'a> {
    wish: &'a Wish<'a>,
    facts: Facts,
    names: HashSet<(String, String)>,
    problems: Vec<String>,
}

impl Reading<'_> {
    fn wants(&self, provider: &str) -> bool {
        (self.wish.providers)(provider)
    }

    /// Entries of a provider that we do not know.
    fn unknown(&mut self, theirs: &str, entries: usize) {
        let shown: String = theirs.chars().take(40).collect();
        let count = self.facts.unknown.entry(shown.escape_debug().to_string());
        *count.or_default() += entries;
    }

    /// What became of the entry `name`.
    fn keep(&mut self, name: &str, model: Result<Option<CatalogueModel>, String>) {
        let model = match model {
            Ok(Some(model)) => model,
            Ok(None) => {
                self.facts.passed_over += 1;
                return;
            }
            Err(problem) => return self.problem(name, &problem),
        };
        let id = model.id.as_str();
        if id.is_empty() || id.len() > LONGEST_NAME || !id.chars().all(is_plain) {
            return self.problem(name, "its name cannot be a model's");
        }
        // Two names of theirs may be one of ours; they say the same.
        let ours = (model.provider.clone(), model.id.clone());
        if self.names.insert(ours) {
            self.facts.models.push(model);
        }
    }

    fn problem(&mut self, name: &str, problem: &str) {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        self.problems
            .push(format!("the entry `{}`: {problem}", name.escape_debug()));
    }
}

/// Whether a character may stand in a name: it is seen, and moves no cursor.
fn is_plain(c: char) -> bool {
    c.is_ascii_graphic()
}

#[cfg(test)]
mod tests;
