//! Members of a client's request: there, of the right type, or refused.

use std::ops::RangeInclusive;

use domain::canon::{Dialect, Json, Unknown};
use domain::refusal::{Reason, Refusal};

use crate::json::{Kind, Node};
use crate::translate::values;

/// A member that is there and not null.
pub(super) fn member<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| !value.is_null())
}

/// A value as it is.
pub(super) fn json(node: Node<'_>) -> Json {
    Json::trusted(String::from_utf8_lossy(node.raw()))
}

/// A member or a block that the canonical form does not know.
pub(super) fn unknown(name: impl Into<String>, node: Node<'_>) -> Unknown {
    Unknown::new(Dialect::Responses, name, json(node))
}

/// A string member of what a provider sends: anything else is as if it were
/// not there.
pub(super) fn loose(node: Node<'_>, key: &str) -> Option<String> {
    node.get(key)?.str().map(std::borrow::Cow::into_owned)
}

/// The `type` of an object; empty where it has none.
pub(super) fn type_of(node: Node<'_>) -> String {
    loose(node, "type").unwrap_or_default()
}

pub(super) fn wrong(path: &str, expected: &str) -> Refusal {
    let message = format!("The field `{path}` has a wrong value: expected {expected}.");
    Refusal::new(Reason::BadField, message).at(path)
}

pub(super) fn missing(path: &str, what: &str) -> Refusal {
    let message = format!("The field `{path}` is missing: {what}.");
    Refusal::new(Reason::MissingField, message).at(path)
}

pub(super) fn text(node: Node<'_>, path: &str) -> Result<String, Refusal> {
    let text = node.str().ok_or_else(|| wrong(path, "a string"))?;
    Ok(text.into_owned())
}

pub(super) fn flag(node: Node<'_>, path: &str) -> Result<bool, Refusal> {
    node.bool().ok_or_else(|| wrong(path, "true or false"))
}

pub(super) fn whole(node: Node<'_>, path: &str) -> Result<u64, Refusal> {
    let expected = "a whole number, not negative";
    node.u64().ok_or_else(|| wrong(path, expected))
}

/// A whole number, at least 1.
pub(super) fn positive(node: Node<'_>, path: &str) -> Result<u64, Refusal> {
    let number = node.u64().filter(|number| *number > 0);
    number.ok_or_else(|| wrong(path, "a whole number, at least 1"))
}

/// A number in a range, as it is written.
pub(super) fn within(
    node: Node<'_>,
    path: &str,
    range: &RangeInclusive<f64>,
) -> Result<Json, Refusal> {
    match values::outside(node, range) {
        None => Ok(json(node)),
        Some(expected) => Err(wrong(path, &expected)),
    }
}

pub(super) fn object<'a>(node: Node<'a>, path: &str) -> Result<Node<'a>, Refusal> {
    of_kind(node, Kind::Object, path, "an object")
}

pub(super) fn array<'a>(node: Node<'a>, path: &str) -> Result<Node<'a>, Refusal> {
    of_kind(node, Kind::Array, path, "an array")
}

fn of_kind<'a>(
    node: Node<'a>,
    kind: Kind,
    path: &str,
    expected: &str,
) -> Result<Node<'a>, Refusal> {
    let is_right = node.kind() == kind;
    is_right
        .then_some(node)
        .ok_or_else(|| wrong(path, expected))
}

/// A string member of the object at `path`, if it is there.
pub(super) fn optional(node: Node<'_>, key: &str, path: &str) -> Result<Option<String>, Refusal> {
    let value = member(node, key);
    value
        .map(|value| text(value, &format!("{path}.{key}")))
        .transpose()
}

/// A string member of the object at `path`.
pub(super) fn required(node: Node<'_>, key: &str, path: &str) -> Result<String, Refusal> {
    let value = optional(node, key, path)?;
    value.ok_or_else(|| missing(&format!("{path}.{key}"), "send a string"))
}
