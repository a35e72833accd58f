//! Errors of Bedrock are understood, whatever they come as.

use super::support::fixture;
use FaultKind::{
    Authentication, Billing, ContextTooLong, Filtered, Invalid, NotFound, Overloaded, Permission,
    RateLimited, Server, Timeout,
};
use dialects::converse::canon::read_fault;
use domain::canon::FaultKind;

fn read(name: &str) -> FaultKind {
    let status = name.split('_').next().and_then(|it| it.parse().ok());
    let body = fixture(&format!("error_{name}.json"));
    read_fault(status.expect("a status"), body.as_bytes()).kind
}

#[test]
fn every_error_is_of_its_kind() {
    let all = [
        ("400_invalid", Invalid),
        ("400_too_long", ContextTooLong),
        ("400_too_long_claude", ContextTooLong),
        ("400_model", NotFound),
        ("400_filtered", Filtered),
        ("403_access", Permission),
        ("403_policy", Permission),
        ("403_token", Authentication),
        ("403_signature", Authentication),
        ("403_key", Authentication),
        ("403_payment", Billing),
        ("404_model", NotFound),
        ("404_operation", NotFound),
        ("408_timeout", Timeout),
        ("424_model", Server),
        ("429_throttled", RateLimited),
        ("429_not_ready", Overloaded),
        ("500_server", Server),
        ("503_unavailable", Overloaded),
    ];
    for (name, kind) in all {
        assert_eq!(read(name), kind, "{name}");
    }
}

#[test]
fn the_message_is_said_and_the_word_where_it_stands_in_the_body() {
    let fault = read_fault(429, fixture("error_429_not_ready.json").as_bytes());
    assert_eq!(fault.code.as_deref(), Some("ModelNotReadyException"));
    assert!(fault.message.starts_with("Model is not ready"));
    let fault = read_fault(403, fixture("error_403_policy.json").as_bytes());
    assert!(fault.message.contains("not authorized"));
    let framed = br#"{"__type":"ThrottlingException:http://internal","message":"x"}"#;
    let fault = read_fault(400, framed);
    assert_eq!(fault.kind, RateLimited);
}

#[test]
fn bodies_that_are_none_of_awss_tell_by_their_status() {
    for body in [&b""[..], b"<html>502</html>", b"[]", b"null", b"{\"a\":1}"] {
        let fault = read_fault(503, body);
        assert_eq!(fault.kind, Overloaded);
        assert_eq!(fault.message, "The provider answered with status 503.");
    }
    let proxied = br#"{"error":{"message":"no route"}}"#;
    assert_eq!(read_fault(502, proxied).message, "no route");
}
