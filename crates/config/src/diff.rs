//! How one configuration differs from another. Both sides are compared with
//! every default filled in, so that writing a default down is no change.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Config;
use super::secret::LITERAL_MARK;
use super::source::{index, key};

/// One line for everything that `new` adds, removes or changes; none shows a
/// literal secret.
///
/// # Errors
/// A path of either is not UTF-8.
pub fn changes(old: &Config, new: &Config) -> Result<Vec<String>, serde_json::Error> {
    let mut lines = Vec::new();
    let (old, new) = (serde_json::to_value(old)?, serde_json::to_value(new)?);
    compare("", &old, &new, &mut lines);
    Ok(lines)
}

fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let at = key(path, name);
                one(&at, before.get(name), after.get(name), lines);
            }
        }
        (Value::Array(before), Value::Array(after)) if named(before) && named(after) => {
            let names: BTreeSet<&str> = before.iter().chain(after).filter_map(name).collect();
            let find = |all: &'_ [Value], wanted: &str| {
                all.iter().find(|v| name(v) == Some(wanted)).cloned()
            };
            for wanted in names {
                let at = key(path, wanted);
                one(
                    &at,
                    find(before, wanted).as_ref(),
                    find(after, wanted).as_ref(),
                    lines,
                );
            }
            order(path, before, after, lines);
        }
        (Value::Array(before), Value::Array(after)) => {
            for at in 0..before.len().max(after.len()) {
                one(&index(path, at), before.get(at), after.get(at), lines);
            }
        }
        _ => one(path, Some(old), Some(new), lines),
    }
}

fn one(path: &str, old: Option<&Value>, new: Option<&Value>, lines: &mut Vec<String>) {
    let there = |value: Option<&Value>| value.is_some_and(|v| !v.is_null());
    match (old, new) {
        (Some(old), Some(new)) if there(Some(old)) && there(Some(new)) => {
            let nested = |v: &Value| v.is_object() || v.is_array();
            if nested(old) && nested(new) {
                compare(path, old, new, lines);
            } else if old != new {
                lines.push(format!("~ {path}: {} -> {}", show(old), show(new)));
            }
        }
        (_, Some(new)) if there(Some(new)) => lines.push(format!("+ {path}: {}", show(new))),
        (Some(old), _) if there(Some(old)) => lines.push(format!("- {path}: {}", show(old))),
        _ => {}
    }
}

/// Policies apply in order, so a new order is a change.
fn order(path: &str, before: &[Value], after: &[Value], lines: &mut Vec<String>) {
    let kept = |all: &[Value], others: &[Value]| -> Vec<String> {
        all.iter()
            .filter_map(name)
            .filter(|n| others.iter().any(|o| name(o) == Some(n)))
            .map(str::to_owned)
            .collect()
    };
    let (old, new) = (kept(before, after), kept(after, before));
    if old != new {
        lines.push(format!(
            "~ {path}: order {} -> {}",
            old.join(", "),
            new.join(", ")
        ));
    }
}

fn name(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}

fn named(all: &[Value]) -> bool {
    all.iter().all(|value| name(value).is_some())
}

/// A value on one line: no literal secret, nothing unset.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "unset".to_owned(),
        Value::String(text) if text.starts_with(LITERAL_MARK) => "***".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.escape_debug().to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .filter(|(_, v)| !v.is_null())
                .filter(|(_, v)| {
                    v.as_object()
                        .is_none_or(|o| o.values().any(|v| !v.is_null()))
                })
                .filter(|(_, v)| v.as_array().is_none_or(|a| !a.is_empty()))
                .map(|(k, v)| format!("{k}: {}", show(v)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> Vec<String> {
        let read = |text| crate::parse("f", text).expect("right").0;
        changes(&read(old), &read(new)).expect("serialises")
    }

    #[test]
    fn a_default_written_down_is_no_change() {
        assert!(diff("", "listen: 127.0.0.1:4000\nretry: {retries: 2}\n").is_empty());
    }

    #[test]
    fn additions_removals_and_changes_are_told_by_path() {
        let old = "aliases: {a: x}\nretry: {retries: 1}\n";
        let new = "aliases: {b: y}\nretry: {retries: 3}\n";
        assert_eq!(
            diff(old, new),
            [
                "- aliases.a: x",
                "+ aliases.b: y",
                "~ retry.retries: 1 -> 3"
            ]
        );
    }

    #[test]
    fn a_literal_secret_is_seen_to_change_and_never_shown() {
        let with =
            |key: &str| format!("providers: {{p: {{base_url: 'http://h/v1', api_key: {key}}}}}");
        let told = diff(&with("sk-one"), &with("sk-two"));
        assert_eq!(told, ["~ providers.p.api_key: *** -> ***"]);
        let told = diff("", &with("sk-two")).concat();
        assert!(
            told.starts_with("+ providers.p:") && !told.contains("sk-two"),
            "{told}"
        );
    }

    #[test]
    fn models_are_told_by_name_and_policies_by_order() {
        let model = |order: u32| {
            format!(
                "models: [{{name: m, deployments: [{{provider: p, model: x, order: {order}}}]}}]"
            )
        };
        assert_eq!(
            diff(&model(0), &model(1)),
            ["~ models.m.deployments[0].order: 0 -> 1"]
        );
        let told = diff(
            "policies: [{name: a}, {name: b}]",
            "policies: [{name: b}, {name: a}]",
        );
        assert_eq!(told, ["~ policies: order a, b -> b, a"]);
    }
}
