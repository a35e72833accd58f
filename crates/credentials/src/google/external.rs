//! Workload identity federation: another issuer's token, from a file or a
//! URL, exchanged for one of Google's, and a service account on top if asked.

use serde_json::{Value, json};

use super::{ALL_OF_CLOUD, access_token};
use crate::credential::Fetched;
use crate::fault::Fault;
use crate::http::Ask;
use crate::json::Json;
use crate::outlook::Outlook;
use crate::surroundings::{self, Surroundings};
use domain::credential::Credential;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const LIFE_SECONDS: i64 = 3600;

/// A token for what the file describes.
pub(super) async fn token(
    file: &Json,
    scopes: &str,
    around: &Surroundings,
) -> Result<Fetched, Fault> {
    let subject = subject(file, around).await?;
    let account = file.maybe("/service_account_impersonation_url");
    let fields = [
        ("grant_type", GRANT),
        ("audience", file.text("/audience")?),
        // To speak for an account takes all of Cloud; its own token is narrow.
        ("scope", account.map_or(scopes, |_| ALL_OF_CLOUD)),
        ("requested_token_type", ACCESS_TOKEN),
        ("subject_token", subject.as_str()),
        ("subject_token_type", file.text("/subject_token_type")?),
    ];
    let exchanged = access_token(Ask::form(file.text("/token_url")?, &fields), around).await?;
    match (account, &exchanged.credential) {
        (Some(url), Credential::Token(token)) => {
            let lifetime = "/service_account_impersonation/token_lifetime_seconds";
            let seconds = file.number(lifetime).unwrap_or(LIFE_SECONDS);
            let body = json!({
                "scope": scopes.split(' ').collect::<Vec<_>>(),
                "lifetime": format!("{seconds}s"),
            });
            let ask =
                Ask::json(url, &body).with("authorization", format!("Bearer {}", token.reveal()));
            let answer = around.http.ask(ask).await?;
            let json = Json::of(&answer)?;
            let expires = json.moment("/expireTime")?;
            Ok(Fetched::token(json.token("/accessToken")?, expires))
        }
        _ => Ok(exchanged),
    }
}

/// What can be said of such a file before anybody is asked.
pub(super) fn outlook(file: &Json) -> Result<Outlook, Fault> {
    for place in ["/audience", "/subject_token_type", "/token_url"] {
        file.text(place)?;
    }
    if let Some(path) = file.maybe("/credential_source/file") {
        surroundings::read(path.as_ref())?;
        return Ok(Outlook::Complete);
    }
    match file.maybe("/credential_source/url") {
        Some(_) => Ok(Outlook::Unknown("the other issuer is asked for a token")),
        None => Err(file.wrong(SOURCE, NO_SOURCE)),
    }
}

const SOURCE: &str = "/credential_source";
const NO_SOURCE: &str = "is neither a file nor a url, the kinds that are supported";

/// The other issuer's token.
async fn subject(file: &Json, around: &Surroundings) -> Result<String, Fault> {
    let (from, text) = if let Some(path) = file.maybe("/credential_source/file") {
        (path.to_owned(), surroundings::read(path.as_ref())?)
    } else if let Some(url) = file.maybe("/credential_source/url") {
        let mut ask = Ask::get(url);
        let headers = file.value().pointer("/credential_source/headers");
        for (name, value) in headers.and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            ask = ask.with(name, value);
        }
        let answer = around.http.ask(ask).await?;
        (answer.host, answer.body)
    } else {
        return Err(file.wrong(SOURCE, NO_SOURCE));
    };
    let token = match file.maybe("/credential_source/format/type") {
        Some("json") => {
            let name = file.text("/credential_source/format/subject_token_field_name")?;
            let json = Json::parse(&from, &text)?;
            let token = json.value().get(name).and_then(Value::as_str);
            token.unwrap_or_default().to_owned()
        }
        _ => text.trim().to_owned(),
    };
    match token.is_empty() {
        true => Err(Fault::unreadable(&from, "no token in it")),
        false => Ok(token),
    }
}
