//! A key that is fetched, as it is written, into what fetches it: its own
//! secrets resolved.

use std::time::Duration;

use config::key_source::{Aws, Azure, Fetched, Google};
use config::secret::{Env, SecretRef};
use credentials::Spec;
use credentials::spec::{self, AzureFrom, GoogleFrom};
use domain::credential::AwsKeys;
use domain::secret::Secret;

/// How long what a command prints holds if nobody says.
const HOLDS: Duration = Duration::from_secs(300);

/// What is to be fetched.
///
/// # Errors
/// A sentence that names what is missing.
pub(super) fn spec(fetched: &Fetched, env: Env<'_>) -> Result<Spec, String> {
    let Fetched {
        command,
        every,
        aws,
        google,
        azure,
    } = fetched;
    match (command, aws, google, azure) {
        (Some(argv), ..) => Ok(Spec::Command {
            argv: argv.clone(),
            ttl: every.map_or(HOLDS, |every| every.0),
        }),
        (None, Some(aws), ..) => of_aws(aws, env),
        (None, None, Some(google), _) => of_google(google, env),
        (None, None, None, Some(azure)) => of_azure(azure, env),
        (None, None, None, None) => Err("a key comes from one place".to_owned()),
    }
}

fn of_aws(aws: &Aws, env: Env<'_>) -> Result<Spec, String> {
    let keys = match (&aws.access_key_id, &aws.secret_access_key) {
        (Some(id), Some(secret)) => Some(AwsKeys {
            access_key: id.resolve(env)?,
            secret_key: secret.resolve(env)?,
            session_token: resolved(aws.session_token.as_ref(), env)?,
        }),
        _ => None,
    };
    Ok(Spec::Aws(spec::Aws {
        region: aws.region.clone().unwrap_or_default(),
        keys,
        profile: aws.profile.clone(),
        role_arn: aws.role_arn.clone(),
        external_id: aws.external_id.clone(),
        session_name: aws.session_name.clone(),
    }))
}

fn of_google(google: &Google, env: Env<'_>) -> Result<Spec, String> {
    let json = google
        .json
        .as_ref()
        .map(|json| json.text(env))
        .transpose()?;
    let from = match (&google.file, json, google.metadata) {
        (None, None, false) => GoogleFrom::Chain,
        (Some(file), None, false) => GoogleFrom::File(file.clone()),
        (None, Some(json), false) => GoogleFrom::Inline(Secret::new(json)),
        (None, None, true) => GoogleFrom::Metadata,
        _ => return Err("write one of `file`, `json` and `metadata`".to_owned()),
    };
    let scopes = google.scopes.clone();
    Ok(Spec::Google(spec::Google { from, scopes }))
}

fn of_azure(azure: &Azure, env: Env<'_>) -> Result<Spec, String> {
    let secret = resolved(azure.client_secret.as_ref(), env)?;
    let from = match (secret, &azure.token_file, azure.managed_identity) {
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
        tenant: azure.tenant.clone(),
        client_id: azure.client_id.clone(),
        from,
        scope: azure.scope.clone(),
        authority: azure.authority.clone(),
    }))
}

fn resolved(secret: Option<&SecretRef>, env: Env<'_>) -> Result<Option<Secret>, String> {
    secret.map(|secret| secret.resolve(env)).transpose()
}
