//! Where a provider's key comes from: a secret by reference, or somebody who
//! is asked for one again and again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::error::Report;
use super::scalars::Span;
use super::secret::SecretRef;
use super::source::key;

/// What a command prints holds this long at least.
const LEAST: Duration = Duration::from_secs(1);

/// One of a provider's keys, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum KeySource {
    /// The key itself, by reference.
    Secret(SecretRef),
    /// It is fetched, and renewed before it ends.
    Fetched(Box<Fetched>),
}

impl<'de> Deserialize<'de> for KeySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// A text or a mapping.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = KeySource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`env:NAME`, `file:/path`, or one of `command`, `aws`, `google`, `azure`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<KeySource, E> {
        Ok(KeySource::Secret(SecretRef::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeySource, A::Error> {
        let fetched = Fetched::deserialize(MapAccessDeserializer::new(map))?;
        Ok(KeySource::Fetched(Box::new(fetched)))
    }
}

/// Who is asked for the key: one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fetched {
    /// A program and its arguments; what it prints is the key.
    pub command: Option<Vec<String>>,
    /// How long that holds.
    pub every: Option<Span>,
    /// AWS; requests are signed.
    pub aws: Option<Aws>,
    /// Google Cloud.
    pub google: Option<Google>,
    /// Azure's Entra ID.
    pub azure: Option<Azure>,
}

/// What is left out is looked for as AWS' own programs do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aws {
    /// Where requests are signed for.
    pub region: Option<String>,
    /// A pair of keys: its id,
    pub access_key_id: Option<SecretRef>,
    /// its secret,
    pub secret_access_key: Option<SecretRef>,
    /// and its token, if it ends some day.
    pub session_token: Option<SecretRef>,
    /// A profile of `~/.aws`.
    pub profile: Option<String>,
    /// A role to take on.
    pub role_arn: Option<String>,
    /// What the role's owner asks for.
    pub external_id: Option<String>,
    /// How the session shows in the role's records.
    pub session_name: Option<String>,
}

/// What is left out is looked for as Google's own programs do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Google {
    /// A key of a service account, or a federation's file.
    pub file: Option<PathBuf>,
    /// What stands in such a file.
    pub json: Option<SecretRef>,
    /// Ask the machine's metadata server, nobody else.
    pub metadata: bool,
    /// What the token is for; all of Google Cloud if unset.
    pub scopes: Vec<String>,
}

/// What is left out is looked for as Azure's own programs do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Azure {
    /// The directory.
    pub tenant: Option<String>,
    /// The application, or the identity that the user assigned.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<SecretRef>,
    /// A token of the cluster that is exchanged.
    pub token_file: Option<PathBuf>,
    /// Ask the machine's managed identity, nobody else.
    pub managed_identity: bool,
    /// What the token is for; Azure's AI services if unset.
    pub scope: Option<String>,
    /// The sign-in host of another cloud.
    pub authority: Option<String>,
}

impl KeySource {
    /// The file that a secret stands in, if that is where.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Secret(secret) => secret.file(),
            Self::Fetched(_) => None,
        }
    }

    /// Everything that needs no environment; `suggested` is the variable that
    /// a literal secret should rather stand in.
    pub fn validate(&self, at: &str, suggested: &str, report: &mut Report<'_>) {
        match self {
            Self::Secret(secret) => secret.validate(at, suggested, report),
            Self::Fetched(fetched) => fetched.validate(at, suggested, report),
        }
    }
}

