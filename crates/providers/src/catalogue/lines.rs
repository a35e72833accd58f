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

use std::collections::HashSet;

use domain::suggest;
use serde::{Deserialize, Serialize};

use super::line::Line;
use super::model::CatalogueModel;

/// Where the lines below come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamp {
    source: String,
    as_of: String,
}

/// What was read of a file of models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelsRead {
    /// The models, in the order of the file.
    pub models: Vec<CatalogueModel>,
    /// The lines that were left out.
    pub wrong: Vec<WrongLine>,
}

/// A line of which nothing is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongLine {
    /// Which, from 1.
    pub line: u64,
    /// Where in it, from 1.
    pub column: u64,
    /// What is wrong.
    pub problem: String,
    /// What to write instead; empty where the problem says it.
    pub help: String,
}

/// Reads a file of models. What is wrong with a line is told, and the others
/// count. `knows` says whether a provider is one of the catalogue.
#[must_use]
pub fn read_models(text: &str, knows: &dyn Fn(&str) -> bool) -> ModelsRead {
    let mut reading = Reading {
        knows,
        stamp: Below::Nothing,
        strangers: HashSet::new(),
        read: ModelsRead::default(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            reading.line(at, text);
        }
    }
    reading.read
}

/// What holds for the lines below.
enum Below {
    /// Nothing was said yet.
    Nothing,
    /// This.
    Stamp(Stamp),
    /// Something that cannot be read.
    Unreadable,
}

/// What is wrong in a line: where, what, what to do.
type Flaw = (u64, String, String);

struct Reading<'a> {
    knows: &'a dyn Fn(&str) -> bool,
    stamp: Below,
    /// Providers that nobody knows, each told once.
    strangers: HashSet<String>,
    read: ModelsRead,
}

impl Reading<'_> {
    fn line(&mut self, at: u64, text: &str) {
        // A stamp has no name, and every model has one.
        let read = match text.contains("\"id\"") {
            true => self.model(text),
            false => self.stamp(text),
        };
        if let Err((column, problem, help)) = read {
            self.read.wrong.push(WrongLine {
                line: at,
                column,
                problem,
                help,
            });
        }
    }

    fn stamp(&mut self, text: &str) -> Result<(), Flaw> {
        let read = serde_json::from_str::<Stamp>(text).map_err(|error| flaw(&error));
        let read = read.and_then(|stamp| {
            dated(&stamp.source, &stamp.as_of)?;
            Ok(stamp)
        });
        match read {
            Ok(stamp) => {
                self.stamp = Below::Stamp(stamp);
                Ok(())
            }
            Err((column, problem, help)) => {
                self.stamp = Below::Unreadable;
                let problem = format!("{problem}: so are all lines below that say no `source`");
                Err((column, problem, help))
            }
        }
    }

    fn model(&mut self, text: &str) -> Result<(), Flaw> {
        let mut line: Line = serde_json::from_str(text).map_err(|error| flaw(&error))?;
        let whole = |problem: String| (1, problem, String::new());
        let provider = line.provider.take();
        let provider = provider.ok_or_else(|| whole(format!("`{}` has no `provider`", line.id)))?;
        if line.id.is_empty() {
            return Err(whole(format!("a model of `{provider}` has no name")));
        }
        let name = format!("{provider}/{}", line.id);
        let (source, as_of) = match &self.stamp {
            Below::Stamp(stamp) => (stamp.source.as_str(), stamp.as_of.as_str()),
            // It was told with the line that cannot be read.
            Below::Unreadable if line.source.is_none() || line.as_of.is_none() => return Ok(()),
            Below::Nothing | Below::Unreadable => ("", ""),
        };
        let model = line.model(&provider, source, as_of);
        let model = model.map_err(|problem| whole(format!("`{name}`: {problem}")))?;
        dated(&model.source, &model.as_of)?;
        if (self.knows)(&provider) {
            self.read.models.push(model);
        } else if self.strangers.insert(provider.clone()) {
            let problem = format!("the catalogue has no provider `{provider}`");
            let help = "prices of a provider of your own stand in portcullis.yaml";
            return Err((1, problem, help.to_owned()));
        }
        Ok(())
    }
}

fn dated(source: &str, as_of: &str) -> Result<(), Flaw> {
    if source.is_empty() || !is_date(as_of) {
        let problem = "no `source`, or no date `as_of`".to_owned();
        let help = "write both, like `\"source\":\"operator\",\"as_of\":\"2026-11-26\"`";
        return Err((1, problem, help.to_owned()));
    }
    Ok(())
}

/// What is wrong with a line's JSON, in few words.
fn flaw(error: &serde_json::Error) -> Flaw {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let column = error.column() as u64;
    let Some((problem, wanted)) = said.split_once(", expected ") else {
        let help = "a line is one JSON object; compare it with the others".to_owned();
        return (column, said.to_owned(), help);
    };
    let word = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    let wanted: Vec<&str> = wanted.split('`').skip(1).step_by(2).collect();
    let help = suggest::help(&word(problem), wanted);
    (column, problem.to_owned(), help)
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

/// Whether `text` is a date: `2026-11-26`. Such texts sort by time.
#[must_use]
pub fn is_date(text: &str) -> bool {
    let has_form = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    has_form && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests;
