//! JSON Schemas, in the part of the language that Anthropic takes.
//!
//! A tool's schema may say nearly everything, but must be one of an object. A
//! schema for the answer, or of a strict tool, is compiled into a grammar:
//! objects are closed, and bounds of numbers and texts are not known. What the
//! grammar cannot hold is told in the description instead, as Anthropic's own
//! SDKs do.

use bytes::Bytes;

use super::DEPTH;
use super::fields::{raw, word};
use crate::json::{Document, Kind, Node, Object};

/// Keywords that become words.
const TOLD: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "contains",
    "propertyNames",
    "patternProperties",
    "dependentSchemas",
    "dependentRequired",
    "unevaluatedProperties",
    "unevaluatedItems",
    "not",
    "if",
    "then",
    "else",
    "prefixItems",
];

/// Formats of strings that the grammar knows.
const FORMATS: &[&str] = &[
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// A schema that the grammar takes.
#[derive(Debug)]
pub(crate) struct Adapted {
    /// The schema.
    pub(crate) schema: String,
    /// Whether some of it is now told in words, or an object was closed.
    pub(crate) is_changed: bool,
}

/// Brings a schema into the grammar's part of the language; none if it allows
/// objects of members that it does not name.
pub(crate) fn adapt(schema: &str) -> Option<Adapted> {
    let document = parse(schema)?;
    let root = document.root();
    if !is_object(root) && !word(root, "type").is_empty() {
        return None;
    }
    let mut is_changed = false;
    let out = subschema(root, &mut is_changed)?;
    Some(Adapted {
        schema: out,
        is_changed,
    })
}

fn parse(schema: &str) -> Option<Document> {
    let document = Document::parse(Bytes::copy_from_slice(schema.as_bytes()), DEPTH).ok()?;
    (document.root().kind() == Kind::Object).then_some(document)
}

/// Whether it describes objects.
fn is_object(node: Node<'_>) -> bool {
    let Some(kind) = node.get("type") else {
        return node.get("properties").is_some();
    };
    let is_word = |node: Node<'_>| node.str().as_deref() == Some("object");
    is_word(kind) || kind.items().any(is_word)
}

fn subschema(node: Node<'_>, is_changed: &mut bool) -> Option<String> {
    if node.kind() != Kind::Object {
        return Some(raw(node));
    }
    let is_object = is_object(node);
    let others = node.get("additionalProperties");
    let is_closed = others.and_then(Node::bool) == Some(false);
    if is_object && !is_closed {
        // A map, or any object at all: closing it would empty it.
        let is_map = others.is_some_and(|others| others.kind() == Kind::Object);
        let has_names = node
            .get("properties")
            .is_some_and(|names| names.entries().next().is_some());
        if is_map || !has_names {
            return None;
        }
        *is_changed = true;
    }
    let mut members: Vec<(String, String)> = Vec::new();
    let mut told = Vec::new();
    let mut description = None;
    for (key, _, value) in node.entries() {
        match &*key {
            "additionalProperties" => {}
            // A schema within itself is no grammar of theirs.
            "$ref" if value.str().as_deref() == Some("#") => return None,
            "description" => description = value.str().map(std::borrow::Cow::into_owned),
            "properties" | "$defs" | "definitions" => {
                members.push((key.into_owned(), each(value, is_changed)?));
            }
            "anyOf" | "allOf" => members.push((key.into_owned(), list(value, is_changed)?)),
            "oneOf" => {
                *is_changed = true;
                members.push(("anyOf".to_owned(), list(value, is_changed)?));
            }
            "items" => members.push((key.into_owned(), subschema(value, is_changed)?)),
            _ if is_told(&key, value) => told.push(format!("{key}: {}", raw(value))),
            _ => members.push((key.into_owned(), raw(value))),
        }
    }
    *is_changed |= !told.is_empty();
    let told = (!told.is_empty()).then(|| format!("({})", told.join(", ")));
    let description: Vec<String> = description.into_iter().chain(told).collect();
    let out = crate::json::object(|o| {
        for (key, value) in &members {
            o.raw(key, value);
        }
        if !description.is_empty() {
            o.string("description", &description.join(" "));
        }
        if is_object {
            o.bool("additionalProperties", false);
        }
    });
    String::from_utf8(out).ok()
}

fn is_told(key: &str, value: Node<'_>) -> bool {
    match key {
        "minItems" => value.u64().is_none_or(|least| least > 1),
        "format" => {
            let format = value.str().unwrap_or_default();
            !FORMATS.contains(&&*format)
        }
        _ => TOLD.contains(&key),
    }
}

fn each(node: Node<'_>, is_changed: &mut bool) -> Option<String> {
    let mut members = Vec::new();
    for (key, _, value) in node.entries() {
        members.push((key, subschema(value, is_changed)?));
    }
    let write = |o: &mut Object<'_>| {
        for (key, value) in &members {
            o.raw(key, value);
        }
    };
    String::from_utf8(crate::json::object(write)).ok()
}

