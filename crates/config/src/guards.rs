//! Guards by name. What stands in one is the guard's own business: its kind
//! reads it when the snapshot is built.

use serde_json::Value;

use super::error::Report;
use super::ordered::Ordered;
use super::source::key;
use domain::suggest;

/// Each guard names a kind that exists.
pub fn validate(guards: &Ordered<Value>, report: &mut Report<'_>) {
    for (name, spec) in guards.iter() {
        let at = key("guards", name);
        match spec.get("kind").and_then(Value::as_str) {
            None => report.wrong(
                &at,
                "the field `kind` is missing",
                suggest::help("", kinds()),
            ),
            Some(kind) if !kinds().any(|known| known == kind) => report.wrong(
                &key(&at, "kind"),
                format!("no guard is of the kind `{kind}`"),
                suggest::help(kind, kinds()),
            ),
            Some(_) => {}
        }
    }
}

fn kinds() -> impl Iterator<Item = &'static str> {
    guards::GUARDS.iter().map(|guard| guard.kind)
}
