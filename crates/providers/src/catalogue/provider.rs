//! A provider as it stands in the catalogue.

use std::collections::BTreeMap;

use domain::canon::Dialect;
use domain::counting::{Counting, CountingForm};
use domain::embedding::{EmbeddingDoor, EmbeddingForm};
use domain::model::{Known, Paths, Shape};
use domain::model_pattern::Pattern;
use serde::{Deserialize, Deserializer, de};

use super::{CatalogueError, entry};
use crate::quirks::{QuirksSpec, Senseless};

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

/// A value of a header that a provider knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownValue {
    /// As clients say it.
    pub value: String,
    /// As the provider has it, if otherwise.
    #[serde(rename = "as")]
    pub told: Option<String>,
    /// The models that know it; all do if unset.
    #[serde(default)]
    pub models: Vec<Pattern>,
}

impl From<KnownValue> for Known {
    fn from(known: KnownValue) -> Self {
        Self {
            value: known.value,
            told: known.told,
            models: known.models,
        }
    }
}

/// Models that are asked for embeddings in a form of their own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// Which.
    pub models: Vec<Pattern>,
    /// How they are asked.
    #[serde(deserialize_with = "form")]
    pub form: EmbeddingForm,
    /// Where; `{model}` stands for the model.
    pub path: String,
    /// The most texts of one request.
    #[serde(default = "one")]
    pub most: usize,
    /// Whether they can be told how long vectors are to be.
    #[serde(default = "yes")]
    pub dimensions: bool,
}

impl From<&Door> for EmbeddingDoor {
    fn from(door: &Door) -> Self {
        Self {
            models: door.models.clone(),
            form: door.form,
            path: door.path.clone(),
            most: door.most,
            dimensions: door.dimensions,
        }
    }
}

/// How a provider counts the tokens of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// What is sent and what comes back.
    #[serde(deserialize_with = "counting_form")]
    pub form: CountingForm,
    /// Where; `{model}` stands for the model.
    pub path: String,
    /// The models that it counts for; all if unset.
    #[serde(default)]
    pub models: Vec<Pattern>,
}

/// A further dialect that a provider speaks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spoken {
    /// The dialect.
    pub dialect: Dialect,
    /// Models that it does not have in it.
    #[serde(default)]
    pub except: Vec<Pattern>,
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
    /// What it speaks beside that, at the same address.
    #[serde(default)]
    pub also: Vec<Spoken>,
    /// The path of a conversation, if it is not its dialect's own; `{model}`
    /// stands for the model.
    pub path: Option<String>,
    /// The path of one that is streamed; as `path` if unset.
    pub stream_path: Option<String>,
    /// The path of embeddings.
    pub embeddings_path: Option<String>,
    /// How some of its models want embeddings asked, beside its dialect's form.
    #[serde(default)]
    pub embeddings: Vec<Door>,
    /// How it counts the tokens of a prompt for nothing.
    pub counting: Option<Counts>,
    /// Members that its bodies must not have.
    #[serde(default)]
    pub omit: Vec<String>,
    /// Members that its bodies must have, texts.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Members that its bodies have instead of headers of the same name, with
    /// dashes; and which of a header's values may go there.
    #[serde(default)]
    pub lists: BTreeMap<String, Vec<KnownValue>>,
    /// Headers of its dialect of which only these values may go.
    #[serde(default)]
    pub header_values: BTreeMap<String, Vec<KnownValue>>,
    /// Whether it takes images and documents as bytes only, although its
    /// dialect has URLs of them.
    #[serde(default)]
    pub wants_bytes: bool,
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

    /// How some of its models want embeddings asked.
    #[must_use]
    pub fn doors(&self) -> Vec<EmbeddingDoor> {
        self.embeddings.iter().map(EmbeddingDoor::from).collect()
    }

    /// How it counts the tokens of a prompt.
    #[must_use]
    pub fn counting(&self) -> Option<Counting> {
        let counts = self.counting.clone()?;
        Some(Counting {
            form: counts.form,
            path: counts.path,
            models: counts.models,
        })
    }

    /// What it wants otherwise in bodies.
    #[must_use]
    pub fn shape(&self) -> Shape {
        // Checked when it was read: nothing in it needs an escape.
        let text = |(name, value): (&String, &String)| (name.clone(), format!("\"{value}\""));
        let known = |values: &BTreeMap<String, Vec<KnownValue>>| {
            let all = values.clone().into_iter();
            all.map(|(name, values)| (name, values.into_iter().map(Known::from).collect()))
                .collect()
        };
        Shape {
            omit: self.omit.clone(),
            set: self.set.iter().map(text).collect(),
            lists: known(&self.lists),
            headers: known(&self.header_values),
            wants_bytes: self.wants_bytes,
        }
    }
}

/// Checks what the catalogue says of a provider.
///
/// # Errors
/// [`CatalogueError`] names the entry.
pub(super) fn check(provider: &CatalogueProvider) -> Result<(), CatalogueError> {
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
    let known = |known: &KnownValue| {
        let told = known.told.as_ref();
        harmless(&known.value) && told.is_none_or(harmless)
    };
    let listed =
        |(name, values): (&String, &Vec<KnownValue>)| harmless(name) && values.iter().all(known);
    let mut lists = provider.lists.iter().chain(&provider.header_values);
    if !plainly(&provider.set) || !plainly(&provider.headers) || !lists.all(listed) {
        let problem = "`set`, `lists`, `header_values` and `headers` take plain letters only";
        return Err(entry(&provider.name, problem));
    }
    if provider.env.is_empty() && provider.base_url_env.is_empty() {
        return Err(entry(&provider.name, "needs `env` or `base_url_env`"));
    }
    if provider
        .embeddings
        .iter()
        .any(|door| door.most == 0 || door.models.is_empty())
    {
        return Err(entry(
            &provider.name,
            "`embeddings` need `models`, and `most` of 1 or more",
        ));
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

fn openai() -> Dialect {
    Dialect::OpenAi
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

fn form<'de, D: Deserializer<'de>>(from: D) -> Result<EmbeddingForm, D::Error> {
    named(from, &EmbeddingForm::ALL)
}

fn counting_form<'de, D: Deserializer<'de>>(from: D) -> Result<CountingForm, D::Error> {
    named(from, &CountingForm::ALL)
}

/// A form by its name.
fn named<'de, D, Form>(from: D, all: &[(Form, &str)]) -> Result<Form, D::Error>
where
    D: Deserializer<'de>,
    Form: Copy,
{
    let name = String::deserialize(from)?;
    let found = all.iter().find(|(_, known)| *known == name);
    let names = || {
        let names: Vec<&str> = all.iter().map(|(_, name)| *name).collect();
        names.join(", ")
    };
    found
        .map(|(form, _)| *form)
        .ok_or_else(|| de::Error::custom(format!("`{name}` is no form; there are: {}", names())))
}
