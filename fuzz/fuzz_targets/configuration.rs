//! Any text is a configuration or is told what is wrong with it, and where. A
//! configuration differs from itself in nothing, written down and read again
//! neither; and what stands where a secret does is never shown.

#![no_main]

use config::diff::changes;
use config::error::Problem;
use config::secret::LITERAL_MARK;
use config::{Config, ConfigError, bounds};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const FILE: &str = "f.yaml";
/// What nobody would write, as a text and as a number.
const MARKER: &str = "s3cretMarker";
const NUMBER: u64 = 72_839_465_017;

type Read = Result<(Config, Vec<String>), ConfigError>;

fuzz_target!(|text: &[u8]| {
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let read = config::parse(FILE, text);
    match &read {
        Ok((config, warnings)) => {
            told(warnings.iter().map(String::as_str));
            same(config, text);
        }
        Err(error) => {
            assert!(!error.problems.is_empty());
            for problem in &error.problems {
                let lines = text.split(['\n', '\r']).count() as u64;
                let spot = problem.spot.unwrap_or_else(|| panic!("nowhere: {problem}"));
                assert!((1..=lines + 1).contains(&spot.line), "{problem}");
                assert!(spot.column > 0, "{problem}");
            }
            told(
                error
                    .problems
                    .iter()
                    .map(|it| it.to_string())
                    .collect::<Vec<_>>()
                    .iter()
                    .map(String::as_str),
            );
        }
    }
    hidden(text, &read);
});

/// Everything that is said begins with the file.
fn told<'a>(said: impl Iterator<Item = &'a str>) {
    for line in said {
        assert!(line.starts_with(&format!("{FILE}:")), "{line}");
    }
}

/// A configuration is itself, read again and written down.
fn same(config: &Config, text: &str) {
    let none: [&str; 0] = [];
    assert_eq!(changes(config, config).expect("serialises"), none);
    let (again, _) = config::parse(FILE, text).expect("as before");
    assert_eq!(changes(config, &again).expect("serialises"), none);
    let mut written = serde_json::to_value(config).expect("serialises");
    unmark(&mut written);
    let written = written.to_string();
    match config::parse(FILE, &written) {
        Ok((again, _)) => assert_eq!(changes(config, &again).expect("serialises"), none),
        Err(error) => panic!("{error}\n{written}"),
    }
}

/// Takes away what stands before literal secrets.
fn unmark(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(secret) = text.strip_prefix(LITERAL_MARK) {
                *text = secret.to_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unmark),
        Value::Object(fields) => fields.values_mut().for_each(unmark),
        _ => {}
    }
}

/// Puts a marker where secrets stand, and looks for it in all that is shown.
fn hidden(text: &str, read: &Read) {
    let number = NUMBER.to_string();
    let root = serde_saphyr::from_str_with_options::<Value>(text, bounds::options());
    let mut root = match (root, read) {
        (Ok(root), _) => root,
        // Where it stops being YAML, anything may be meant to be a secret; what
        // is wrong before that is a field's affair.
        (Err(broken), Err(error)) => {
            let at = broken.location().map(|at| (at.line(), at.column()));
            let here = |it: &Problem| it.spot.map(|spot| (spot.line, spot.column)) == at;
            let mut said = error.problems.iter().filter(|it| here(it));
            let shown = said.find(|it| it.to_string().contains(MARKER));
            let is_key = |it: &Problem| it.message.contains("stands twice");
            assert!(shown.is_none_or(is_key), "{error}");
            return;
        }
        (Err(_), Ok(_)) => return,
    };
    if text.contains(MARKER) || text.contains(&number) {
        return;
    }
    let Some(root) = root.as_object_mut() else {
        return;
    };
    if let Some(Value::Object(providers)) = root.get_mut("providers") {
        for field in ["api_key", "api_keys", "headers"] {
            let fields = providers.values_mut().filter_map(|it| it.get_mut(field));
            fields.for_each(plant);
        }
    }
    if let Some(Value::Array(keys)) = root.get_mut("keys") {
        let keys = keys.iter_mut().filter_map(|it| it.get_mut("key"));
        keys.for_each(plant);
    }
    let planted = Value::Object(std::mem::take(root)).to_string();
    let shown = match config::parse(FILE, &planted) {
        Ok((config, warnings)) => {
            let usual = Config::default();
            let differs = [(&usual, &config), (&config, &usual)];
            let differs = differs.map(|(old, new)| changes(old, new).expect("serialises"));
            format!("{config:?}\n{warnings:?}\n{differs:?}")
        }
        Err(error) => format!("{error}\n{error:?}"),
    };
    assert!(
        !shown.contains(MARKER) && !shown.contains(&number),
        "{shown}\n{planted}"
    );
}

/// Fields beside a key's secrets that are none themselves.
const PLAIN: [&str; 16] = [
    "command",
    "every",
    "region",
    "profile",
    "role_arn",
    "external_id",
    "session_name",
    "file",
    "metadata",
    "scopes",
    "tenant",
    "client_id",
    "token_file",
    "managed_identity",
    "scope",
    "authority",
];

fn plant(value: &mut Value) {
    match value {
        Value::String(text) => {
            let is_reference = text.starts_with("env:") || text.starts_with("file:");
            if !is_reference && !text.contains("${") && !text.is_empty() {
                let sign = if text.starts_with('$') { "$" } else { "" };
                *text = format!("{sign}{MARKER}");
            }
        }
        Value::Number(_) => *value = NUMBER.into(),
        Value::Array(items) => items.iter_mut().for_each(plant),
        Value::Object(fields) => {
            let fields = fields.iter_mut();
            let secret = fields.filter(|(name, _)| !PLAIN.contains(&name.as_str()));
            secret.for_each(|(_, value)| plant(value));
        }
        _ => {}
    }
}
