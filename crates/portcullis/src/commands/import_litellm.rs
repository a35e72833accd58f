//! `portcullis import litellm`: our configuration from that of `LiteLLM`.
//! Secrets are never copied, and whatever has no place here is told.

mod database;
mod models;
mod people;
mod providers;
mod settings;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use ::providers::Catalogue;
use anyhow::{Context as _, anyhow, bail};
use serde_json::{Map, Value};

use super::yaml;
use crate::cli::ImportArgs;
use crate::output;

/// Reads, writes, and says what could not be carried over.
pub(super) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    if let Some(place) = &args.database {
        return database::run(place, args);
    }
    let Some(input) = &args.input else {
        bail!("name LiteLLM's config.yaml, or its database with --database");
    };
    let text = std::fs::read_to_string(input).with_context(|| input.display().to_string())?;
    let input = input.display();
    let catalogue = Catalogue::builtin().context("the built-in catalogue")?;
    let names: Vec<&str> = catalogue
        .providers
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    let (ours, notes) = convert(&text, &names).with_context(|| input.to_string())?;
    match &args.output {
        None => output::raw(&ours),
        Some(file) => {
            let written = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(file)
                .and_then(|mut to| to.write_all(ours.as_bytes()));
            match written {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
                    "{} is there already and is not overwritten; name another file, or remove it",
                    file.display()
                ),
                other => other.with_context(|| format!("cannot write {}", file.display()))?,
            }
            output::error(&format!(
                "{} is written; `portcullis check --config {}` tells what it makes.",
                file.display(),
                file.display()
            ));
        }
    }
    for note in &notes {
        output::error(&format!("note: {note}"));
    }
    Ok(())
}

/// Our file, and what the reader must know about it.
fn convert(text: &str, catalogue: &[&str]) -> anyhow::Result<(String, Vec<String>)> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let theirs: Value = serde_saphyr::from_str_with_options(text, options)
        // Without the lines around it, which may hold a secret.
        .map_err(|error| anyhow!("this is no YAML: {}", error.without_snippet()))?;
    let Value::Object(theirs) = theirs else {
        bail!("this is no configuration of LiteLLM: a mapping with `model_list` is expected");
    };
    match theirs.get("model_list") {
        Some(list) if list.is_array() => {}
        Some(_) => bail!("`model_list` is no list; each model begins with `- model_name: …`"),
        None => bail!("this is no configuration of LiteLLM: it has no `model_list`"),
    }
    let mut import = Import::new(catalogue);
    import.models(theirs.get("model_list"));
    import.settings(&theirs);
    let (root, notes) = import.finish();
    // A name of theirs may hold a line's end: in a comment, what follows it
    // would be configuration.
    let notes: Vec<String> = notes
        .iter()
        .map(|note| note.replace(char::is_control, " "))
        .collect();
    let mut ours = String::from("# Imported from LiteLLM.\n");
    if !notes.is_empty() {
        ours.push_str("#\n# To know, and to do by hand:\n");
        for note in &notes {
            ours.push_str(&format!("# - {note}\n"));
        }
    }
    ours.push('\n');
    ours.push_str(&yaml::document(&root));
    // A file that we would not read ourselves helps nobody.
    config::parse("the imported file", &ours)?;
    Ok((ours, notes))
}

/// What has been carried over so far.
struct Import<'a> {
    catalogue: &'a [&'a str],
    providers: Vec<providers::Upstream>,
    models: Vec<models::Model>,
    rest: Map<String, Value>,
    retry: Map<String, Value>,
    timeout: Option<String>,
    notes: Vec<String>,
}

impl<'a> Import<'a> {
    fn new(catalogue: &'a [&'a str]) -> Self {
        Self {
            catalogue,
            providers: Vec::new(),
            models: Vec::new(),
            rest: Map::new(),
            retry: Map::new(),
            timeout: None,
            notes: Vec::new(),
        }
    }

    /// Something the reader must know. Never holds a value of the old file
    /// that may be a secret: notes name fields.
    fn note(&mut self, text: impl Into<String>) {
        let text = text.into().replace(['\n', '\r'], " ");
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// A field that has no counterpart.
    fn left_out(&mut self, path: &str) {
        self.note(format!("`{path}` is not carried over"));
    }

    fn finish(self) -> (Map<String, Value>, Vec<String>) {
        let mut root = Map::new();
        let timeout = self.timeout.as_deref();
        let providers: Map<String, Value> = self
            .providers
            .iter()
            .map(|p| (p.name.clone(), p.value(timeout)))
            .collect();
        let models: Vec<Value> = self.models.iter().map(models::Model::value).collect();
        if !providers.is_empty() {
            root.insert("providers".into(), providers.into());
        }
        if !models.is_empty() {
            root.insert("models".into(), models.into());
        }
        root.extend(self.rest);
        if !self.retry.is_empty() {
            root.insert("retry".into(), self.retry.into());
        }
        (root, self.notes)
    }
}

/// A reference of theirs: `os.environ/NAME`.
fn variable(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/")
}

/// Text of a scalar, whatever its type.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

/// Their seconds, maybe a fraction, as our length of time.
fn seconds(value: &Value) -> Option<String> {
    let seconds: f64 = scalar(value)?.parse().ok()?;
    let span = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    let span = config::scalars::Span(span);
    (span.0.as_millis() > 0).then(|| span.to_string())
}

/// A whole number.
fn count(value: &Value) -> Option<u64> {
    scalar(value)?.parse().ok()
}
