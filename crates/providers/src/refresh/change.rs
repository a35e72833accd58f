//! What a file says otherwise than what is known.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::{Facts, Format};
use crate::catalogue::{Ability, CatalogueModel, Line};

/// What became of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was not known.
    New,
    /// Something is otherwise.
    Changed,
    /// The file has its provider but not the model: it stays.
    Vanished,
}

impl Kind {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Vanished => "vanished",
        }
    }
}

/// A value that is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the catalogue: `cached`.
    pub name: String,
    /// What is known; nothing for a new one.
    pub old: Option<String>,
    /// What the file says.
    pub new: Option<String>,
}

/// A model about which the file says something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub kind: Kind,
    /// The model as it is then: what the file does not say stays as it was.
    pub model: CatalogueModel,
    /// What is otherwise, in the order of the catalogue.
    pub fields: Vec<Field>,
}

/// What is no fact of its own.
const NAMES: &[&str] = &["provider", "id", "source", "as_of"];
/// What models.dev has no word for.
const UNSAID: &[Ability] = &[Ability::ParallelTools];

/// Compares what `facts` say with what is `known`, provider by provider in
/// the order of the alphabet.
#[must_use]
pub fn changes(known: &[CatalogueModel], facts: &Facts, format: Format) -> Vec<Change> {
    let name = |model: &CatalogueModel| (model.provider.clone(), model.id.clone());
    let by_name: HashMap<_, _> = known.iter().map(|model| (name(model), model)).collect();
    let mut changes = Vec::new();
    for model in &facts.models {
        let old = by_name.get(&name(model)).copied();
        let model = match old {
            Some(old) => merged(old, model, format),
            None => model.clone(),
        };
        let fields = fields(old, &model);
        if !fields.is_empty() || old.is_none() {
            let kind = match old {
                Some(_) => Kind::Changed,
                None => Kind::New,
            };
            changes.push(Change {
                kind,
                model,
                fields,
            });
        }
    }
    let said: HashSet<_> = facts.models.iter().map(name).collect();
    let providers: HashSet<&str> = facts.models.iter().map(|m| m.provider.as_str()).collect();
    for model in known {
        if providers.contains(model.provider.as_str()) && !said.contains(&name(model)) {
            changes.push(Change {
                kind: Kind::Vanished,
                model: model.clone(),
                fields: Vec::new(),
            });
        }
    }
    changes.sort_by(|a, b| {
        let place = |change: &Change| (name(&change.model), change.kind);
        place(a).cmp(&place(b))
    });
    changes
}

/// The new facts; what they cannot or do not say stays.
fn merged(old: &CatalogueModel, new: &CatalogueModel, format: Format) -> CatalogueModel {
    let mut model = new.clone();
    model.context = model.context.or(old.context);
    model.max_output = model.max_output.or(old.max_output);
    if format == Format::ModelsDev {
        model.unmetered = old.unmetered.clone();
        model.mode = old.mode;
        let unsaid = old.abilities.iter().filter(|it| UNSAID.contains(it));
        model.abilities.extend(unsaid);
        if let (Some(price), Some(known)) = (&mut model.price, &old.price) {
            price.cache_write_1h = price.cache_write_1h.or(known.cache_write_1h);
            price.per_request = known.per_request;
        }
        model.abilities.sort_unstable();
        model.abilities.dedup();
    }
    model.price = model.price.or_else(|| old.price.clone());
    model
}

fn fields(old: Option<&CatalogueModel>, new: &CatalogueModel) -> Vec<Field> {
    let old = old.map(members).unwrap_or_default();
    let new = members(new);
    let names: BTreeMap<usize, &String> = old
        .iter()
        .chain(&new)
        .map(|(name, (place, _))| (*place, name))
        .collect();
    let value = |of: &Members, name: &String| of.get(name).map(|(_, value)| value.clone());
    names
        .into_values()
        .map(|name| Field {
            name: name.clone(),
            old: value(&old, name),
            new: value(&new, name),
        })
        .filter(|field| field.old != field.new)
        .collect()
}

/// Values by name, each with its place in a line.
type Members = BTreeMap<String, (usize, String)>;

/// The members of a line, each as text.
fn members(model: &CatalogueModel) -> Members {
    let line = serde_json::to_value(Line::of(model)).unwrap_or_default();
    let Value::Object(line) = line else {
        return Members::new();
    };
    let said = line
        .into_iter()
        .filter(|(name, _)| !NAMES.contains(&name.as_str()));
    said.map(|(name, value)| {
        let place = PLACES.iter().position(|it| *it == name);
        (name, (place.unwrap_or(PLACES.len()), shown(&value)))
    })
    .collect()
}

/// The order in which people read a model.
const PLACES: &[&str] = &[
    "mode",
    "context",
    "max_output",
    "input",
    "cached",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
    "per_request",
    "tiers",
    "image_input",
    "image_output",
    "per_image",
    "per_image_output",
    "batch_input",
    "batch_output",
    "can",
];

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            items.join(", ")
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name} {}", shown(value)))
                .collect();
            members.join(" ")
        }
        other => other.to_string(),
    }
}
