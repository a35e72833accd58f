//! The table of models' traits, as it is written down: `config/traits.yaml`.

use domain::canon::Dialect;
use domain::model_pattern::Pattern;
use domain::traits::{Rule, Said, Table};
use serde::Deserialize;

use crate::catalogue::{CatalogueError, is_date};

/// The table that the binary carries.
const BUILT_IN: &str = include_str!("../../../config/traits.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    blocks: Vec<Block>,
}

/// Rules that are known from one source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    source: String,
    as_of: String,
    dialects: Vec<Dialect>,
    rules: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    at: Vec<String>,
    #[serde(default)]
    models: Vec<Pattern>,
    takes: Said,
}

/// The table that the binary carries.
///
/// # Errors
/// Only if the file was broken when the binary was built; a test reads it.
pub fn builtin() -> Result<Table, CatalogueError> {
    parse(BUILT_IN)
}

/// Reads a table.
///
/// # Errors
/// [`CatalogueError`] names the rule that makes no sense.
fn parse(text: &str) -> Result<Table, CatalogueError> {
    let file: File =
        serde_saphyr::from_str(text).map_err(|e| CatalogueError::Form(e.to_string()))?;
    let mut rules = Vec::new();
    for (at, block) in file.blocks.into_iter().enumerate() {
        let wrong = |rule: usize, problem: String| CatalogueError::Entry {
            entry: format!("traits: blocks[{at}].rules[{rule}]"),
            problem,
        };
        if block.source.is_empty() || !is_date(&block.as_of) || block.dialects.is_empty() {
            let problem = "its block has no `source`, no date `as_of`, or no `dialects`";
            return Err(wrong(0, problem.to_owned()));
        }
        // A model of a provider that speaks the one may want the other.
        let has = |dialect| block.dialects.contains(&dialect);
        if has(Dialect::OpenAi) != has(Dialect::Responses) {
            let problem = "`openai` and `responses` have the same models: name both";
            return Err(wrong(0, problem.to_owned()));
        }
        for (nth, written) in block.rules.into_iter().enumerate() {
            let check = written.takes.check();
            check.map_err(|[name, why, _]| wrong(nth, format!("`{name}`: {why}")))?;
            rules.push(Rule {
                dialects: block.dialects.clone(),
                at: written.at,
                models: written.models,
                said: written.takes,
            });
        }
    }
    Ok(Table(rules))
}

#[cfg(test)]
mod tests;
