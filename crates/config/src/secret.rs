//! Secrets by reference: `env:NAME`, `file:/path`, `${NAME}`,
//! `${NAME:-default}`. A literal works, with a warning.

use std::fmt;
use std::fs;
use std::path::Path;

use domain::secret::Secret;
use serde::{Deserialize, Serialize, Serializer};

use super::error::Report;

/// The environment, handed in so that a test needs none of its own.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Stands before literal secrets in a serialised configuration, which never
/// leaves the process: whoever prints one shows `***` for them.
pub const LITERAL_MARK: &str = "\u{0}literal:";

/// How a secret is written in the file. Never prints a literal.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretRef(String);

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_literal() { "***" } else { &self.0 })
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_literal() {
            serializer.collect_str(&format_args!("{LITERAL_MARK}{}", self.0))
        } else {
            serializer.serialize_str(&self.0)
        }
    }
}

impl SecretRef {
    /// As it is written.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether the secret itself stands in the file.
    pub fn is_literal(&self) -> bool {
        !(self.0.starts_with("env:") || self.0.starts_with("file:") || self.0.contains("${"))
    }

    /// Whether it is an address that says a password.
    pub fn has_password(&self) -> bool {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let user = authority.split_once('@').map_or("", |(user, _)| user);
        user.contains(':')
    }

    /// Whether it is the URL of an HTTP server, as it is written.
    pub fn is_url(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }

    /// The file that it stands in, if that is where.
    pub fn file(&self) -> Option<&Path> {
        self.0.strip_prefix("file:").map(Path::new)
    }

    /// Warns of a literal; `suggested` is the variable to use instead.
    pub fn validate(&self, path: &str, suggested: &str, report: &mut Report<'_>) {
        if self.0.is_empty() {
            report.wrong(
                path,
                "the secret is empty",
                format!("write `env:{suggested}`"),
            );
        } else if let Some(name) = foreign(&self.0) {
            report.wrong(
                path,
                "this is how others refer to a variable",
                match is_variable(name) {
                    true => format!("write `env:{name}`"),
                    // It may be a secret that begins like that.
                    false => format!("write `env:{suggested}`"),
                },
            );
        } else if self.is_literal() {
            report.warn(
                path,
                format!(
                    "a secret stands in the file; write `env:{suggested}` and set the variable"
                ),
            );
        }
    }

    /// The secret itself.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub fn resolve(&self, env: Env<'_>) -> Result<Secret, String> {
        printable(self.text(env)?)
    }

    /// What it stands for, of any form.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub fn text(&self, env: Env<'_>) -> Result<String, String> {
        if let Some(name) = self.0.strip_prefix("env:") {
            variable(env, name)?.ok_or_else(|| unset(name, env))
        } else if let Some(path) = self.0.strip_prefix("file:") {
            read(path)
        } else {
            interpolate(&self.0, env)
        }
    }
}

/// A secret that can stand in a header.
///
/// # Errors
/// It is empty or holds control characters.
pub fn printable(text: String) -> Result<Secret, String> {
    if text.trim().is_empty() {
        return Err("the secret is empty".to_owned());
    }
    if text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err("the secret holds a line break or another control character".to_owned());
    }
    Ok(Secret::new(text))
}

/// The variable that another gateway's way to refer to one names: taken for
/// the secret itself, it would be sent to a provider.
fn foreign(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/")
        .or_else(|| text.strip_prefix("env."))
        .or_else(|| text.strip_prefix('$'))
        .filter(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
}

/// Whether a name is written as variables are.
fn is_variable(name: &str) -> bool {
    name.bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// What is said of a variable that is not there.
fn unset(name: &str, env: Env<'_>) -> String {
    match env(name) {
        Some(_) => format!("the environment variable `{name}` is empty"),
        None => format!("the environment variable `{name}` is not set (`{name}_FILE` neither)"),
    }
}

/// A variable's value, or the content of the file that `NAME_FILE` names. One
/// that holds nothing but white space is not set; a line's end is no part of it.
///
/// # Errors
/// The file cannot be read.
pub fn variable(env: Env<'_>, name: &str) -> Result<Option<String>, String> {
    if let Some(value) = env(name).filter(|value| !value.trim().is_empty()) {
        return Ok(Some(value.trim_end_matches(['\n', '\r']).to_owned()));
    }
    match env(&format!("{name}_FILE")).filter(|path| !path.is_empty()) {
        Some(path) => read(&path)
            .map(Some)
            .map_err(|error| format!("{name}_FILE: {error}")),
        None => Ok(None),
    }
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(Path::new(path))
        .map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
        .map_err(|error| format!("the file `{path}` cannot be read: {error}"))
}

/// Replaces `${NAME}` and `${NAME:-default}`.
///
/// # Errors
/// A variable without default is not set, or a brace is not closed.
pub fn interpolate(text: &str, env: Env<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let end = inner
            .find('}')
            .ok_or_else(|| "`${` is not closed by `}`".to_owned())?;
        let (name, default) = match inner[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inner[..end], None),
        };
        let value = variable(env, name)?
            .or_else(|| default.map(str::to_owned))
            .ok_or_else(|| unset(name, env))?;
        out.push_str(&value);
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "KEY").then(|| "s3cret".to_owned())
    }

    fn resolved(text: &str) -> Result<String, String> {
        SecretRef(text.to_owned())
            .resolve(&env)
            .map(|s| s.reveal().to_owned())
    }

    #[test]
    fn every_form_of_reference_is_followed() {
        assert_eq!(resolved("env:KEY"), Ok("s3cret".into()));
        assert_eq!(resolved("${KEY}"), Ok("s3cret".into()));
        assert_eq!(resolved("a-${NOPE:-b}-${KEY}"), Ok("a-b-s3cret".into()));
        assert_eq!(resolved("literal"), Ok("literal".into()));
    }

    #[test]
    fn a_missing_variable_is_named() {
        assert!(resolved("env:NOPE").expect_err("unset").contains("`NOPE`"));
        assert!(resolved("${NOPE}").expect_err("unset").contains("`NOPE`"));
        assert!(resolved("${KEY").is_err());
        assert!(
            resolved("file:/no/such")
                .expect_err("none")
                .contains("/no/such")
        );
    }

    #[test]
    fn a_variable_of_white_space_is_not_set() {
        let env = |name: &str| (name == "BLANK").then(|| " \n".to_owned());
        assert_eq!(variable(&env, "BLANK"), Ok(None));
        let env = |_: &str| Some("sk-1\n".to_owned());
        assert_eq!(variable(&env, "LINE"), Ok(Some("sk-1".to_owned())));
    }

    #[test]
    fn another_gateways_reference_is_no_secret() {
        assert_eq!(foreign("os.environ/KEY"), Some("KEY"));
        assert_eq!(foreign("env.KEY"), Some("KEY"));
        assert_eq!(foreign("$KEY"), Some("KEY"));
        assert_eq!(foreign("sk-literal"), None);
    }

    #[test]
    fn a_literal_never_prints() {
        let literal = SecretRef("sk-very-secret".into());
        assert_eq!(format!("{literal:?}"), "***");
        assert_eq!(format!("{:?}", SecretRef("env:KEY".into())), "env:KEY");
    }
}
