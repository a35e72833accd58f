//! JSON values written as YAML blocks, for files that people go on editing.

use serde_json::{Map, Value};

/// The mapping as YAML, a blank line between its fields.
pub(super) fn document(root: &Map<String, Value>) -> String {
    let mut blocks = Vec::new();
    for (name, value) in root {
        let mut block = String::new();
        field(name, value, 0, &mut block);
        blocks.push(block);
    }
    blocks.join("\n")
}

/// The same without blank lines, for a terminal.
pub(super) fn block(value: &Value) -> String {
    let mut out = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        field(name, value, 0, &mut out);
    }
    out
}

fn field(name: &str, value: &Value, depth: usize, out: &mut String) {
    indent(depth, out);
    out.push_str(&scalar(name));
    out.push(':');
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            for (name, value) in fields {
                field(name, value, depth + 1, out);
            }
        }
        Value::Array(items) if items.iter().any(is_block) => {
            out.push('\n');
            for entry in items {
                item(entry, depth + 1, out);
            }
        }
        flat => {
            out.push(' ');
            out.push_str(&flow(flat));
            out.push('\n');
        }
    }
}

fn is_block(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn item(value: &Value, depth: usize, out: &mut String) {
    let Value::Object(fields) = value else {
        indent(depth, out);
        out.push_str("- ");
        out.push_str(&flow(value));
        out.push('\n');
        return;
    };
    let mut block = String::new();
    for (name, value) in fields {
        field(name, value, depth + 1, &mut block);
    }
    // The first field stands on the line of the dash.
    indent(depth, out);
    out.push_str("- ");
    out.push_str(block.trim_start());
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", scalar(name), flow(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// Text without quotes where YAML reads it back as that text, else quoted as
/// in JSON, which YAML reads too.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_./:@-".contains(&b))
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let value = json!({
            "a": "env:KEY",
            "b": {"x y": "1.5", "n": null, "on": "off", "empty": {}, "list": []},
            "c": [{"name": "*", "deep": [{"k": "- \"q\": #"}]}, {"name": "m\nn"}],
            "d": [[1, 2], ["x"]],
        });
        let Value::Object(root) = &value else {
            unreachable!("an object")
        };
        let text = document(root);
        let back: Value = serde_saphyr::from_str(&text).expect(&text);
        assert_eq!(back, value, "{text}");
    }
}
