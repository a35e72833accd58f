//! The parser's errors in our words: the field's path, what is wrong, what to
//! write. A value that may be a secret is never repeated.

use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

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
        Error::AliasError { error, .. } => words(path, error),
        // `{sk-secret}` is a mapping, and the secret a field of it.
        Error::SerdeUnknownField {
            field, expected, ..
        } if is_secret(path) && suggest::nearest(field, expected.iter().copied()).is_none() => (
            around(path, field).to_owned(),
            "unknown field".to_owned(),
            Some(suggest::help("", expected.iter().copied())),
        ),
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            named(path, field),
            format!("unknown field `{field}`"),
            Some(suggest::help(field, expected.iter().copied())),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } if !is_secret(path) => (
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
        } => (
            path.to_owned(),
            format!("expected {expected}, found {}", kind(unexpected)),
            None,
        ),
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
            let (message, help) = refused(other).unwrap_or_else(|| {
                let text = other.to_string();
                let text = bare(&text);
                syntax(text).unwrap_or_else(|| scalar(text))
            });
            (path.to_owned(), message, help)
        }
    }
}

/// What exceeds [`super::bounds`], and what the parser would repeat in words of
/// its own although it may be a secret.
fn refused(error: &Error) -> Option<(String, Option<String>)> {
    const ALIASES: [&str; 2] = [
        "aliases (`*name`) stand for too much here",
        "write out what they stand for",
    ];
    let size = "no configuration needs as much; is it the right file?";
    let [message, help] = match error {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => ["this is nested too deep", size],
            BudgetBreach::Aliases { .. }
            | BudgetBreach::Anchors { .. }
            | BudgetBreach::AliasAnchorRatio { .. }
            | BudgetBreach::RecordedAnchorEvents { .. }
            | BudgetBreach::RecordedAnchorBytes { .. } => ALIASES,
            _ => ["the file holds too much", size],
        },
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => ALIASES,
        Error::QuotingRequired { .. } => [
            "a text that looks like something else stands here",
            "put it into quotes",
        ],
        Error::NonFiniteFloat { .. } => [
            "expected a number, and this is none",
            "put a text that looks like one into quotes",
        ],
        _ => return None,
    };
    Some((message.to_owned(), Some(help.to_owned())))
}

/// What was found, without the value: it may be a secret, and the parser
/// points at the mapping around it at times.
fn kind(unexpected: &str) -> &'static str {
    const KINDS: [(&str, &str); 8] = [
        ("string", "a text"),
        ("integer", "a whole number"),
        ("floating", "a number"),
        ("boolean", "`true` or `false`"),
        ("map", "a mapping"),
        ("sequence", "a list"),
        ("unit", "nothing"),
        ("Option", "nothing"),
    ];
    let known = KINDS
        .iter()
        .find(|(theirs, _)| unexpected.starts_with(theirs));
    known.map_or("something else", |(_, ours)| ours)
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
const SYNTAX: [(&str, &str, &str); 7] = [
    (
        "recursion limit",
        "this is nested too deep",
        "no configuration needs as much; is it the right file?",
    ),
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

/// The mapping that an unknown field stands in: the parser may point at either.
fn around<'a>(path: &'a str, field: &str) -> &'a str {
    if named(path, field) == path {
        source::parent(path).unwrap_or_default()
    } else {
        path
    }
}

/// Whether a secret may stand at `path`, or somewhere in what stands there.
fn is_secret(path: &str) -> bool {
    let places = [".api_key", ".headers", "store.url", "store.password"];
    path.ends_with("key") || places.iter().any(|place| path.contains(place))
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

#[cfg(test)]
mod tests {
    fn said(text: &str) -> String {
        let error = crate::parse("f.yaml", text).expect_err("wrong");
        error.to_string()
    }

    #[test]
    fn what_may_be_a_secret_is_never_repeated() {
        for key in [
            "api_keys: [7283946]",
            "api_key: 7283946",
            "api_key: .nan",
            "api_key: {sk-7283946}",
            "api_key: {'sk 7283946': x}",
            "api_key: {aws: 7283946}",
            "api_key: {azure: {client_secret: [7283946]}}",
            "api_key: $s7283946",
            "headers: 7283946",
            "api_keys: sk-7283946",
        ] {
            let text = format!("providers:\n  p:\n    {key}\n");
            let told = said(&text);
            assert!(told.starts_with("f.yaml:3:"), "{told}");
            assert!(!told.contains("7283946") && !told.contains("nan"), "{told}");
        }
        let shared = "providers:\n  p: {api_key: &k 7283946}\n  q: {api_key: *k}\n";
        assert!(!said(shared).contains("7283946"));
    }

    #[test]
    fn a_slip_beside_a_secret_is_still_named() {
        let told = said("providers: {p: {api_key: {comand: [x]}}}");
        assert!(
            told.contains("`comand`") && told.contains("`command`"),
            "{told}"
        );
    }
}
