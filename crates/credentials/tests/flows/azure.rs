//! Azure Entra ID.

use credentials::Spec;
use credentials::spec::{Azure, AzureFrom};

use crate::scene::{Folder, first, token};
use crate::server::{Server, reply};

const TOKEN: &str = r#"{"access_token":"tok","expires_in":3599}"#;

#[tokio::test]
async fn a_secret_of_the_environment_is_exchanged() {
    let server = Server::start(|_| reply(200, TOKEN)).await;
    let env = [
        ("AZURE_TENANT_ID", "tenant-1"),
        ("AZURE_CLIENT_ID", "client-1"),
        ("AZURE_CLIENT_SECRET", "s&s"),
        ("AZURE_AUTHORITY_HOST", server.url.as_str()),
    ];
    let credential = first(Spec::Azure(Azure::default()), &env).await.unwrap();
    assert_eq!(token(&credential), "tok");
    let asked = &server.asked()[0];
    assert_eq!(asked.target, "/tenant-1/oauth2/v2.0/token");
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&client_id=client-1\
         &scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default&client_secret=s%26s"
    );
}

#[tokio::test]
async fn a_federated_token_of_aks_is_exchanged() {
    let folder = Folder::new("aks");
    let file = folder.file("token", "jwt.of.cluster\n");
    let server = Server::start(|_| reply(200, TOKEN)).await;
    let env = [
        ("AZURE_TENANT_ID", "tenant-1"),
        ("AZURE_CLIENT_ID", "client-1"),
        ("AZURE_FEDERATED_TOKEN_FILE", file.as_str()),
        ("AZURE_AUTHORITY_HOST", server.url.as_str()),
    ];
    first(Spec::Azure(Azure::default()), &env).await.unwrap();
    let body = server.asked()[0].body.clone();
    assert!(body.ends_with("client-assertion-type%3Ajwt-bearer&client_assertion=jwt.of.cluster"));
}

#[tokio::test]
async fn a_machine_has_an_identity() {
    let on = r#"{"access_token":"tok","expires_in":"0","expires_on":"1440941760"}"#;
    let server = Server::start(move |_| reply(200, on)).await;
    let env = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url.as_str())];
    let spec = Spec::Azure(Azure {
        client_id: Some("mine".to_owned()),
        from: AzureFrom::ManagedIdentity,
        ..Azure::default()
    });
    first(spec, &env).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(
        asked.target,
        "/metadata/identity/oauth2/token?api-version=2018-02-01\
         &resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=mine"
    );
    assert_eq!(asked.header("metadata"), Some("true"));
}

#[tokio::test]
async fn a_service_has_an_identity() {
    let server = Server::start(|_| reply(200, TOKEN)).await;
    let url = format!("{}/msi/token", server.url);
    let env = [
        ("IDENTITY_ENDPOINT", url.as_str()),
        ("IDENTITY_HEADER", "h"),
    ];
    first(Spec::Azure(Azure::default()), &env).await.unwrap();
    let asked = &server.asked()[0];
    assert!(
        asked
            .target
            .starts_with("/msi/token?api-version=2019-08-01&resource=")
    );
    assert_eq!(asked.header("x-identity-header"), Some("h"));
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let absent = first(
        Spec::Azure(Azure::default()),
        &[("AZURE_CLIENT_SECRET", "x")],
    )
    .await;
    assert!(absent.unwrap_err().to_string().contains("AZURE_TENANT_ID"));
}
