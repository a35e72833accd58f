//! Members of a client's request, and what to say where they are wrong.

use domain::canon::{CacheMark, Dialect, Json, Unknown};
use domain::refusal::{Reason, Refusal};

use crate::json::{Kind, Node};
use crate::translate::values;

pub(super) type Read<T> = Result<T, Refusal>;

/// Written JSON as a text.
pub(super) fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

/// The text of a value as it stands.
pub(super) fn raw(node: Node<'_>) -> String {
    String::from_utf8_lossy(node.raw()).into_owned()
}

/// A value that passes through.
pub(super) fn json(node: Node<'_>) -> Json {
    Json::trusted(raw(node))
}

/// A member or block that only Anthropic's readers understand.
pub(super) fn unknown(name: &str, node: Node<'_>) -> Unknown {
    Unknown::new(Dialect::Anthropic, name, json(node))
}

/// A member that is there and not null.
pub(super) fn there<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| !value.is_null())
}

/// A string member of something that a provider sent; empty where it is
/// missing.
pub(super) fn word(node: Node<'_>, key: &str) -> String {
    let value = node.get(key).and_then(Node::str);
    value.map_or_else(String::new, std::borrow::Cow::into_owned)
}

pub(super) fn path(at: &str, key: &str) -> String {
    match at {
        "" => key.to_owned(),
        _ => format!("{at}.{key}"),
    }
}

pub(super) fn wrong(at: &str, expected: &str) -> Refusal {
    let message = format!("The field `{at}` has a wrong value: expected {expected}.");
    Refusal::new(Reason::BadField, message).at(at)
}

pub(super) fn missing(at: &str, what: &str) -> Refusal {
    let message = format!("The field `{at}` is missing: {what}.");
    Refusal::new(Reason::MissingField, message).at(at)
}

/// A string, where it is there.
pub(super) fn string(node: Node<'_>, key: &str, at: &str) -> Read<Option<String>> {
    let Some(value) = there(node, key) else {
        return Ok(None);
    };
    let text = value
        .str()
        .ok_or_else(|| wrong(&path(at, key), "a string"))?;
    Ok(Some(text.into_owned()))
}

/// A string that must be there.
pub(super) fn needed(node: Node<'_>, key: &str, at: &str) -> Read<String> {
    string(node, key, at)?.ok_or_else(|| missing(&path(at, key), "it must be a string"))
}

/// `true` or `false`, where it is there.
pub(super) fn flag(node: Node<'_>, key: &str, at: &str) -> Read<Option<bool>> {
    let Some(value) = there(node, key) else {
        return Ok(None);
    };
    let flag = value
        .bool()
        .ok_or_else(|| wrong(&path(at, key), "true or false"))?;
    Ok(Some(flag))
}

/// A whole number, where it is there.
pub(super) fn whole(node: Node<'_>, key: &str, at: &str) -> Read<Option<u64>> {
    let Some(value) = there(node, key) else {
        return Ok(None);
    };
    let whole = value
        .u64()
        .ok_or_else(|| wrong(&path(at, key), "a whole number, not negative"))?;
    Ok(Some(whole))
}

/// A number from 0 to 1 as it is written, where it is there.
pub(super) fn part(node: Node<'_>, key: &str) -> Read<Option<Json>> {
    let Some(value) = there(node, key) else {
        return Ok(None);
    };
    match values::outside(value, &values::PART) {
        None => Ok(Some(json(value))),
        Some(expected) => Err(wrong(key, &expected)),
    }
}

/// An object or nothing.
pub(super) fn object<'a>(node: Node<'a>, key: &str, at: &str) -> Read<Option<Node<'a>>> {
    match there(node, key) {
        Some(value) if value.kind() == Kind::Object => Ok(Some(value)),
        Some(_) => Err(wrong(&path(at, key), "an object")),
        None => Ok(None),
    }
}

/// An array or nothing.
pub(super) fn array<'a>(node: Node<'a>, key: &str, at: &str) -> Read<Option<Node<'a>>> {
    match there(node, key) {
        Some(value) if value.kind() == Kind::Array => Ok(Some(value)),
        Some(_) => Err(wrong(&path(at, key), "an array")),
        None => Ok(None),
    }
}

/// A block's `cache_control`.
pub(super) fn cache(node: Node<'_>, at: &str) -> Read<Option<CacheMark>> {
    let Some(mark) = object(node, "cache_control", at)? else {
        return Ok(None);
    };
    let ttl = string(mark, "ttl", &path(at, "cache_control"))?;
    Ok(Some(CacheMark { ttl }))
}
