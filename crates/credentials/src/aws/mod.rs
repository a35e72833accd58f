//! AWS' chain, in the SDKs' order: fixed keys, the environment, the shared
//! files, a web identity, the container's server, the machine's server. A role
//! on top of what was found, if one is asked for.

mod container;
mod imds;
pub(crate) mod outlook;
mod process;
mod profile;
mod sections;
mod sts;

use std::time::Duration;

use domain::secret::Secret;
use domain::time::UnixMicros;

use crate::credential::Fetched;
use crate::fault::Fault;
use crate::json::Json;
use crate::spec::Aws;
use crate::surroundings::Surroundings;
use domain::credential::AwsKeys;
use domain::credential::Credential;

/// Keys that a link of the chain has given.
pub(crate) struct Found {
    keys: AwsKeys,
    expires: Option<UnixMicros>,
    look_again: Option<Duration>,
}

impl Found {
    fn fixed(keys: AwsKeys) -> Self {
        Self {
            keys,
            expires: None,
            look_again: None,
        }
    }
}

/// Fetches keys for what `spec` says.
pub(crate) async fn fetch(spec: &Aws, around: &Surroundings) -> Result<Fetched, Fault> {
    let sts = sts::Sts::of(spec, around);
    let found = base(spec, &sts, around).await?;
    let found = match &spec.role_arn {
        Some(role) => {
            let role = sts::Role {
                arn: role.clone(),
                external_id: spec.external_id.clone(),
                session_name: spec.session_name.clone(),
                seconds: None,
            };
            sts.assume_role(&role, &found.keys).await?
        }
        None => found,
    };
    Ok(Fetched {
        credential: Credential::Aws(found.keys),
        expires: found.expires,
        look_again: found.look_again,
    })
}

async fn base(spec: &Aws, sts: &sts::Sts<'_>, around: &Surroundings) -> Result<Found, Fault> {
    if let Some(keys) = &spec.keys {
        return Ok(Found::fixed(keys.clone()));
    }
    if let Some(name) = &spec.profile {
        return profile::keys(name, sts, around).await;
    }
    if let Some(keys) = environment(around)? {
        return Ok(Found::fixed(keys));
    }
    if let Some(name) = profile::chosen(around)? {
        return profile::keys(&name, sts, around).await;
    }
    if let Some(identity) = sts::WebIdentity::of_environment(around)? {
        return sts.assume_role_with_web_identity(&identity).await;
    }
    if let Some(found) = container::keys(around).await? {
        return Ok(found);
    }
    let found = imds::keys(around).await;
    found.map_err(|fault| fault.at_the_end_of("the environment, the shared files, the container"))
}

/// `AWS_ACCESS_KEY_ID` and its companions.
fn environment(around: &Surroundings) -> Result<Option<AwsKeys>, Fault> {
    let secret = around.secret("AWS_SECRET_ACCESS_KEY");
    match (around.env("AWS_ACCESS_KEY_ID"), secret) {
        (Some(access_key), Some(secret)) => Ok(Some(AwsKeys {
            access_key: Secret::new(access_key),
            secret_key: secret,
            session_token: around.secret("AWS_SESSION_TOKEN"),
        })),
        (None, None) => Ok(None),
        _ => Err(Fault::Setup(
            "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set".to_owned(),
        )),
    }
}

/// The JSON that containers, machines and helper processes give; they differ
/// in the token's name.
fn keys_of(json: &Json, token: &str) -> Result<Found, Fault> {
    let expires = match json.maybe("/Expiration") {
        Some(_) => Some(json.moment("/Expiration")?),
        None => None,
    };
    Ok(Found {
        keys: AwsKeys {
            access_key: Secret::new(json.token("/AccessKeyId")?),
            secret_key: Secret::new(json.token("/SecretAccessKey")?),
            session_token: match json.maybe(token) {
                Some(_) => Some(Secret::new(json.token(token)?)),
                None => None,
            },
        },
        expires,
        look_again: expires.is_none().then_some(crate::local::LOOK_AGAIN),
    })
}
