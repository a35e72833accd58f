//! Members of what providers say, which may be anything.

use std::borrow::Cow;

use domain::canon::Json;

use crate::json::Node;

/// The member, if it is there and not null.
pub(crate) fn member<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| !value.is_null())
}

/// A string that is there and not empty; anything else is as if it were not.
pub(crate) fn text<'a>(node: Node<'a>, key: &str) -> Option<Cow<'a, str>> {
    let text = node.get(key)?.str()?;
    (!text.is_empty()).then_some(text)
}

/// A whole number, not negative.
pub(crate) fn whole(node: Node<'_>, key: &str) -> Option<u64> {
    node.get(key)?.u64()
}

/// A value's own text.
pub(crate) fn json(node: Node<'_>) -> Json {
    Json::trusted(String::from_utf8_lossy(node.raw()))
}
