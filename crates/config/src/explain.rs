//! The parser's errors in our words: the field's path, what is wrong, what to
//! write. A value that may be a secret is never repeated.

use serde_saphyr::Error;

use super::error::{ConfigError, Problem};
use super::source::{self, Side, Source, Spot};
use domain::suggest;

/// What stands at the top of a file of `LiteLLM`'s, and never of ours.
const THEIRS: [&str; 4] = [
    "model_list",
    "litellm_settings",
    "router_settings",
    "general_settings",
];

/// Explains `error`, met while reading the file of `source`.
pub(crate) fn explain(source: &Source, error: &Error) -> ConfigError {
    let error = error.without_snippet();
    let spot = error.location().map(|at| Spot {
        line: at.line(),
        column: at.column(),
    });
    let side = match error {
        Error::SerdeUnknownField { .. } | Error::DuplicateMappingKey { .. } => Side::Key,
        Error::SerdeMissingField { .. } => Side::Around,
        _ => Side::Value,
    };
    let path = spot
        .and_then(|at| source.path_at(at, side))
        .unwrap_or_default();
    let (path, message, help) = words(path, error);
    let (message, help) = match THEIRS.contains(&path.as_str()) {
        true => (
            "this is a configuration of LiteLLM".to_owned(),
            Some(format!(
                "`portcullis import litellm {}` makes one of ours from it",
                source.file
            )),
        ),
        false => (message, help),
    };
    Problem {
        file: source.file.clone(),
        spot,
        path,
        message,
        help,
    }
    .into()
}

fn words(path: &str, error: &Error) -> (String, String, Option<String>) {
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            named(path, field),
            format!("unknown field `{field}`"),
            Some(suggest::help(field, expected.iter().copied())),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            path.to_owned(),
            format!("unknown value `{variant}`"),
            Some(suggest::help(variant, expected.iter().copied())),
        ),
        Error::SerdeMissingField { field, .. } => (
            source::key(path, field),
            "the field is missing".to_owned(),
            Some(format!("add `{field}:` to the mapping that starts here")),
        ),
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => {
            let found = if is_secret(path) {
                "something else"
            } else {
                unexpected.as_str()
            };
            (
                path.to_owned(),
                format!("expected {expected}, found {found}"),
                None,
            )
        }
        Error::DuplicateMappingKey { key, .. } => (
            path.to_owned(),
            match key {
                Some(key) => format!("`{key}` stands twice in one mapping"),
                None => "a key stands twice in one mapping".to_owned(),
            },
            Some("remove one of them".to_owned()),
        ),
        Error::Unexpected { expected, .. } => {
            let (wanted, help) = form(expected);
            (path.to_owned(), format!("expected {wanted}"), help)
        }
        Error::MultipleDocuments { .. } => (
            String::new(),
            "a second document begins here".to_owned(),
            Some("remove the `---`; a configuration is one document".to_owned()),
        ),
        Error::NullIntoString { .. } => (
            path.to_owned(),
            "nothing stands here, and a text is expected".to_owned(),
            Some("write the value behind the `:`, or remove the line for the default".to_owned()),
        ),
        other => {
            let text = other.to_string();
            let text = bare(&text);
            let (message, help) = syntax(text).unwrap_or_else(|| scalar(text));
            (path.to_owned(), message, help)
        }
    }
}

/// The parser's name of a form in the words of somebody who writes YAML.
fn form(expected: &str) -> (String, Option<String>) {
    let (form, example) = if expected.starts_with("sequence") {
        ("a list", "write `[…]`, or an item a line, each after `- `")
    } else if expected.starts_with("mapping") {
        ("a mapping", "write `name: value` lines, indented below")
    } else if expected.contains("scalar") {
        ("a single value", "neither a list nor a mapping fits here")
    } else {
        return (expected.to_owned(), None);
    };
    (form.to_owned(), Some(example.to_owned()))
}

/// What the parser says of text that is no YAML, and what to do about it.
const SYNTAX: [(&str, &str, &str); 6] = [
    (
        "tabs disallowed",
        "a tab indents this line",
        "indent with spaces; YAML takes no tabs there",
    ),
    (
        "did not find expected key",
        "this line fits none of those before it",
        "fields of one mapping begin in the same column, each as `name: value`",
    ),
    (
        "did not find expected '-'",
        "this line fits none of those before it",
        "items of one list begin in the same column, each after `- `",
    ),
    (
        "mapping values are not allowed",
        "a second `: ` stands in one line",
        "put a text that holds `: ` into quotes",
    ),
    (
        "unknown anchor",
        "a `*` begins the name of an anchor here, and there is none",
        "put a text that begins with `*` into quotes: `\"*\"`",
    ),
    (
        "unclosed",
        "a bracket or a quote is opened here and not closed",
        "close it: `[a, b]`, `{a: b}`, `\"a\"`",
    ),
];

fn syntax(text: &str) -> Option<(String, Option<String>)> {
    let known = SYNTAX.iter().find(|(theirs, _, _)| text.contains(theirs));
    known.map(|(_, message, help)| ((*message).to_owned(), Some((*help).to_owned())))
}

/// The parser names a scalar's type as programmers do.
fn scalar(text: &str) -> (String, Option<String>) {
    let (wanted, help) = match text.strip_prefix("invalid ") {
        Some(kind) if kind.starts_with("bool") => ("`true` or `false`", "write it without quotes"),
        Some(kind) if kind.starts_with(['u', 'i']) && kind[1..].parse::<u32>().is_ok() => (
            "a whole number, 0 or more",
            "write it like `8`, without quotes or a unit",
        ),
        Some(kind) if kind.starts_with('f') && kind[1..].parse::<u32>().is_ok() => {
            ("a number", "write it like `0.5`, without quotes or a unit")
        }
        _ => return (text.to_owned(), None),
    };
    (format!("expected {wanted}"), Some(help.to_owned()))
}

/// The path of an unknown field: the parser may point at the field itself or
/// at the mapping around it.
fn named(path: &str, field: &str) -> String {
    let own = source::key("", field);
    if path == own || path.ends_with(&format!(".{own}")) || path.ends_with(&own) {
        path.to_owned()
    } else {
        source::key(path, field)
    }
}

fn is_secret(path: &str) -> bool {
    path.ends_with("key") || path.contains(".headers")
}

/// The parser's message without its own place, which stands before it already.
fn bare(text: &str) -> &str {
    let text = text.lines().next().unwrap_or(text);
    let text = text.split(" at line ").next().unwrap_or(text);
    match text.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest,
        _ => text,
    }
}
