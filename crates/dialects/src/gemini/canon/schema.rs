//! Google's older schemas (an `OpenAPI` subset), as JSON Schema.
//!
//! Types are in capitals there, `nullable` is a member, and lengths may be
//! strings.

use domain::canon::Json;

use super::fields::{camel, whole};
use super::raw;
use crate::json::{Array, Kind, Node, Object, object};

/// The same as JSON Schema.
pub(super) fn to_json_schema(node: Node<'_>) -> Json {
    if node.kind() != Kind::Object {
        return raw(node);
    }
    let text = object(|out| schema(node, out));
    Json::trusted(super::text_of(text))
}

fn schema(node: Node<'_>, out: &mut Object<'_>) {
    for (key, _, value) in node.entries() {
        let key = camel(key);
        match (&*key, value.kind()) {
            ("type", Kind::String) => {
                put_type(out, value, node);
            }
            ("enum", Kind::Array) => {
                out.array("enum", |list| {
                    value.items().for_each(|item| put(list, item));
                    if is_nullable(node) {
                        list.raw("null");
                    }
                });
            }
            ("nullable" | "propertyOrdering", _) | (_, Kind::Null) => {}
            ("format", Kind::String) if value.str().as_deref() == Some("enum") => {}
            ("properties", Kind::Object) => put_map(out, "properties", value),
            ("defs" | "$defs", Kind::Object) => put_map(out, "$defs", value),
            ("ref" | "$ref", _) => {
                out.raw("$ref", raw(value).as_str());
            }
            ("items" | "additionalProperties", Kind::Object) => {
                out.object(&key, |out| schema(value, out));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Kind::Array) => {
                out.array(&key, |list| {
                    for item in value.items() {
                        list.object(|out| schema(item, out));
                    }
                });
            }
            ("example", _) => {
                out.array("examples", |list| put(list, value));
            }
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
                | "maxProperties",
                Kind::String,
            ) => {
                if let Some(number) = whole(value) {
                    out.number(&key, number);
                }
            }
            _ => {
                out.raw(&key, raw(value).as_str());
            }
        }
    }
}

fn is_nullable(schema: Node<'_>) -> bool {
    schema.get("nullable").and_then(Node::bool) == Some(true)
}

/// The type of `schema`, in small letters.
fn put_type(out: &mut Object<'_>, name: Node<'_>, schema: Node<'_>) {
    let name = name.str().unwrap_or_default().to_ascii_lowercase();
    match name.as_str() {
        "type_unspecified" => {}
        name if is_nullable(schema) => {
            out.array("type", |list| {
                list.string(name).string("null");
            });
        }
        name => {
            out.string("type", name);
        }
    }
}

fn put_map(out: &mut Object<'_>, key: &str, map: Node<'_>) {
    out.object(key, |out| {
        for (name, _, value) in map.entries() {
            match value.kind() {
                Kind::Object => out.object(&name, |out| schema(value, out)),
                _ => out.raw(&name, raw(value).as_str()),
            };
        }
    });
}

fn put(list: &mut Array<'_>, item: Node<'_>) {
    list.raw(raw(item).as_str());
}
