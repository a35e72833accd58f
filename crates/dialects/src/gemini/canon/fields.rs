//! The members of an object, in `camelCase` or in `snake_case`: Google takes
//! both, as all JSON of protocol buffers.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use domain::canon::Json;
use domain::refusal::{Reason, Refusal};

use super::raw;
use crate::json::{Kind, Node};
use crate::translate::values;

/// Members of an object of a request; each is taken once.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    path: String,
    members: Vec<(Cow<'a, str>, Node<'a>)>,
}

impl<'a> Fields<'a> {
    /// The members of `node`, which stands at `path`.
    ///
    /// # Errors
    /// It is no object, or a member stands twice, once in each spelling.
    pub(super) fn of(node: Node<'a>, path: impl Into<String>) -> Result<Self, Refusal> {
        let path = path.into();
        if node.kind() != Kind::Object {
            return Err(wrong(&path, "an object"));
        }
        let mut fields = Self {
            path,
            members: Vec::new(),
        };
        for (key, _, value) in node.entries() {
            let key = camel(key);
            if fields.members.iter().any(|(known, _)| *known == key) {
                let path = fields.at(&key);
                let message = format!("The field `{path}` stands twice. Send it once.");
                return Err(Refusal::new(Reason::DuplicateKey, message).at(path));
            }
            fields.members.push((key, value));
        }
        Ok(fields)
    }

    /// Where a member stands.
    pub(super) fn at(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// Takes a member; `null` is none.
    pub(super) fn take(&mut self, key: &str) -> Option<Node<'a>> {
        let at = self.members.iter().position(|(name, _)| name == key)?;
        let (_, value) = self.members.remove(at);
        (!value.is_null()).then_some(value)
    }

    /// Takes a string.
    pub(super) fn string(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        let value = self.take(key);
        value.map_or(Ok(None), |node| match node.str() {
            Some(text) => Ok(Some(text.into_owned())),
            None => Err(wrong(&self.at(key), "a string")),
        })
    }

    /// Takes a whole number; protocol buffers may write it as a string.
    pub(super) fn whole(&mut self, key: &str) -> Result<Option<u64>, Refusal> {
        let value = self.take(key);
        value.map_or(Ok(None), |node| match whole(node) {
            Some(number) => Ok(Some(number)),
            None => Err(wrong(&self.at(key), "a whole number, not negative")),
        })
    }

    /// Takes a number in a range, as it was written.
    pub(super) fn within(
        &mut self,
        key: &str,
        range: &RangeInclusive<f64>,
    ) -> Result<Option<Json>, Refusal> {
        let Some(node) = self.take(key) else {
            return Ok(None);
        };
        match values::outside(node, range) {
            None => Ok(Some(raw(node))),
            Some(expected) => Err(wrong(&self.at(key), &expected)),
        }
    }

    /// Takes a number as it was written.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<Json>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(node) if node.kind() == Kind::Number => Ok(Some(raw(node))),
            Some(_) => Err(wrong(&self.at(key), "a number")),
        }
    }

    /// Takes `true` or `false`.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, Refusal> {
        let value = self.take(key);
        value.map_or(Ok(None), |node| match node.bool() {
            Some(flag) => Ok(Some(flag)),
            None => Err(wrong(&self.at(key), "true or false")),
        })
    }

    /// Takes the items of an array.
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<Node<'a>>, Refusal> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(node) if node.kind() == Kind::Array => Ok(node.items().collect()),
            // Google's own examples have one part without the brackets.
            Some(node) if node.kind() == Kind::Object && key == "parts" => Ok(vec![node]),
            Some(_) => Err(wrong(&self.at(key), "an array")),
        }
    }

    /// Takes an object's members.
    pub(super) fn object(&mut self, key: &str) -> Result<Option<Self>, Refusal> {
        let path = self.at(key);
        self.take(key).map(|node| Self::of(node, path)).transpose()
    }

    /// What was not taken, in its order.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, Node<'a>)> {
        let members = self.members.into_iter();
        let there = members.filter(|(_, value)| !value.is_null());
        there.map(|(key, value)| (key.into_owned(), value))
    }
}

/// The member of an answer's object, in either spelling; `null` is none.
pub(crate) fn member<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    let found = node.get(key).or_else(|| node.get(&snake(key)));
    found.filter(|value| !value.is_null())
}

/// A member that is a string.
pub(super) fn string(node: Node<'_>, key: &str) -> Option<String> {
    Some(member(node, key)?.str()?.into_owned())
}

/// A whole number, or a string of one.
pub(super) fn whole(node: Node<'_>) -> Option<u64> {
    match node.kind() {
        Kind::String => node.str()?.parse().ok(),
        _ => node.u64(),
    }
}

/// `systemInstruction`, from either spelling.
pub(crate) fn camel(key: Cow<'_, str>) -> Cow<'_, str> {
    if !key.contains('_') {
        return key;
    }
    let mut out = String::with_capacity(key.len());
    let mut is_next_large = false;
    for letter in key.chars() {
        match letter {
            '_' => is_next_large = !out.is_empty(),
            letter if is_next_large => {
                out.push(letter.to_ascii_uppercase());
                is_next_large = false;
            }
            letter => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// `system_instruction`, from the other spelling.
pub(crate) fn snake(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// A field that has a wrong type or value.
pub(super) fn wrong(path: &str, expected: &str) -> Refusal {
    if path.is_empty() {
        let message = format!("The body must be {expected}.");
        return Refusal::new(Reason::BadJson, message);
    }
    let message = format!("The field `{path}` has a wrong value: expected {expected}.");
    Refusal::new(Reason::BadField, message).at(path)
}

/// A field that is missing.
pub(super) fn missing(path: &str, what: &str) -> Refusal {
    let message = format!("The field `{path}` is missing: {what}.");
    Refusal::new(Reason::MissingField, message).at(path)
}
