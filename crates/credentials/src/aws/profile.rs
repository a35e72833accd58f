//! Profiles of the shared files: keys, a helper process, a role on top of
//! another profile.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use domain::secret::Secret;
use domain::suggest;

use super::sections::{self, Kind, Settings};
use super::sts::{Role, Sts, WebIdentity};
use super::{Found, container, environment, imds, process};
use crate::fault::Fault;
use crate::local::LOOK_AGAIN;
use crate::outlook::Outlook;
use crate::surroundings::{self, Surroundings};
use domain::credential::AwsKeys;

/// Roles that may lie on top of each other.
const MOST_ROLES: usize = 8;

type Profiles = HashMap<String, Settings>;

/// The profile that the chain is to use: the one that the environment names,
/// or `default` if it says anything of credentials.
pub(super) fn chosen(around: &Surroundings) -> Result<Option<String>, Fault> {
    if let Some(name) = around.env("AWS_PROFILE") {
        return Ok(Some(name));
    }
    let profiles = load(around)?;
    let says = |settings: &Settings| MARKS.iter().any(|mark| settings.contains_key(*mark));
    let default = profiles.get("default").filter(|settings| says(settings));
    Ok(default.map(|_| "default".to_owned()))
}

const MARKS: [&str; 7] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "role_arn",
    "credential_process",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
];

/// The keys of a profile.
pub(super) async fn keys(name: &str, sts: &Sts<'_>, around: &Surroundings) -> Result<Found, Fault> {
    let profiles = load(around)?;
    let (bottom, roles) = roles(name, &profiles)?;
    let mut found = lowest(&bottom, &profiles, sts, around).await?;
    for role in roles.iter().rev() {
        found = sts.assume_role(role, &found.keys).await?;
    }
    Ok(found)
}

/// What can be said of a profile before anybody is asked.
pub(super) fn outlook(name: &str, around: &Surroundings) -> Result<Outlook, Fault> {
    let profiles = load(around)?;
    match roles(name, &profiles)?.0 {
        Bottom::Profile(name) => Ok(match stated(&name, profile(&name, &profiles)?)? {
            Stated::Keys(_) => Outlook::Complete,
            Stated::Helper(_) => Outlook::Unknown("the profile's `credential_process` is run"),
        }),
        Bottom::Token(identity) => {
            surroundings::read(&identity.token_file).map(|_| Outlook::Complete)
        }
        Bottom::Link(link) => match link.as_str() {
            ENVIRONMENT => match environment(around)? {
                Some(_) => Ok(Outlook::Complete),
                None => Err(no_link("AWS_ACCESS_KEY_ID is not set")),
            },
            CONTAINER if container::is_there(around) => {
                Ok(Outlook::Unknown("the container's server is asked for keys"))
            }
            CONTAINER => Err(no_link(NO_CONTAINER)),
            MACHINE => Ok(Outlook::Unknown(
                "the machine's metadata server is asked for keys",
            )),
            _ => Err(no_such_link()),
        },
    }
}

/// What to do about a profile that is not as it should be.
pub(super) fn advice(name: &str, around: &Surroundings) -> String {
    let Ok(profiles) = load(around) else {
        return "let this user read the file".to_owned();
    };
    let mut names: Vec<&str> = profiles.keys().map(String::as_str).collect();
    names.sort_unstable();
    match (profiles.contains_key(name), names.is_empty()) {
        (true, _) => "mend it in `~/.aws`; `aws sts get-caller-identity` tries it".to_owned(),
        (false, true) => "there is none: `aws configure` makes one".to_owned(),
        (false, false) => suggest::help(name, names),
    }
}

/// The links of the chain that a profile may name.
const ENVIRONMENT: &str = "Environment";
const CONTAINER: &str = "EcsContainer";
const MACHINE: &str = "Ec2InstanceMetadata";
const NO_CONTAINER: &str = "this is no container of ECS or EKS";

fn no_link(what: &str) -> Fault {
    Fault::Missing(format!("credential_source: {what}"))
}

fn no_such_link() -> Fault {
    Fault::Setup(format!(
        "credential_source is neither {ENVIRONMENT}, {CONTAINER} nor {MACHINE}"
    ))
}

/// What the roles stand on.
enum Bottom {
    /// Keys of this profile itself, or its helper's.
    Profile(String),
    /// Another issuer's token, and the role that comes with it.
    Token(WebIdentity),
    /// A link of the chain that the profile names.
    Link(String),
}

