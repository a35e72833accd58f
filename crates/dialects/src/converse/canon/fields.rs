//! Members of what Bedrock sends, and JSON on its way out.

use domain::canon::{Dialect, Json, Unknown};

use crate::json::{Document, Kind, Node};

/// Written JSON as a text.
pub(super) fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

/// The text of a value as it stands.
pub(super) fn raw(node: Node<'_>) -> String {
    String::from_utf8_lossy(node.raw()).into_owned()
}

/// A string member; empty where it is missing.
pub(super) fn word(node: Node<'_>, key: &str) -> String {
    let value = node.get(key).and_then(Node::str);
    value.map_or_else(String::new, std::borrow::Cow::into_owned)
}

/// A member that is an object.
pub(super) fn object<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| value.kind() == Kind::Object)
}

/// A member or block that only Bedrock's readers understand.
pub(super) fn unknown(name: &str, raw: String) -> Unknown {
    Unknown::new(Dialect::Converse, name, Json::trusted(raw))
}

/// A text read as JSON.
pub(super) fn parse(text: &str) -> Option<Document> {
    let bytes = bytes::Bytes::copy_from_slice(text.as_bytes());
    Document::parse(bytes, super::DEPTH).ok()
}
