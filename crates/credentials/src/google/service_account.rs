//! A service account's key: a signed statement, exchanged for a token.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::{TOKEN_URI, access_token};
use crate::credential::Fetched;
use crate::fault::Fault;
use crate::http::Ask;
use crate::json::Json;
use crate::surroundings::Surroundings;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Google takes no longer one.
const LIFE_SECONDS: i64 = 3600;

/// A token of the account whose key this is.
pub(super) async fn token(
    key: &Json,
    scopes: &str,
    around: &Surroundings,
) -> Result<Fetched, Fault> {
    let url = key.maybe("/token_uri").unwrap_or(TOKEN_URI);
    let now = around.now().seconds();
    let claims = json!({
        "iss": key.text("/client_email")?,
        "scope": scopes,
        "aud": url,
        "iat": now,
        "exp": now.saturating_add(LIFE_SECONDS),
    });
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(id), Some(header)) = (key.maybe("/private_key_id"), header.as_object_mut()) {
        header.insert("kid".to_owned(), id.into());
    }
    let said = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(header.to_string()),
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = signature(key, said.as_bytes())?;
    let assertion = format!("{said}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    let fields = [("grant_type", GRANT), ("assertion", assertion.as_str())];
    access_token(Ask::form(url, &fields), around).await
}

const PLACE: &str = "/private_key";

/// The account's key.
pub(super) fn key_pair(key: &Json) -> Result<RsaKeyPair, Fault> {
    let wrong = || key.wrong(PLACE, "is no RSA key in PKCS#8 and PEM");
    let pem = key.text(PLACE)?.as_bytes();
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| wrong())?;
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| wrong())
}

fn signature(key: &Json, said: &[u8]) -> Result<Vec<u8>, Fault> {
    let pair = key_pair(key)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        said,
        &mut signature,
    )
    .map_err(|_| key.wrong(PLACE, "cannot sign"))?;
    Ok(signature)
}
