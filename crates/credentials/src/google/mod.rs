//! Google Cloud: application default credentials in Google's order, each kind
//! of credential file a file here.

mod external;
mod metadata;
pub(crate) mod outlook;
mod service_account;

use std::path::PathBuf;

use crate::credential::Fetched;
use crate::fault::Fault;
use crate::http::Ask;
use crate::json::Json;
use crate::spec::{Google, GoogleFrom};
use crate::surroundings::{self, Surroundings};

const ALL_OF_CLOUD: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Fetches a token for what `spec` says.
pub(crate) async fn fetch(spec: &Google, around: &Surroundings) -> Result<Fetched, Fault> {
    let scopes = match spec.scopes.is_empty() {
        true => ALL_OF_CLOUD.to_owned(),
        false => spec.scopes.join(" "),
    };
    match described(spec, around)? {
        Some(json) => by_file(&json, &scopes, around).await,
        None if spec.from == GoogleFrom::Metadata => metadata::token(&scopes, around).await,
        None => {
            let token = metadata::token(&scopes, around).await;
            token.map_err(|fault| fault.at_the_end_of("the environment, gcloud's file"))
        }
    }
}

/// What describes the credential in Google's JSON; `None` if only the metadata
/// server is left.
fn described(spec: &Google, around: &Surroundings) -> Result<Option<Json>, Fault> {
    let file = match &spec.from {
        GoogleFrom::Inline(json) => {
            return Json::parse("the inline credential", json.reveal()).map(Some);
        }
        GoogleFrom::Metadata => None,
        GoogleFrom::File(path) => Some(path.clone()),
        GoogleFrom::Chain => match around.env("GOOGLE_APPLICATION_CREDENTIALS") {
            Some(path) => Some(path.into()),
            None => well_known(around).filter(|path| path.exists()),
        },
    };
    let read =
        |path: PathBuf| Json::parse(&path.display().to_string(), &surroundings::read(&path)?);
    file.map(read).transpose()
}

/// Where gcloud leaves what `gcloud auth application-default login` got.
fn well_known(around: &Surroundings) -> Option<PathBuf> {
    const FILE: &str = "application_default_credentials.json";
    match around.env("CLOUDSDK_CONFIG") {
        Some(folder) => Some(PathBuf::from(folder).join(FILE)),
        None => around.home(&format!(".config/gcloud/{FILE}")),
    }
}

async fn by_file(json: &Json, scopes: &str, around: &Surroundings) -> Result<Fetched, Fault> {
    match json.text("/type")? {
        "service_account" => service_account::token(json, scopes, around).await,
        "authorized_user" => user(json, around).await,
        "external_account" => external::token(json, scopes, around).await,
        _ => Err(json.wrong("/type", NO_TYPE)),
    }
}

const NO_TYPE: &str = "is neither service_account, authorized_user nor external_account";

/// What a person's file must have.
const USER: [&str; 3] = ["/client_id", "/client_secret", "/refresh_token"];

/// A person's refresh token. Its scopes were set when it was given.
async fn user(json: &Json, around: &Surroundings) -> Result<Fetched, Fault> {
    let mut fields = vec![("grant_type", "refresh_token")];
    for place in USER {
        fields.push((place.trim_start_matches('/'), json.text(place)?));
    }
    let url = json.maybe("/token_uri").unwrap_or(TOKEN_URI);
    access_token(Ask::form(url, &fields), around).await
}

/// OAuth's answer.
async fn access_token(ask: Ask, around: &Surroundings) -> Result<Fetched, Fault> {
    let answer = around.http.ask(ask).await?;
    let json = Json::of(&answer)?;
    let expires = json.lifetime("/expires_in", around)?;
    Ok(Fetched::token(json.token("/access_token")?, expires))
}
