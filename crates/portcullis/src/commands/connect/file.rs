//! Another program's file, changed where it must be: everything else in it
//! stays, and what was there before the first change stays beside it.

use std::fs::DirBuilder;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::super::whole::{beside, fresh, is_shared, replace, replace_secret};
use super::tools::Plan;
use super::{into_env, into_json, into_toml, into_yaml};

/// What must be in a file.
#[derive(Debug)]
pub(super) enum Content {
    /// These leaves of a JSON object.
    Json(Value),
    /// These fields above all tables, and this table.
    Toml {
        top: Vec<(&'static str, String)>,
        table: [&'static str; 2],
        fields: Vec<(&'static str, String)>,
    },
    /// These fields of a YAML mapping.
    YamlFields(Map<String, Value>),
    /// This entry of `models` in a YAML mapping; a new file begins with `head`.
    YamlModel {
        head: Map<String, Value>,
        item: Map<String, Value>,
    },
    /// These lines of a file of variables.
    Env(Vec<(&'static str, String)>),
}

impl Content {
    /// The file's text with this in it; `old` is empty if there is no file.
    ///
    /// # Errors
    /// The old text cannot be changed safely; says what to do.
    pub(super) fn merged(&self, old: &str, file: &Path) -> anyhow::Result<String> {
        match self {
            Self::Json(wanted) => into_json::merged(old, wanted),
            Self::Toml { top, table, fields } => into_toml::merged(old, top, *table, fields),
            Self::YamlFields(fields) => into_yaml::with_fields(old, fields),
            Self::YamlModel { head, item } => into_yaml::with_model(old, head, item),
            Self::Env(variables) => Ok(into_env::merged(old, variables)),
        }
        .with_context(|| {
            format!(
                "{} is left as it is; run this without --write and change it by hand",
                file.display()
            )
        })
    }
}

/// What happened to a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// There was none.
    Made,
    /// It said so already.
    Unchanged,
    /// It was changed; its copy, if this was the first change.
    Changed { backup: Option<PathBuf> },
    /// It said so already, and others could read the key in it: no longer.
    Closed,
}

/// Changes all files, or none if one of them cannot be. Those that hold the key
/// are for their owner alone from then on.
///
/// # Errors
/// A file cannot be read, changed safely, or written.
pub(super) fn write_all<'a>(
    plan: &'a Plan,
    key: Option<&str>,
) -> anyhow::Result<Vec<(&'a Path, Done)>> {
    if let Some((other, why)) = &plan.shadowed
        && other.exists()
        && plan.files.iter().all(|(file, _)| !file.exists())
    {
        bail!("{} is there: {why}", other.display());
    }
    let mut changes = Vec::new();
    for (file, content) in &plan.files {
        let old = read(file)?;
        let new = content.merged(old.as_deref().unwrap_or_default(), file)?;
        changes.push((file.as_path(), old, new));
    }
    changes
        .into_iter()
        .map(|(file, old, new)| Ok((file, put(file, old.as_deref(), &new, key)?)))
        .collect()
}

fn read(file: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

fn put(file: &Path, old: Option<&str>, new: &str, key: Option<&str>) -> anyhow::Result<Done> {
    let holds_key = key.is_some_and(|key| new.contains(key));
    let cannot = || format!("cannot write {}", file.display());
    let Some(old) = old else {
        if let Some(folder) = file.parent() {
            let mut make = DirBuilder::new();
            make.recursive(true).mode(0o700).create(folder)?;
        }
        let mut to = fresh(file).with_context(cannot)?;
        to.write_all(new.as_bytes()).with_context(cannot)?;
        return Ok(Done::Made);
    };
    let is_same = old == new;
    if is_same && !(holds_key && is_shared(file).with_context(cannot)?) {
        return Ok(Done::Unchanged);
    }
    let backup = if is_same { None } else { keep(file, old)? };
    let written = match holds_key {
        true => replace_secret(file, new),
        false => replace(file, new),
    };
    written.with_context(cannot)?;
    Ok(match is_same {
        true => Done::Closed,
        false => Done::Changed { backup },
    })
}

/// The file as it was, beside it; once.
fn keep(file: &Path, old: &str) -> anyhow::Result<Option<PathBuf>> {
    let backup = beside(file, ".portcullis.bak");
    match fresh(&backup) {
        Ok(mut to) => {
            to.write_all(old.as_bytes())
                .with_context(|| format!("cannot write {}", backup.display()))?;
            Ok(Some(backup))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", backup.display())),
    }
}
