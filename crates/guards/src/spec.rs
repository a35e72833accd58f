//! Reads a guard's fields; its errors say what to write.

use domain::guard::{Action, Direction};
use domain::suggest::help;
use serde_json::{Map, Value};

/// What every guard can be told: which way it reads and what it does.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    on: Vec<Direction>,
    pub(crate) action: Action,
}

impl Common {
    pub(crate) fn reads(&self, direction: Direction) -> bool {
        self.on.contains(&direction)
    }
}

/// The fields of one guard.
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Refuses every field that is not `known`, `on` or `action`.
    pub(crate) fn new(spec: &'a Value, known: &[&'static str]) -> Result<Self, String> {
        let Value::Object(fields) = spec else {
            return Err("a guard must be written as fields and values".to_owned());
        };
        let all: Vec<&str> = known.iter().copied().chain(["on", "action"]).collect();
        match fields.keys().find(|key| !all.contains(&key.as_str())) {
            None => Ok(Self(fields)),
            Some(key) => {
                let help = help(key, all.iter().copied());
                Err(format!("there is no field `{key}`; {help}"))
            }
        }
    }

    pub(crate) fn get(&self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// A list of strings; empty if the field is left out.
    pub(crate) fn strings(&self, field: &str) -> Result<Vec<&'a str>, String> {
        let wrong = || format!("`{field}` must be a list of texts: write `{field}: [one, two]`");
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// `on` and `action`, with their defaults.
    pub(crate) fn common(&self) -> Result<Common, String> {
        let mut on = Vec::new();
        for word in self.strings("on")? {
            on.push(match word {
                "request" => Direction::Request,
                "answer" => Direction::Answer,
                _ => {
                    let help = help(word, ["request", "answer"]);
                    return Err(format!("`on` does not know `{word}`; {help}"));
                }
            });
        }
        match self.get("on") {
            None => on.extend([Direction::Request, Direction::Answer]),
            Some(_) if on.is_empty() => {
                return Err("`on` is empty: write `on: [request, answer]`".to_owned());
            }
            Some(_) => {}
        }
        let action = match self.get("action").map(|value| value.as_str()) {
            None | Some(Some("block")) => Action::Block,
            Some(Some("observe")) => Action::Observe,
            Some(word) => {
                let help = help(word.unwrap_or_default(), ["block", "observe"]);
                return Err(format!("`action` is wrong; {help}"));
            }
        };
        Ok(Common { on, action })
    }
}