/// The roles to take on, the last first, and what is below them all.
fn roles(name: &str, profiles: &Profiles) -> Result<(Bottom, Vec<Role>), Fault> {
    let mut roles = Vec::new();
    let mut seen = HashSet::new();
    let mut name = name.to_owned();
    loop {
        let settings = profile(&name, profiles)?;
        let get = |key: &str| settings.get(key).filter(|v| !v.is_empty()).cloned();
        let Some(arn) = get("role_arn") else {
            return Ok((Bottom::Profile(name), roles));
        };
        if let Some(file) = get("web_identity_token_file") {
            let identity = WebIdentity {
                token_file: file.into(),
                role_arn: arn,
                session_name: get("role_session_name"),
            };
            return Ok((Bottom::Token(identity), roles));
        }
        if !seen.insert(name.clone()) || seen.len() > MOST_ROLES {
            return Err(wrong(&name, "is part of a circle of roles"));
        }
        if settings.contains_key("mfa_serial") {
            return Err(wrong(
                &name,
                "asks for a second factor, which a server has not",
            ));
        }
        roles.push(Role {
            arn,
            external_id: get("external_id"),
            session_name: get("role_session_name"),
            seconds: get("duration_seconds"),
        });
        match (get("source_profile"), get("credential_source")) {
            // A profile may stand on its own keys.
            (Some(source), _) if source == name => return Ok((Bottom::Profile(name), roles)),
            (Some(source), _) => name = source,
            (None, Some(link)) => return Ok((Bottom::Link(link), roles)),
            (None, None) => {
                return Err(wrong(
                    &name,
                    "has a role_arn without source_profile or credential_source",
                ));
            }
        }
    }
}

async fn lowest(
    bottom: &Bottom,
    profiles: &Profiles,
    sts: &Sts<'_>,
    around: &Surroundings,
) -> Result<Found, Fault> {
    match bottom {
        Bottom::Profile(name) => match stated(name, profile(name, profiles)?)? {
            Stated::Keys(found) => Ok(found),
            Stated::Helper(line) => process::keys(line).await,
        },
        Bottom::Token(identity) => sts.assume_role_with_web_identity(identity).await,
        Bottom::Link(link) => match link.as_str() {
            ENVIRONMENT => environment(around)?
                .map(Found::fixed)
                .ok_or_else(|| no_link("AWS_ACCESS_KEY_ID is not set")),
            CONTAINER => container::keys(around)
                .await?
                .ok_or_else(|| no_link(NO_CONTAINER)),
            MACHINE => imds::keys(around).await,
            _ => Err(no_such_link()),
        },
    }
}

/// What a profile says by itself.
enum Stated<'a> {
    Keys(Found),
    /// A helper that prints them.
    Helper(&'a str),
}

/// A profile's own keys, or its helper.
fn stated<'a>(name: &str, settings: &'a Settings) -> Result<Stated<'a>, Fault> {
    let get = |key: &str| settings.get(key).filter(|v| !v.is_empty());
    let keys = (get("aws_access_key_id"), get("aws_secret_access_key"));
    if let (Some(access_key), Some(secret)) = keys {
        return Ok(Stated::Keys(Found {
            keys: AwsKeys {
                access_key: Secret::new(access_key.as_str()),
                secret_key: Secret::new(secret.as_str()),
                session_token: get("aws_session_token").map(|t| Secret::new(t.as_str())),
            },
            expires: None,
            look_again: Some(LOOK_AGAIN),
        }));
    }
    if let Some(line) = get("credential_process") {
        return Ok(Stated::Helper(line));
    }
    if get("sso_session").or(get("sso_start_url")).is_some() {
        return Err(wrong(
            name,
            "signs in by SSO, which needs a person; give it keys, a role or a credential_process \
             (`aws configure export-credentials --profile …` is one)",
        ));
    }
    Err(wrong(name, "holds no credentials"))
}

fn profile<'a>(name: &str, profiles: &'a Profiles) -> Result<&'a Settings, Fault> {
    profiles
        .get(name)
        .ok_or_else(|| wrong(name, "is in neither of the shared files"))
}

fn wrong(name: &str, what: &str) -> Fault {
    Fault::Setup(format!("the AWS profile `{name}` {what}"))
}

/// Both files; one that is not there holds nothing.
fn load(around: &Surroundings) -> Result<Profiles, Fault> {
    let place = |variable: &str, below: &str| -> Option<PathBuf> {
        let named = around.env(variable).map(PathBuf::from);
        named.or_else(|| around.home(below))
    };
    let files = [
        (place("AWS_CONFIG_FILE", ".aws/config"), Kind::Config),
        (
            place("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
            Kind::Credentials,
        ),
    ];
    let mut profiles = Profiles::new();
    for (path, kind) in files {
        let Some(path) = path else { continue };
        match surroundings::read(&path) {
            Ok(text) => sections::add(&mut profiles, &text, kind),
            Err(Fault::Missing(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(profiles)
}
