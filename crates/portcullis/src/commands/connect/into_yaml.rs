//! Fields and entries put into a YAML file as text, so that comments stay. The
//! result is read back: it must say what the old file said, and ours.

use anyhow::{anyhow, bail};
use serde_json::{Map, Value};

use super::super::yaml;

const BEGIN: &str = "# >>> portcullis";
const END: &str = "# <<< portcullis";

/// The text with these fields.
///
/// # Errors
/// It is no YAML mapping, or a field of that name goes over several lines.
pub(super) fn with_fields(old: &str, fields: &Map<String, Value>) -> anyhow::Result<String> {
    let mut expected = read(old)?;
    let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
    for (name, value) in fields {
        let line = field(name, value);
        let at = lines
            .iter()
            .position(|line| line.starts_with(&format!("{name}:")));
        match at {
            Some(_) if expected.get(name) == Some(value) => {}
            Some(at) => lines[at] = line,
            None => lines.push(line),
        }
        expected.insert(name.clone(), value.clone());
    }
    checked(lines.join("\n") + "\n", &expected)
}

/// The text with this entry first in `models`, between marks of our own.
///
/// # Errors
/// It is no YAML mapping, or `models` is no list of blocks.
pub(super) fn with_model(
    old: &str,
    head: &Map<String, Value>,
    item: &Map<String, Value>,
) -> anyhow::Result<String> {
    let mut lines = without_ours(old)?;
    if lines.iter().all(|line| line.trim().is_empty()) {
        lines = head
            .iter()
            .map(|(name, value)| field(name, value))
            .collect();
    }
    let mut expected = read(&lines.join("\n"))?;
    let mut models = match expected.get("models") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(models)) => models.clone(),
        Some(_) => bail!("`models` is no list"),
    };
    let at = match lines.iter().position(|line| line.starts_with("models:")) {
        Some(at) => at,
        None => {
            lines.push(String::new());
            lines.len() - 1
        }
    };
    if models.is_empty() {
        lines[at] = "models:".to_owned();
    }
    let entries = lines[at + 1..].iter();
    let depth = entries
        .map(|line| line.len() - line.trim_start().len())
        .zip(&lines[at + 1..])
        .find(|(_, line)| line.trim_start().starts_with('-'))
        .filter(|_| !models.is_empty())
        .map_or(2, |(depth, _)| depth);
    lines.splice(at + 1..at + 1, entry(item, depth));
    models.insert(0, Value::Object(item.clone()));
    expected.insert("models".to_owned(), models.into());
    checked(lines.join("\n") + "\n", &expected)
}

/// The entry's lines, moved in.
fn entry(item: &Map<String, Value>, depth: usize) -> Vec<String> {
    let mut list = Map::new();
    list.insert(
        "models".to_owned(),
        vec![Value::Object(item.clone())].into(),
    );
    let text = yaml::document(&list);
    let inside = text.lines().skip(1).map(|line| &line[2..]);
    let blank = " ".repeat(depth);
    [BEGIN]
        .into_iter()
        .chain(inside)
        .chain([END])
        .map(|line| format!("{blank}{line}"))
        .collect()
}

fn field(name: &str, value: &Value) -> String {
    let mut map = Map::new();
    map.insert(name.to_owned(), value.clone());
    yaml::document(&map).trim_end().to_owned()
}

fn without_ours(old: &str) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut is_ours = false;
    for line in old.lines() {
        match line.trim() {
            BEGIN if !is_ours => is_ours = true,
            END if is_ours => is_ours = false,
            BEGIN | END => bail!("the lines `{BEGIN}` and `{END}` do not go in pairs"),
            _ if is_ours => {}
            _ => lines.push(line.to_owned()),
        }
    }
    match is_ours {
        true => bail!("`{BEGIN}` is not followed by `{END}`"),
        false => Ok(lines),
    }
}

/// The mapping that a text is; an empty one is an empty mapping.
fn read(text: &str) -> anyhow::Result<Map<String, Value>> {
    let is_empty = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_empty) {
        return Ok(Map::new());
    }
    // Without the lines around the place: they may hold a key.
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(root)) => Ok(root),
        Ok(_) => bail!("this is no YAML mapping"),
        Err(error) => Err(anyhow!("this is no YAML: {}", error.without_snippet())),
    }
}

fn checked(new: String, expected: &Map<String, Value>) -> anyhow::Result<String> {
    match read(&new) {
        Ok(root) if root == *expected => Ok(new),
        _ => bail!("it is written in a way that cannot be changed without reading it as a person"),
    }
}
