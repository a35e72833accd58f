//! The server beside a container: ECS tasks and EKS pod identities.

use super::{Found, keys_of};
use crate::fault::Fault;
use crate::http::Ask;
use crate::json::Json;
use crate::surroundings::{self, Surroundings};

const ECS: &str = "http://169.254.170.2";

/// The container's keys, if it has a server for them.
pub(super) async fn keys(around: &Surroundings) -> Result<Option<Found>, Fault> {
    let Some(url) = url(around) else {
        return Ok(None);
    };
    let mut ask = Ask::get(url).nearby();
    if let Some(token) = token(around)? {
        ask = ask.with("authorization", token);
    }
    let answer = around.http.ask(ask).await?;
    keys_of(&Json::of(&answer)?, "/Token").map(Some)
}

/// Whether this is a container with a server for keys.
pub(super) fn is_there(around: &Surroundings) -> bool {
    url(around).is_some()
}

fn url(around: &Surroundings) -> Option<String> {
    match around.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => Some(format!("{ECS}/{}", path.trim_start_matches('/'))),
        None => around.env("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    }
}

/// The file wins: EKS writes a new token into it again and again.
fn token(around: &Surroundings) -> Result<Option<String>, Fault> {
    match around.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => {
            let token = surroundings::read(file.as_ref())?;
            Ok(Some(token.trim().to_owned()))
        }
        None => Ok(around.env("AWS_CONTAINER_AUTHORIZATION_TOKEN")),
    }
}
