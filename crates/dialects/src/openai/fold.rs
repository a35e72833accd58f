//! Folding chunks: the pieces of one value, put together.
//!
//! Strings stay in their escaped form while they are joined, so that half a
//! surrogate pair in each of two chunks becomes a whole one.

use crate::json::{Document, Kind, Node};

/// A value that grows.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A number, `true`, `false` or `null`, as it was spelt.
    Plain(Vec<u8>),
    /// A string in its escaped form, without quotes.
    Text(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(Vec<u8>, Value)>),
}

/// These members are said again, not continued.
const SAID_AGAIN: &[&[u8]] = &[
    b"id",
    b"type",
    b"role",
    b"index",
    b"finish_reason",
    b"model",
];

impl Value {
    pub(super) fn null() -> Self {
        Self::Plain(b"null".to_vec())
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    pub(super) fn number(number: usize) -> Self {
        Self::Plain(number.to_string().into_bytes())
    }

    /// Copies a value; documents here are at most as deep as a chunk may be.
    pub(super) fn read(doc: &Document, node: Node<'_>) -> Self {
        match node.kind() {
            Kind::String => Self::Text(node.inner_span().of(doc.bytes()).to_vec()),
            Kind::Array => Self::List(node.items().map(|item| Self::read(doc, item)).collect()),
            Kind::Object => Self::Map(
                node.entries()
                    .map(|(_, span, value)| {
                        let key = span.of(doc.bytes());
                        (key[1..key.len() - 1].to_vec(), Self::read(doc, value))
                    })
                    .collect(),
            ),
            Kind::Null | Kind::Bool | Kind::Number => Self::Plain(node.raw().to_vec()),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Plain(raw) if raw == b"null")
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(members) => members
                .iter()
                .find(|(name, _)| name == key.as_bytes())
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        match self {
            Self::Map(members) => {
                let at = members
                    .iter()
                    .position(|(name, _)| name == key.as_bytes())?;
                Some(members.remove(at).1)
            }
            _ => None,
        }
    }

    pub(super) fn put(&mut self, key: &str, value: Value) {
        if let Self::Map(members) = self {
            match members.iter_mut().find(|(name, _)| name == key.as_bytes()) {
                Some(member) => member.1 = value,
                None => members.push((key.as_bytes().to_vec(), value)),
            }
        }
    }

    /// Its place among its kin, where it has one.
    pub(super) fn index(&self) -> Option<usize> {
        match self.get("index")? {
            Self::Plain(raw) => std::str::from_utf8(raw).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// Continues this value with the next chunk's: strings are joined, lists
    /// are joined (by `index` where the items have one), maps member by
    /// member; anything else is replaced, but never by `null`.
    pub(super) fn continue_with(&mut self, next: Value) {
        match (self, next) {
            (_, next) if next.is_null() => {}
            (Self::Text(text), Self::Text(more)) => text.extend(more),
            (Self::List(items), Self::List(more)) => {
                for item in more {
                    let place = item.index();
                    let same = |old: &&mut Value| place.is_some() && old.index() == place;
                    match items.iter_mut().find(same) {
                        Some(old) => old.continue_with(item),
                        None => items.push(item),
                    }
                }
            }
            (Self::Map(members), Self::Map(more)) => {
                for (key, value) in more {
                    match members.iter_mut().find(|(name, _)| *name == key) {
                        Some((name, old)) if SAID_AGAIN.contains(&&name[..]) => {
                            if !value.is_null() {
                                *old = value;
                            }
                        }
                        Some((_, old)) => old.continue_with(value),
                        None => members.push((key, value)),
                    }
                }
            }
            (old, next) => *old = next,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(raw) => out.extend_from_slice(raw),
            Self::Text(text) => {
                out.push(b'"');
                out.extend_from_slice(text);
                out.push(b'"');
            }
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Map(members) => {
                out.push(b'{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.push(b'"');
                    out.extend_from_slice(key);
                    out.extend_from_slice(b"\":");
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}
