//! Leaves put into a JSON object; everything else keeps its place.

use anyhow::{anyhow, bail};
use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

/// The text with the leaves of `wanted` in it.
///
/// # Errors
/// It is no JSON object, or a leaf stands where an object must be.
pub(super) fn merged(old: &str, wanted: &Value) -> anyhow::Result<String> {
    let mut root = match old.trim() {
        "" => Value::Object(Map::new()),
        text => serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            anyhow!("this is no plain JSON (line {line}, column {column}); comments are not kept")
        })?,
    };
    let before = root.clone();
    merge(&mut root, wanted, "")?;
    if root == before && !old.is_empty() {
        return Ok(old.to_owned());
    }
    let mut bytes = Vec::new();
    let indent = indent(old);
    let format = PrettyFormatter::with_indent(indent.as_bytes());
    root.serialize(&mut Serializer::with_formatter(&mut bytes, format))?;
    bytes.push(b'\n');
    Ok(String::from_utf8(bytes)?)
}

fn merge(into: &mut Value, wanted: &Value, path: &str) -> anyhow::Result<()> {
    let Value::Object(wanted) = wanted else {
        *into = wanted.clone();
        return Ok(());
    };
    let Value::Object(fields) = into else {
        match path {
            "" => bail!("this is no JSON object"),
            _ => bail!("`{path}` is no object"),
        }
    };
    for (name, value) in wanted {
        let path = match path {
            "" => name.clone(),
            _ => format!("{path}.{name}"),
        };
        let field = fields.entry(name.as_str()).or_insert_with(|| match value {
            Value::Object(_) => Value::Object(Map::new()),
            _ => Value::Null,
        });
        merge(field, value, &path)?;
    }
    Ok(())
}

/// How far the file moves its first field in.
fn indent(old: &str) -> String {
    let first = old.lines().find(|line| line.trim_start().starts_with('"'));
    let blank = first.map(|line| &line[..line.len() - line.trim_start().len()]);
    match blank {
        Some(blank) if !blank.is_empty() => blank.to_owned(),
        _ => "  ".to_owned(),
    }
}
