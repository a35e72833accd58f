//! The client over TLS: tokens come through, and strangers learn nothing.

use credentials::spec::{Azure, AzureFrom};
use credentials::{Renewed, Spec};
use domain::secret::Secret;

use crate::scene::{NOW, around, around_trusting, token};
use crate::server::{Server, reply};

fn spec(server: &Server) -> Spec {
    Spec::Azure(Azure {
        tenant: Some("t".to_owned()),
        client_id: Some("c".to_owned()),
        from: AzureFrom::ClientSecret(Secret::new("s")),
        authority: Some(server.url.clone()),
        ..Azure::default()
    })
}

#[tokio::test]
async fn a_token_comes_over_tls() {
    let server = Server::start_tls(|_| reply(200, r#"{"access_token":"a","expires_in":9}"#)).await;
    let renewed = Renewed::start("test", spec(&server), around_trusting(&[]));
    renewed.ready().await.unwrap();
    assert_eq!(token(&renewed.at(NOW).unwrap()), "a");
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_gets_no_secret() {
    let server = Server::start_tls(|_| reply(200, "")).await;
    let renewed = Renewed::start("test", spec(&server), around(&[]));
    let said = renewed.ready().await.unwrap_err().to_string();
    assert!(said.contains("no TLS"), "{said}");
    assert!(server.asked().is_empty());
}
