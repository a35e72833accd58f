//! Members of a request: read, or refused with the path to them.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use domain::canon::{Dialect, Json, Unknown};
use domain::refusal::{Reason, Refusal};

use super::super::request;
use crate::json::{Items, Kind, Node};
use crate::translate::values;

/// Where a value stands. It becomes text only when something is wrong there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    /// The request itself.
    Root,
    /// A member.
    Key(&'a Path<'a>, &'a str),
    /// An item.
    At(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// A member of what stands here.
    pub(super) const fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    /// An item of what stands here.
    pub(super) const fn at(&'a self, at: usize) -> Self {
        Self::At(self, at)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Path::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
            Self::At(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}

/// The value is not what was expected.
pub(super) fn wrong(path: Path<'_>, expected: &str) -> Refusal {
    request::wrong(&path.to_string(), expected)
}

/// The value is not there.
pub(super) fn missing(path: Path<'_>, what: &str) -> Refusal {
    let message = format!("The field `{path}` is missing: {what}.");
    Refusal::new(Reason::MissingField, message).at(path.to_string())
}

/// The member, if it is there and not null.
pub(super) fn member<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| !value.is_null())
}

/// A string.
pub(super) fn string<'a>(node: Node<'a>, path: Path<'_>) -> Result<Cow<'a, str>, Refusal> {
    node.str().ok_or_else(|| wrong(path, "a string"))
}

/// A member that must be there, and a string.
pub(super) fn needed<'a>(
    node: Node<'a>,
    path: &Path<'_>,
    key: &str,
    what: &str,
) -> Result<Cow<'a, str>, Refusal> {
    let value = member(node, key).ok_or_else(|| missing(path.key(key), what))?;
    string(value, path.key(key))
}

/// The items of an array.
pub(super) fn items<'a>(node: Node<'a>, path: Path<'_>) -> Result<Items<'a>, Refusal> {
    match node.kind() {
        Kind::Array => Ok(node.items()),
        _ => Err(wrong(path, "an array")),
    }
}

/// An object, as it is.
pub(super) fn object<'a>(node: Node<'a>, path: Path<'_>) -> Result<Node<'a>, Refusal> {
    match node.kind() {
        Kind::Object => Ok(node),
        _ => Err(wrong(path, "an object")),
    }
}

/// `true` or `false`.
pub(super) fn flag(node: Node<'_>, path: Path<'_>) -> Result<bool, Refusal> {
    node.bool().ok_or_else(|| wrong(path, "true or false"))
}

/// A whole number, not negative.
pub(super) fn count(node: Node<'_>, path: Path<'_>) -> Result<u64, Refusal> {
    node.u64()
        .ok_or_else(|| wrong(path, "a whole number, not negative"))
}

/// A whole number, at least 1.
pub(super) fn positive(node: Node<'_>, path: Path<'_>) -> Result<u64, Refusal> {
    let number = node.u64().filter(|number| *number > 0);
    number.ok_or_else(|| wrong(path, "a whole number, at least 1"))
}

/// A number in a range, as it is written.
pub(super) fn within(
    node: Node<'_>,
    path: Path<'_>,
    range: &RangeInclusive<f64>,
) -> Result<Json, Refusal> {
    match values::outside(node, range) {
        None => Ok(json(node)),
        Some(expected) => Err(wrong(path, &expected)),
    }
}

/// A small whole number, not negative.
pub(super) fn small(node: Node<'_>, path: Path<'_>) -> Result<u32, Refusal> {
    u32::try_from(count(node, path)?).map_err(|_| wrong(path, "a smaller number"))
}

/// A number, as it is written.
pub(super) fn number(node: Node<'_>, path: Path<'_>) -> Result<Json, Refusal> {
    match node.kind() {
        Kind::Number => Ok(json(node)),
        _ => Err(wrong(path, "a number")),
    }
}

/// A value's own text.
pub(super) fn json(node: Node<'_>) -> Json {
    Json::trusted(String::from_utf8_lossy(node.raw()))
}

/// A member or block that only this dialect knows.
pub(super) fn unknown(name: &str, node: Node<'_>) -> Unknown {
    Unknown::new(Dialect::OpenAi, name, json(node))
}

/// A string that is there and not empty; anything else is as if it were not.
pub(super) fn text<'a>(node: Node<'a>, key: &str) -> Option<Cow<'a, str>> {
    let text = node.get(key)?.str()?;
    (!text.is_empty()).then_some(text)
}
