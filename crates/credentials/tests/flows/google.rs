//! Google Cloud.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use credentials::Spec;
use credentials::spec::{Google, GoogleFrom};
use domain::secret::Secret;
use serde_json::{Value, json};

use crate::scene::{Folder, first, token};
use crate::server::{Asked, Server, reply};

const TOKEN: &str = r#"{"access_token":"tok","expires_in":3599,"token_type":"Bearer"}"#;

fn inline(json: &Value) -> Spec {
    Spec::Google(Google {
        from: GoogleFrom::Inline(Secret::new(json.to_string())),
        scopes: Vec::new(),
    })
}

#[tokio::test]
async fn a_service_account_signs_for_its_token() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64_STANDARD.encode(der.as_ref())
    );
    let server = Server::start(|_| reply(200, TOKEN)).await;
    let url = format!("{}/token", server.url);
    let account = json!({"type": "service_account", "client_email": "a@b", "private_key_id": "k1",
        "private_key": pem, "token_uri": url});
    let credential = first(inline(&account), &[]).await.unwrap();
    assert_eq!(token(&credential), "tok");

    let body = server.asked()[0].body.clone();
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let jwt = body.strip_prefix(grant).unwrap();
    let (said, signature) = jwt.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key())
        .verify(said.as_bytes(), &signature)
        .unwrap();
    let parts: Vec<Value> = said
        .split('.')
        .map(|part| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts[0], json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(
        parts[1],
        json!({"iss": "a@b", "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": url, "iat": 1_440_938_160, "exp": 1_440_941_760})
    );
}

#[tokio::test]
async fn a_key_that_is_none_is_named_and_not_shown() {
    let account = json!({"type": "service_account", "client_email": "a@b", "private_key": "hush"});
    let said = first(inline(&account), &[]).await.unwrap_err().to_string();
    assert!(
        said.contains("`private_key` is no RSA key") && !said.contains("hush"),
        "{said}"
    );
}

#[tokio::test]
async fn gclouds_own_file_refreshes_a_persons_token() {
    let folder = Folder::new("gcloud");
    let server = Server::start(|_| reply(200, TOKEN)).await;
    let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s",
        "refresh_token": "1//r", "token_uri": server.url});
    let file = folder.file("application_default_credentials.json", &user.to_string());
    let home = file.rsplit_once('/').unwrap().0;
    first(
        Spec::Google(Google::default()),
        &[("CLOUDSDK_CONFIG", home)],
    )
    .await
    .unwrap();
    let named = [("GOOGLE_APPLICATION_CREDENTIALS", file.as_str())];
    first(Spec::Google(Google::default()), &named)
        .await
        .unwrap();
    let body = "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=1%2F%2Fr";
    assert!(server.asked().iter().all(|asked| asked.body == body));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_named_file_that_is_missing_is_an_error() {
    let env = [("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/x.json")];
    let said = first(Spec::Google(Google::default()), &env)
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("/nowhere/x.json"), "{said}");
}

fn federation(asked: &Asked) -> String {
    match asked.target.as_str() {
        "/subject" => reply(200, r#"{"value":"subject.from.url"}"#),
        "/sts" => reply(200, TOKEN),
        "/account:generateAccessToken" => reply(
            200,
            r#"{"accessToken":"narrow","expireTime":"2015-08-30T13:36:00Z"}"#,
        ),
        _ => reply(404, ""),
    }
}

#[tokio::test]
async fn a_workloads_token_from_a_file_is_exchanged() {
    let folder = Folder::new("federation");
    let file = folder.file("subject", "subject.from.file\n");
    let server = Server::start(federation).await;
    let account = json!({"type": "external_account", "audience": "//iam/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", server.url), "credential_source": {"file": file}});
    let credential = first(inline(&account), &[]).await.unwrap();
    assert_eq!(token(&credential), "tok");
    let body = server.asked()[0].body.clone();
    assert!(body.contains("&audience=%2F%2Fiam%2Fpool&"), "{body}");
    assert!(body.contains("&subject_token=subject.from.file&"), "{body}");
}

#[tokio::test]
async fn a_workload_speaks_for_an_account() {
    let server = Server::start(federation).await;
    let account = json!({"type": "external_account", "audience": "a", "subject_token_type": "t",
        "token_url": format!("{}/sts", server.url),
        "credential_source": {"url": format!("{}/subject", server.url), "headers": {"X-Who": "me"},
            "format": {"type": "json", "subject_token_field_name": "value"}},
        "service_account_impersonation_url": format!("{}/account:generateAccessToken", server.url),
        "service_account_impersonation": {"token_lifetime_seconds": 600}});
    let credential = first(inline(&account), &[]).await.unwrap();
    assert_eq!(token(&credential), "narrow");
    let asked = server.asked();
    assert_eq!(asked[0].header("x-who"), Some("me"));
    assert!(asked[1].body.contains("subject_token=subject.from.url"));
    assert_eq!(asked[2].header("authorization"), Some("Bearer tok"));
    let body: Value = serde_json::from_str(&asked[2].body).unwrap();
    assert_eq!(body["lifetime"], "600s");
}

#[tokio::test]
async fn kinds_that_are_not_supported_are_said_so() {
    let aws = json!({"type": "external_account", "audience": "a", "subject_token_type": "t",
        "token_url": "https://x", "credential_source": {"environment_id": "aws1"}});
    let said = first(inline(&aws), &[]).await.unwrap_err().to_string();
    assert!(said.contains("neither a file nor a url"), "{said}");
    let other = json!({"type": "gdch_service_account"});
    let said = first(inline(&other), &[]).await.unwrap_err().to_string();
    assert!(said.contains("`type` is neither"), "{said}");
}

#[tokio::test]
async fn a_machine_has_an_account() {
    let server = Server::start(|_| reply(200, TOKEN)).await;
    let host = server.url.strip_prefix("http://").unwrap();
    let spec = Spec::Google(Google {
        from: GoogleFrom::Metadata,
        scopes: vec!["a".to_owned(), "b".to_owned()],
    });
    first(spec, &[("GCE_METADATA_HOST", host)]).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(
        asked.target,
        "/computeMetadata/v1/instance/service-accounts/default/token?scopes=a%2Cb"
    );
    assert_eq!(asked.header("metadata-flavor"), Some("Google"));
}
