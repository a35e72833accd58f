//! Errors.

use super::support::{fixture, fixtures, value};
use dialects::anthropic::canon::{read_fault, write_fault, write_fault_event};
use domain::canon::{Fault, FaultKind};
use serde_json::json as j;

#[test]
fn errors_are_told_apart() {
    use FaultKind::{
        Authentication, Billing, ContextTooLong, Filtered, Invalid, NotFound, Overloaded,
        Permission, RateLimited, Server, Timeout, TooLarge,
    };
    let kinds = [
        ("invalid", Invalid),
        ("credit", Billing),
        ("too_long", ContextTooLong),
        ("filtered", Filtered),
        ("authentication", Authentication),
        ("billing", Billing),
        ("permission", Permission),
        ("not_found", NotFound),
        ("too_large", TooLarge),
        ("rate_limit", RateLimited),
        ("spend_limit", Billing),
        ("server", Server),
        ("timeout", Timeout),
        ("overloaded", Overloaded),
    ];
    let names = fixtures("error_");
    assert_eq!(names.len(), kinds.len());
    for name in names {
        let status = name[6..9].parse().expect("a status");
        let text = fixture(&name);
        let fault = read_fault(status, text.as_bytes());
        let (_, kind) = kinds
            .iter()
            .find(|(word, _)| name[10..].strip_suffix(".json") == Some(word))
            .expect(&name);
        assert_eq!(fault.kind, *kind, "{name}");
        let original = value(text.as_bytes());
        let request_id = original["request_id"].as_str().expect("an id");
        let written = value(&write_fault(&fault, request_id));
        assert_eq!(written["error"]["message"], original["error"]["message"]);
        if !matches!(&name[10..], "credit.json" | "spend_limit.json") {
            assert_eq!(written, original, "{name}");
        }
    }
    let invalid = read_fault(400, fixture("error_400_invalid.json").as_bytes());
    assert_eq!(invalid.field.as_deref(), Some("messages.1.role"));
    assert_eq!(invalid.code.as_deref(), Some("invalid_request_error"));
}

#[test]
fn nonsense_is_an_error_too() {
    let cases: [(u16, &str, FaultKind, &str); 7] = [
        (
            502,
            "<html><h1>Bad Gateway</h1></html>",
            FaultKind::Server,
            "status 502",
        ),
        (529, "", FaultKind::Overloaded, "status 529"),
        (429, "{", FaultKind::RateLimited, "status 429"),
        (403, r#"{"message":"no"}"#, FaultKind::Permission, "no"),
        (400, r#"{"error":"broken"}"#, FaultKind::Invalid, "broken"),
        (404, "[]", FaultKind::NotFound, "status 404"),
        (
            429,
            r#"[{"error":{"message":"busy"}}]"#,
            FaultKind::RateLimited,
            "busy",
        ),
    ];
    for (status, body, kind, message) in cases {
        let fault = read_fault(status, body.as_bytes());
        assert_eq!(fault.kind, kind, "{body}");
        assert!(fault.message.contains(message), "{}", fault.message);
    }
}

#[test]
fn an_error_event_is_what_the_sdks_wait_for() {
    let fault = Fault {
        kind: FaultKind::ContextTooLong,
        message: "too many tokens".to_owned(),
        code: Some("context_length_exceeded".to_owned()),
        field: None,
    };
    let event = write_fault_event(&fault, "req_1");
    let event = std::str::from_utf8(&event).expect("text");
    let data = event
        .strip_prefix("event: error\ndata: ")
        .expect("an error");
    let error =
        j!({"type": "invalid_request_error", "message": "prompt is too long: too many tokens"});
    let body = j!({"type": "error", "error": error, "request_id": "req_1"});
    assert_eq!(value(data.trim().as_bytes()), body);
}

#[test]
fn a_thread_that_cannot_be_is_told_by_its_code() {
    let fault = |field: &str, code: &str| Fault {
        kind: FaultKind::Invalid,
        message: "No.".to_owned(),
        code: Some(code.to_owned()),
        field: Some(field.to_owned()),
    };
    let told = |fault| value(&write_fault(&fault, "")).get("error").cloned();
    let error = told(fault("thread", "unsupported_by_target")).expect("an error");
    let details = j!({"error_code": "thread_unsupported_request", "unsupported": ["thread"]});
    assert_eq!(error["details"], details);
    let lost = told(fault("thread", "thread_not_found")).expect("an error");
    assert_eq!(lost["details"], j!({"error_code": "thread_not_found"}));
    for other in [
        fault("thread", "malformed"),
        fault("top_k", "unsupported_by_target"),
    ] {
        assert!(told(other).expect("an error").get("details").is_none());
    }
}