impl Fetched {
    fn validate(&self, at: &str, suggested: &str, report: &mut Report<'_>) {
        let sources = [
            self.command.is_some(),
            self.aws.is_some(),
            self.google.is_some(),
            self.azure.is_some(),
        ];
        if sources.iter().filter(|is_there| **is_there).count() != 1 {
            report.wrong(
                at,
                "a key comes from one place",
                "write one of `command: [program, argument]`, `aws: {}`, `google: {}`, `azure: {}`",
            );
        }
        let is_nothing = |argv: &Vec<String>| argv.first().is_none_or(|name| name.is_empty());
        if self.command.as_ref().is_some_and(is_nothing) {
            report.wrong(&key(at, "command"), "it is empty", "name a program");
        }
        if self.every.is_some() && self.command.is_none() {
            let help = "leave it out: these say themselves how long they hold";
            report.wrong(&key(at, "every"), "this belongs to `command`", help);
        }
        if self.every.is_some_and(|every| every.0 < LEAST) {
            let help = "write a second at least, such as `5m`";
            report.wrong(&key(at, "every"), "nobody could use such a key", help);
        }
        for (field, secret) in self.secrets() {
            secret.validate(&key(at, field), suggested, report);
        }
        if let Some(aws) = &self.aws {
            aws.validate(&key(at, "aws"), report);
        }
        if let Some(google) = &self.google {
            let all = [
                ("file", google.file.is_some()),
                ("json", google.json.is_some()),
                ("metadata", google.metadata),
            ];
            only_one(&key(at, "google"), &all, report);
        }
        if let Some(azure) = &self.azure {
            azure.validate(&key(at, "azure"), report);
        }
    }

    fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretRef)> {
        let (aws, google, azure) = (self.aws.as_ref(), self.google.as_ref(), self.azure.as_ref());
        [
            (
                "aws.access_key_id",
                aws.and_then(|it| it.access_key_id.as_ref()),
            ),
            (
                "aws.secret_access_key",
                aws.and_then(|it| it.secret_access_key.as_ref()),
            ),
            (
                "aws.session_token",
                aws.and_then(|it| it.session_token.as_ref()),
            ),
            ("google.json", google.and_then(|it| it.json.as_ref())),
            (
                "azure.client_secret",
                azure.and_then(|it| it.client_secret.as_ref()),
            ),
        ]
        .into_iter()
        .filter_map(|(field, secret)| Some((field, secret?)))
    }
}

/// Of ways to get a credential one is written; what is written twice is wrong
/// where the second stands.
fn only_one(at: &str, all: &[(&str, bool)], report: &mut Report<'_>) {
    let mut written = all.iter().filter(|(_, is_there)| *is_there);
    if let (Some((first, _)), Some((second, _))) = (written.next(), written.next()) {
        let why = format!("`{first}` stands here already, and a key comes from one place");
        let help = format!("write `{first}` or `{second}`, not both");
        report.wrong(&key(at, second), why, help);
    }
}

impl Azure {
    fn validate(&self, at: &str, report: &mut Report<'_>) {
        let all = [
            ("client_secret", self.client_secret.is_some()),
            ("token_file", self.token_file.is_some()),
            ("managed_identity", self.managed_identity),
        ];
        only_one(at, &all, report);
        let unread = [
            ("tenant", self.tenant.is_some()),
            ("authority", self.authority.is_some()),
        ];
        for (field, _) in unread
            .iter()
            .filter(|(_, is_there)| *is_there && self.managed_identity)
        {
            let why = "a managed identity has its own";
            report.wrong(&key(at, field), why, "leave it out, or `managed_identity`");
        }
    }
}

impl Aws {
    fn validate(&self, at: &str, report: &mut Report<'_>) {
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            let help = "write both `access_key_id` and `secret_access_key`, or neither";
            report.wrong(at, "half of a pair of keys", help);
        } else if self.access_key_id.is_some() && self.profile.is_some() {
            let help = "write the keys or `profile`, not both";
            report.wrong(&key(at, "profile"), "the keys stand here already", help);
        }
        if self.session_token.is_some() && self.access_key_id.is_none() {
            let help = "write `access_key_id` and `secret_access_key`, or leave it out";
            report.wrong(
                &key(at, "session_token"),
                "it belongs to a pair of keys",
                help,
            );
        }
        let of_role = [
            ("external_id", &self.external_id),
            ("session_name", &self.session_name),
        ];
        for (field, _) in of_role.iter().filter(|(_, said)| said.is_some()) {
            if self.role_arn.is_none() {
                let help = "write `role_arn`, or leave it out";
                report.wrong(&key(at, field), "it belongs to a role", help);
            }
        }
    }
}
