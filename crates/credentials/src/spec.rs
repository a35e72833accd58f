//! What configuration says about a credential: plain values, nothing read yet.

use std::path::PathBuf;
use std::time::Duration;

use domain::credential::AwsKeys;
use domain::secret::Secret;

/// Where a provider's credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// Keys for signing requests to AWS.
    Aws(Aws),
    /// A bearer token of Google Cloud.
    Google(Google),
    /// A bearer token of Azure Entra ID.
    Azure(Azure),
    /// What a command prints is the key.
    Command {
        /// The program and its arguments; no shell.
        argv: Vec<String>,
        /// How long what it printed holds.
        ttl: Duration,
    },
    /// What a file holds is the key; read again when it changes.
    File {
        /// The file.
        path: PathBuf,
    },
}

impl Spec {
    /// Its secrets, to tell it from others; for no eyes.
    #[must_use]
    pub fn revealed(&self) -> String {
        match self {
            Self::Aws(Aws {
                keys: Some(keys), ..
            }) => {
                format!("{} {}", keys.access_key.reveal(), keys.secret_key.reveal())
            }
            Self::Google(Google {
                from: GoogleFrom::Inline(json),
                ..
            }) => json.reveal().to_owned(),
            Self::Azure(Azure {
                from: AzureFrom::ClientSecret(secret),
                ..
            }) => secret.reveal().to_owned(),
            _ => String::new(),
        }
    }
}

/// AWS: the SDKs' chain, or one link of it, and a role on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aws {
    /// The region whose token service is asked; `AWS_REGION` if empty.
    pub region: String,
    /// Fixed keys. Without them the chain looks.
    pub keys: Option<AwsKeys>,
    /// A profile of the shared files; then the chain looks nowhere else.
    pub profile: Option<String>,
    /// A role to take on with what was found.
    pub role_arn: Option<String>,
    /// What the role's owner asks for.
    pub external_id: Option<String>,
    /// What CloudTrail shows as the session.
    pub session_name: Option<String>,
}

/// Google Cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Google {
    /// Where to look.
    pub from: GoogleFrom,
    /// What the token is for; all of Google Cloud if empty.
    pub scopes: Vec<String>,
}

/// Where a Google credential is described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GoogleFrom {
    /// `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's own file, the metadata server.
    #[default]
    Chain,
    /// A file in Google's JSON.
    File(PathBuf),
    /// Google's JSON itself.
    Inline(Secret),
    /// The metadata server of the machine or the cluster.
    Metadata,
}

/// Azure Entra ID. What is `None` comes from the `AZURE_…` variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Azure {
    /// The directory.
    pub tenant: Option<String>,
    /// The application, or the user-assigned identity.
    pub client_id: Option<String>,
    /// How it shows who it is.
    pub from: AzureFrom,
    /// What the token is for; Azure's AI services if `None`.
    pub scope: Option<String>,
    /// The sign-in host, for other clouds than the public one.
    pub authority: Option<String>,
}

/// How an Azure application shows who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AzureFrom {
    /// A secret, a federated token, the managed identity: the first there is.
    #[default]
    Chain,
    /// A secret of the application.
    ClientSecret(Secret),
    /// A token file that another issuer keeps fresh (AKS).
    FederatedTokenFile(PathBuf),
    /// The identity that the machine or the service has.
    ManagedIdentity,
}
