//! Answers that mean no good: bounded, not followed, not repeated.

use std::io::Write;
use std::sync::{Arc, Mutex};

use credentials::Spec;
use credentials::spec::{Azure, AzureFrom};
use domain::secret::Secret;

use crate::scene::first;
use crate::server::{Server, reply};

async fn refusal(
    answer: impl Fn(&crate::server::Asked) -> String + Send + Sync + 'static,
) -> String {
    let server = Server::start(answer).await;
    let spec = Spec::Azure(Azure {
        tenant: Some("t".to_owned()),
        client_id: Some("c".to_owned()),
        from: AzureFrom::ClientSecret(Secret::new("s3cret~x")),
        authority: Some(server.url.clone()),
        ..Azure::default()
    });
    assert!(!format!("{spec:?}").contains("s3cret"));
    let absent = first(spec, &[]).await.unwrap_err();
    assert!(server.asked()[0].body.contains("client_secret=s3cret~x"));
    let said = absent.to_string();
    assert!(!said.contains("s3cret"), "{said}");
    said
}

#[tokio::test]
async fn a_page_instead_of_a_token_is_not_repeated() {
    let said = refusal(|_| reply(200, "<html>s3cret~x</html>")).await;
    assert!(said.ends_with("no JSON object"), "{said}");
}

#[tokio::test]
async fn an_echo_of_the_request_is_not_repeated() {
    let said = refusal(|asked| reply(400, &format!("{{\"error\":{:?}}}", asked.body))).await;
    assert!(said.ends_with("answered 400"), "{said}");
}

#[tokio::test]
async fn the_word_for_a_refusal_is_told() {
    let said = refusal(|_| reply(401, r#"{"error":"invalid_client"}"#)).await;
    assert!(said.ends_with("answered 401 (invalid_client)"), "{said}");
    let azure = r#"{"error":"invalid_client","error_codes":[7000215]}"#;
    let said = refusal(move |_| reply(401, azure)).await;
    assert!(
        said.ends_with("answered 401 (invalid_client 7000215)"),
        "{said}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let said =
        refusal(|_| "HTTP/1.1 302 X\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n".to_owned());
    assert!(said.await.ends_with("answered 302"));
}

#[tokio::test]
async fn a_huge_answer_is_cut_off() {
    let said = refusal(|_| reply(200, &" ".repeat(300_000))).await;
    assert!(said.contains("too long"), "{said}");
}

#[tokio::test]
async fn an_endless_head_is_cut_off() {
    let said = refusal(|_| format!("HTTP/1.1 200 X\r\na: {}", "a".repeat(300_000))).await;
    assert!(said.contains("spoke no HTTP"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up() {
    let said = refusal(|_| String::new()).await;
    assert!(said.contains("no answer within 15s"), "{said}");
}

#[tokio::test]
async fn a_token_that_would_break_a_header_is_refused() {
    let said = refusal(|_| reply(200, r#"{"access_token":"a\r\nx: y","expires_in":9}"#)).await;
    assert!(
        said.contains("`access_token` cannot stand in a header"),
        "{said}"
    );
}

#[tokio::test]
async fn a_lifetime_that_is_none_is_refused() {
    for life in ["0", "-5", "1e300", "\"x\"", "99999999999"] {
        let body = format!(r#"{{"access_token":"a","expires_in":{life}}}"#);
        let said = refusal(move |_| reply(200, &body)).await;
        assert!(said.contains("no lifetime"), "{life}: {said}");
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_at_its_most_talkative_holds_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    refusal(|asked| reply(400, &asked.body)).await;
    let server =
        Server::start(|_| reply(200, r#"{"access_token":"s3cret-token","expires_in":9}"#)).await;
    let env = [
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_CLIENT_SECRET", "s3cret~x"),
        ("AZURE_AUTHORITY_HOST", server.url.as_str()),
    ];
    first(Spec::Azure(Azure::default()), &env).await.unwrap();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("no credential: 127.0.0.1 answered 400"),
        "{text}"
    );
    assert!(text.contains("credential fetched"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
