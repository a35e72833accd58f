//! Where a provider's key comes from: a secret by reference, or somebody who
//! is asked for one again and again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use credentials::Spec;
use credentials::spec::{self, AzureFrom, GoogleFrom};
use domain::credential::AwsKeys;
use domain::secret::Secret;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::error::Report;
use super::scalars::Span;
use super::secret::{Env, SecretRef};
use super::source::key;

/// How long what a command prints holds if nobody says.
const HOLDS: Duration = Duration::from_secs(300);
/// What a command prints holds this long at least.
const LEAST: Duration = Duration::from_secs(1);

/// One of a provider's keys, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum KeySource {
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
pub(crate) struct Fetched {
    /// A program and its arguments; what it prints is the key.
    pub(crate) command: Option<Vec<String>>,
    /// How long that holds.
    pub(crate) every: Option<Span>,
    /// AWS; requests are signed.
    pub(crate) aws: Option<Aws>,
    /// Google Cloud.
    pub(crate) google: Option<Google>,
    /// Azure's Entra ID.
    pub(crate) azure: Option<Azure>,
}

/// What is left out is looked for as AWS' own programs do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Aws {
    /// Where requests are signed for.
    pub(crate) region: Option<String>,
    /// A pair of keys: its id,
    pub(crate) access_key_id: Option<SecretRef>,
    /// its secret,
    pub(crate) secret_access_key: Option<SecretRef>,
    /// and its token, if it ends some day.
    pub(crate) session_token: Option<SecretRef>,
    /// A profile of `~/.aws`.
    pub(crate) profile: Option<String>,
    /// A role to take on.
    pub(crate) role_arn: Option<String>,
    /// What the role's owner asks for.
    pub(crate) external_id: Option<String>,
    /// How the session shows in the role's records.
    pub(crate) session_name: Option<String>,
}

/// What is left out is looked for as Google's own programs do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Google {
    /// A key of a service account, or a federation's file.
    pub(crate) file: Option<PathBuf>,
    /// What stands in such a file.
    pub(crate) json: Option<SecretRef>,
    /// Ask the machine's metadata server, nobody else.
    pub(crate) metadata: bool,
    /// What the token is for; all of Google Cloud if unset.
    pub(crate) scopes: Vec<String>,
}

/// What is left out is looked for as Azure's own programs do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Azure {
    /// The directory.
    pub(crate) tenant: Option<String>,
    /// The application, or the identity that the user assigned.
    pub(crate) client_id: Option<String>,
    /// The application's secret.
    pub(crate) client_secret: Option<SecretRef>,
    /// A token of the cluster that is exchanged.
    pub(crate) token_file: Option<PathBuf>,
    /// Ask the machine's managed identity, nobody else.
    pub(crate) managed_identity: bool,
    /// What the token is for; Azure's AI services if unset.
    pub(crate) scope: Option<String>,
    /// The sign-in host of another cloud.
    pub(crate) authority: Option<String>,
}

impl KeySource {
    /// The file that a secret stands in, if that is where.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Secret(secret) => secret.file(),
            Self::Fetched(_) => None,
        }
    }

    /// Everything that needs no environment; `suggested` is the variable that
    /// a literal secret should rather stand in.
    pub(crate) fn validate(&self, at: &str, suggested: &str, report: &mut Report<'_>) {
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

    /// What is to be fetched, its own secrets resolved.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub(crate) fn spec(&self, env: Env<'_>) -> Result<Spec, String> {
        match (&self.command, &self.aws, &self.google, &self.azure) {
            (Some(argv), ..) => Ok(Spec::Command {
                argv: argv.clone(),
                ttl: self.every.map_or(HOLDS, |every| every.0),
            }),
            (None, Some(aws), ..) => aws.spec(env),
            (None, None, Some(google), _) => google.spec(env),
            (None, None, None, Some(azure)) => azure.spec(env),
            (None, None, None, None) => Err("a key comes from one place".to_owned()),
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
    }

    fn spec(&self, env: Env<'_>) -> Result<Spec, String> {
        let keys = match (&self.access_key_id, &self.secret_access_key) {
            (Some(id), Some(secret)) => Some(AwsKeys {
                access_key: id.resolve(env)?,
                secret_key: secret.resolve(env)?,
                session_token: resolved(self.session_token.as_ref(), env)?,
            }),
            _ => None,
        };
        Ok(Spec::Aws(spec::Aws {
            region: self.region.clone().unwrap_or_default(),
            keys,
            profile: self.profile.clone(),
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            session_name: self.session_name.clone(),
        }))
    }
}

impl Google {
    fn spec(&self, env: Env<'_>) -> Result<Spec, String> {
        let json = self.json.as_ref().map(|json| json.text(env)).transpose()?;
        let from = match (&self.file, json, self.metadata) {
            (None, None, false) => GoogleFrom::Chain,
            (Some(file), None, false) => GoogleFrom::File(file.clone()),
            (None, Some(json), false) => GoogleFrom::Inline(Secret::new(json)),
            (None, None, true) => GoogleFrom::Metadata,
            _ => return Err("write one of `file`, `json` and `metadata`".to_owned()),
        };
        let scopes = self.scopes.clone();
        Ok(Spec::Google(spec::Google { from, scopes }))
    }
}

impl Azure {
    fn spec(&self, env: Env<'_>) -> Result<Spec, String> {
        let secret = resolved(self.client_secret.as_ref(), env)?;
        let from = match (secret, &self.token_file, self.managed_identity) {
            (None, None, false) => AzureFrom::Chain,
            (Some(secret), None, false) => AzureFrom::ClientSecret(secret),
            (None, Some(file), false) => AzureFrom::FederatedTokenFile(file.clone()),
            (None, None, true) => AzureFrom::ManagedIdentity,
            _ => {
                let all = "write one of `client_secret`, `token_file` and `managed_identity`";
                return Err(all.to_owned());
            }
        };
        Ok(Spec::Azure(spec::Azure {
            tenant: self.tenant.clone(),
            client_id: self.client_id.clone(),
            from,
            scope: self.scope.clone(),
            authority: self.authority.clone(),
        }))
    }
}

fn resolved(secret: Option<&SecretRef>, env: Env<'_>) -> Result<Option<Secret>, String> {
    secret.map(|secret| secret.resolve(env)).transpose()
}
