//! The metadata server of a machine (GCE), a pod (GKE) or a service (Run).

use super::access_token;
use crate::credential::Fetched;
use crate::fault::Fault;
use crate::http::{Ask, form};
use crate::surroundings::Surroundings;

const SERVER: &str = "metadata.google.internal";
const TOKEN: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// A token of the account that runs this.
pub(super) async fn token(scopes: &str, around: &Surroundings) -> Result<Fetched, Fault> {
    let server = around.env("GCE_METADATA_HOST");
    let server = server.unwrap_or_else(|| SERVER.to_owned());
    let scopes = scopes.replace(' ', ",");
    let query = form(&[("scopes", &scopes)]);
    let ask = Ask::get(format!("http://{server}{TOKEN}?{query}"))
        .with("metadata-flavor", "Google")
        .nearby();
    access_token(ask, around).await
}
