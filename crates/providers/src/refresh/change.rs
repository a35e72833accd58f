//! What a file says otherwise than what is known.

use std::collections::{HashMap, HashSet};

use domain::ability::{Abilities, Ability};
use serde_json::Value;

use super::{Facts, Format};
use crate::catalogue::{CatalogueModel, Line};

/// What became of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was not known.
    New,
    /// Something is otherwise.
    Changed,
    /// Something is otherwise, and what is known stays: an operator wrote it.
    Operators,
    /// Something is otherwise, and what is known stays: it is of a later date.
    Younger,
    /// The file has its provider but not the model: what is known stays.
    Gone,
}

impl Kind {
    /// Whether the change is to be made.
    #[must_use]
    pub fn counts(self) -> bool {
        matches!(self, Self::New | Self::Changed)
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
    /// The model as the file would have it: what it does not say is as it was.
    pub model: CatalogueModel,
    /// What is otherwise, in the order of the catalogue.
    pub fields: Vec<Field>,
}

/// What is no fact of its own.
const NAMES: &[&str] = &["provider", "id", "source", "as_of"];
/// What models.dev has no word for, or leaves out where it is so.
const UNSAID: &[Ability] = &[Ability::ParallelTools, Ability::StructuredOutput];

/// Compares what `facts` say with what is `known`, provider by provider in
/// the order of the alphabet.
#[must_use]
pub fn changes(known: &[CatalogueModel], facts: &Facts, format: Format) -> Vec<Change> {
    let by_place: HashMap<_, _> = known.iter().map(|model| (model.place(), model)).collect();
    let compared = facts.models.iter().filter_map(|model| {
        let old = by_place.get(&model.place()).copied();
        compare(old, model, format)
    });
    let mut changes: Vec<Change> = compared.collect();
    let said: HashSet<_> = facts.models.iter().map(CatalogueModel::place).collect();
    let providers: HashSet<&str> = facts.models.iter().map(|m| m.provider.as_str()).collect();
    let gone = known.iter().filter(|model| {
        providers.contains(model.provider.as_str()) && !said.contains(&model.place())
    });
    changes.extend(gone.map(|model| Change {
        kind: Kind::Gone,
        model: model.clone(),
        fields: Vec::new(),
    }));
    changes.sort_by(|a, b| a.model.place().cmp(&b.model.place()));
    changes
}

fn compare(old: Option<&CatalogueModel>, new: &CatalogueModel, format: Format) -> Option<Change> {
    let Some(old) = old else {
        return Some(Change {
            kind: Kind::New,
            model: new.clone(),
            fields: fields(None, new),
        });
    };
    let model = merged(old, new, format);
    let fields = fields(Some(old), &model);
    let kind = match () {
        () if old.is_operators() => Kind::Operators,
        () if old.as_of > new.as_of => Kind::Younger,
        () => Kind::Changed,
    };
    (!fields.is_empty()).then_some(Change {
        kind,
        model,
        fields,
    })
}

/// The new facts; what they cannot or do not say stays.
fn merged(old: &CatalogueModel, new: &CatalogueModel, format: Format) -> CatalogueModel {
    let mut model = new.clone();
    model.context = model.context.or(old.context);
    model.max_output = model.max_output.or(old.max_output);
    model.abilities = model.abilities.or(old.abilities);
    if format == Format::ModelsDev {
        model.unmetered = old.unmetered.clone();
        model.mode = old.mode;
        let known = old.abilities.unwrap_or_default();
        let unsaid: Abilities = UNSAID.iter().copied().filter(|it| known.has(*it)).collect();
        let said = model.abilities.unwrap_or_default();
        model.abilities = Some(said.iter().chain(unsaid.iter()).collect());
        if let (Some(price), Some(known)) = (&mut model.price, &old.price) {
            price.cache_write_1h = price.cache_write_1h.or(known.cache_write_1h);
            price.per_request = known.per_request;
        }
    }
    model.price = model.price.or_else(|| old.price.clone());
    model
}

fn fields(old: Option<&CatalogueModel>, new: &CatalogueModel) -> Vec<Field> {
    let mut fields: Vec<Field> = facts(new)
        .into_iter()
        .map(|(name, new)| Field {
            name,
            old: None,
            new: Some(new),
        })
        .collect();
    for (name, value) in old.map(facts).unwrap_or_default() {
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.old = Some(value),
            None => fields.push(Field {
                name,
                old: Some(value),
                new: None,
            }),
        }
    }
    fields.retain(|field| field.old != field.new);
    fields.sort_by_key(|field| PLACES.iter().position(|place| *place == field.name));
    fields
}

/// The order in which people read a model: as in a line, and what it is and
/// how long before what it costs.
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

/// What is known of a model, each fact with its name in the catalogue; not
/// whose it is, nor where that comes from.
#[must_use]
pub fn facts(model: &CatalogueModel) -> Vec<(String, String)> {
    let line = serde_json::to_value(Line::of(model)).unwrap_or_default();
    let Value::Object(line) = line else {
        return Vec::new();
    };
    let facts = line.into_iter().map(|(name, value)| {
        let shown = shown(&value);
        (name, shown)
    });
    facts
        .filter(|(name, _)| !NAMES.contains(&name.as_str()))
        .collect()
}

/// A value on one line: `above 200000 input 6; above 400000 input 9`.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let has_objects = items.iter().any(Value::is_object);
            let items: Vec<String> = items.iter().map(shown).collect();
            match items.is_empty() {
                true => "nothing".to_owned(),
                false => items.join(if has_objects { "; " } else { ", " }),
            }
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