fn list(node: Node<'_>, is_changed: &mut bool) -> Option<String> {
    let items: Option<Vec<String>> = node
        .items()
        .map(|item| subschema(item, is_changed))
        .collect();
    Some(format!("[{}]", items?.join(",")))
}

/// A schema for a tool's input, and whether it lost something: the outermost
/// must be an object, and may not be one of several.
pub(crate) fn of_input(schema: Option<&str>) -> (String, bool) {
    const NOTHING: &str = r#"{"type":"object","properties":{}}"#;
    let Some(document) = schema.and_then(parse) else {
        return (NOTHING.to_owned(), false);
    };
    let root = document.root();
    let is_several = |key: &str| matches!(key, "oneOf" | "anyOf" | "allOf");
    let is_bare = root.entries().all(|(key, _, _)| !is_several(&key));
    if is_bare && word(root, "type") == "object" {
        return (raw(root), false);
    }
    let out = crate::json::object(|o| {
        o.string("type", "object");
        for (key, _, value) in root.entries() {
            if key != "type" && !is_several(&key) {
                o.raw(&key, &raw(value));
            }
        }
    });
    let said = word(root, "type");
    let is_loss = !is_bare || !(said.is_empty() || said == "object");
    (String::from_utf8_lossy(&out).into_owned(), is_loss)
}

#[cfg(test)]
mod tests {
    use super::{adapt, of_input};

    #[test]
    fn a_closed_schema_stays_as_it_is() {
        let schema = r#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}"#;
        let adapted = adapt(schema).expect("a schema");
        assert!(!adapted.is_changed);
        assert_eq!(adapted.schema, schema);
    }

    #[test]
    fn bounds_become_words_and_objects_are_closed() {
        let schema = r#"{"type":"object","properties":{"a":{"type":"integer","minimum":1.50,"description":"A."}}}"#;
        let adapted = adapt(schema).expect("a schema");
        assert!(adapted.is_changed);
        assert_eq!(
            adapted.schema,
            r#"{"type":"object","properties":{"a":{"type":"integer","description":"A. (minimum: 1.50)"}},"additionalProperties":false}"#
        );
    }

    #[test]
    fn maps_and_any_objects_are_not_for_the_grammar() {
        assert!(adapt(r#"{"type":"object"}"#).is_none());
        let map = r#"{"type":"object","additionalProperties":{"type":"string"}}"#;
        assert!(adapt(map).is_none());
        assert!(adapt(r#"{"type":"array","items":{"type":"string"}}"#).is_none());
    }

    #[test]
    fn a_tool_takes_an_object() {
        assert_eq!(of_input(None).0, r#"{"type":"object","properties":{}}"#);
        assert_eq!(
            of_input(Some(r#"{"properties":{}}"#)).0,
            r#"{"type":"object","properties":{}}"#
        );
        let (schema, is_loss) = of_input(Some(r#"{"anyOf":[{"type":"object"}]}"#));
        assert_eq!((schema.as_str(), is_loss), (r#"{"type":"object"}"#, true));
    }
}
