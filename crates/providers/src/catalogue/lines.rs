//! Files of models, a line each: JSON, because a start reads all of them and
//! YAML takes twenty times as long.
//!
//! ```text
//! # comments
//! {"source":"where from","as_of":"2026-11-26"}
//! {"provider":"openai","id":"gpt-4o","context":128000,"input":"2.5","output":"10"}
//! ```
//!
//! `source` and `as_of` hold for all lines below, until the next such line or
//! where a line has its own.

use serde::{Deserialize, Serialize};

use super::line::Line;
use super::model::CatalogueModel;
use super::{CatalogueError, entry};

/// Where the lines below come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamp {
    source: String,
    as_of: String,
}

/// Reads a file of models.
///
/// # Errors
/// [`CatalogueError`] names the line, or the entry that makes no sense.
pub fn read_models(text: &str) -> Result<Vec<CatalogueModel>, CatalogueError> {
    let mut stamp: Option<Stamp> = None;
    let mut models = Vec::new();
    for (at, text) in text.lines().enumerate() {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let wrong = |problem: String| CatalogueError::Form(format!("line {}: {problem}", at + 1));
        // A stamp has no name, and every model has one.
        if !text.contains("\"id\"") {
            let next: Stamp = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
            stamp = Some(next);
            continue;
        }
        let mut line: Line = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let Some(provider) = line.provider.take() else {
            return Err(wrong(format!("`{}` has no `provider`", line.id)));
        };
        let id = line.id.clone();
        let (source, as_of) = match &stamp {
            Some(stamp) => (stamp.source.as_str(), stamp.as_of.as_str()),
            None => ("", ""),
        };
        let model = line
            .model(&provider, source, as_of)
            .map_err(|problem| entry(&format!("{provider}/{id}"), problem))?;
        if model.source.is_empty() || !is_date(&model.as_of) {
            return Err(entry(
                &format!("{provider}/{id}"),
                "needs a `source`, and the date `as_of`, like 2026-11-26",
            ));
        }
        models.push(model);
    }
    Ok(models)
}

/// Writes a file of models. What is most often said of source and date stands
/// on top, once.
#[must_use]
pub fn write_models(models: &[CatalogueModel]) -> String {
    let mut out = String::new();
    let Some(first) = models.first() else {
        return out;
    };
    let stamp = Stamp {
        source: first.source.clone(),
        as_of: first.as_of.clone(),
    };
    push(&mut out, &stamp);
    for model in models {
        let mut line = Line::of(model);
        line.source = line.source.filter(|source| *source != stamp.source);
        line.as_of = line.as_of.filter(|as_of| *as_of != stamp.as_of);
        push(&mut out, &line);
    }
    out
}

fn push(out: &mut String, line: &impl Serialize) {
    // Texts and numbers only: there is nothing that could fail.
    if let Ok(line) = serde_json::to_string(line) {
        out.push_str(&line);
        out.push('\n');
    }
}

/// Whether `text` is a date by its form: `2026-11-26`. Such texts sort by time.
#[must_use]
pub fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
