//! Azure Entra ID: client credentials with a secret or a federated token, and
//! managed identities.

use std::path::Path;

use domain::time::UnixMicros;

use crate::credential::Fetched;
use crate::fault::Fault;
use crate::http::{Ask, form};
use crate::json::Json;
use crate::outlook::{Hopeless, Outlook};
use crate::spec::{Azure, AzureFrom};
use crate::surroundings::{self, Surroundings};

const AUTHORITY: &str = "https://login.microsoftonline.com";
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
const MACHINE: &str = "http://169.254.169.254";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Fetches a token for what `spec` says.
pub(crate) async fn fetch(spec: &Azure, around: &Surroundings) -> Result<Fetched, Fault> {
    let app = App { spec, around };
    match &spec.from {
        AzureFrom::ClientSecret(secret) => app.by_secret(secret.reveal()).await,
        AzureFrom::FederatedTokenFile(path) => app.by_token_file(path).await,
        AzureFrom::ManagedIdentity => app.managed(spec.client_id.clone()).await,
        AzureFrom::Chain => {
            if let Some(secret) = around.secret(SECRET) {
                return app.by_secret(secret.reveal()).await;
            }
            if let Some(file) = around.env(TOKEN_FILE) {
                return app.by_token_file(file.as_ref()).await;
            }
            let client = spec.client_id.clone();
            let client = client.or_else(|| around.env(CLIENT));
            let token = app.managed(client).await;
            token.map_err(|fault| fault.at_the_end_of("the environment"))
        }
    }
}

/// What can be said of `spec` on this machine.
pub(crate) fn outlook(spec: &Azure, around: &Surroundings) -> Result<Outlook, Hopeless> {
    let app = App { spec, around };
    let token_file = match &spec.from {
        AzureFrom::ClientSecret(_) => None,
        AzureFrom::FederatedTokenFile(path) => Some(path.clone()),
        AzureFrom::ManagedIdentity => return Ok(Outlook::Unknown(MANAGED)),
        AzureFrom::Chain if around.env(SECRET).is_some() => None,
        AzureFrom::Chain => match around.env(TOKEN_FILE) {
            Some(path) => Some(path.into()),
            None => return Ok(Outlook::Unknown(MANAGED)),
        },
    };
    let tenant = |fault| {
        let help = format!("write `tenant`, or set `{TENANT}`: the directory's id");
        Hopeless::new("azure.tenant", fault, help)
    };
    app.tenant().map_err(tenant)?;
    let client = |fault| {
        let help = format!("write `client_id`, or set `{CLIENT}`: the application's id");
        Hopeless::new("azure.client_id", fault, help)
    };
    app.client().map_err(client)?;
    if let Some(path) = token_file {
        let gone = |fault| Hopeless::new("azure.token_file", fault, "check the path");
        surroundings::read(&path).map_err(gone)?;
    }
    Ok(Outlook::Complete)
}

const MANAGED: &str = "the managed identity is asked for a token";
const SECRET: &str = "AZURE_CLIENT_SECRET";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";

struct App<'a> {
    spec: &'a Azure,
    around: &'a Surroundings,
}

impl App<'_> {
    fn scope(&self) -> &str {
        self.spec.scope.as_deref().unwrap_or(SCOPE)
    }

    fn given(&self, own: Option<&String>, name: &str) -> Result<String, Fault> {
        own.cloned()
            .or_else(|| self.around.env(name))
            .ok_or_else(|| Fault::Setup(format!("for a token of Azure {name} is missing")))
    }

    async fn by_secret(&self, secret: &str) -> Result<Fetched, Fault> {
        self.sign_in(&[("client_secret", secret)]).await
    }

    /// Read anew each time: its issuer replaces it every hour or so.
    async fn by_token_file(&self, path: &Path) -> Result<Fetched, Fault> {
        let token = surroundings::read(path)?;
        let proof = [
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", token.trim()),
        ];
        self.sign_in(&proof).await
    }

    fn tenant(&self) -> Result<String, Fault> {
        let tenant = self.given(self.spec.tenant.as_ref(), TENANT)?;
        let is_tenant = (tenant.bytes()).all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        match is_tenant {
            true => Ok(tenant),
            false => Err(Fault::Setup("that is no tenant of Azure".to_owned())),
        }
    }

    fn client(&self) -> Result<String, Fault> {
        self.given(self.spec.client_id.as_ref(), CLIENT)
    }

    async fn sign_in(&self, proof: &[(&str, &str)]) -> Result<Fetched, Fault> {
        let (tenant, client) = (self.tenant()?, self.client()?);
        let authority = self.spec.authority.clone();
        let authority = authority
            .or_else(|| self.around.env("AZURE_AUTHORITY_HOST"))
            .unwrap_or_else(|| AUTHORITY.to_owned());
        let url = format!(
            "{}/{tenant}/oauth2/v2.0/token",
            authority.trim_end_matches('/')
        );
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("scope", self.scope()),
        ];
        fields.extend_from_slice(proof);
        let answer = self.around.http.ask(Ask::form(url, &fields)).await?;
        let json = Json::of(&answer)?;
        let expires = json.lifetime("/expires_in", self.around)?;
        Ok(Fetched::token(json.token("/access_token")?, expires))
    }

    /// The identity of a service (App Service, Container Apps) or a machine.
    async fn managed(&self, client: Option<String>) -> Result<Fetched, Fault> {
        let resource = self.scope().trim_end_matches("/.default");
        let service = self.around.env("IDENTITY_ENDPOINT");
        let ask = match (service, self.around.env("IDENTITY_HEADER")) {
            (Some(url), Some(header)) => {
                let query = query("2019-08-01", resource, client.as_deref());
                Ask::get(format!("{url}?{query}")).with("x-identity-header", header)
            }
            (Some(_), None) => {
                return Err(Fault::Setup(
                    "IDENTITY_ENDPOINT without IDENTITY_HEADER: Azure Arc and Service Fabric are \
                     not supported; use a federated token or a secret"
                        .to_owned(),
                ));
            }
            (None, _) => {
                let host = self.around.env("AZURE_POD_IDENTITY_AUTHORITY_HOST");
                let host = host.unwrap_or_else(|| MACHINE.to_owned());
                let query = query("2018-02-01", resource, client.as_deref());
                let host = host.trim_end_matches('/');
                Ask::get(format!("{host}/metadata/identity/oauth2/token?{query}"))
                    .with("metadata", "true")
            }
        };
        let answer = self.around.http.ask(ask.nearby()).await?;
        let json = Json::of(&answer)?;
        // A cached token's `expires_in` may be that of its birth.
        let expires = match json.number("/expires_on") {
            Some(seconds) => UnixMicros(seconds.saturating_mul(1_000_000)),
            None => json.lifetime("/expires_in", self.around)?,
        };
        Ok(Fetched::token(json.token("/access_token")?, expires))
    }
}

fn query(version: &str, resource: &str, client: Option<&str>) -> String {
    let mut fields = vec![("api-version", version), ("resource", resource)];
    if let Some(client) = client {
        fields.push(("client_id", client));
    }
    form(&fields)
}
