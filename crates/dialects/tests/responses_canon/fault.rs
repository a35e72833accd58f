//! Errors.

use dialects::responses::canon as responses;
use domain::canon::{Fault, FaultKind};
use serde_json::json;

use crate::support::{events, fixture, value};

#[test]
fn errors_are_told_apart() {
    let cases: &[(u16, &str, FaultKind)] = &[
        (400, "error_context.json", FaultKind::ContextTooLong),
        (429, "error_quota.json", FaultKind::Billing),
        (400, "error_param.json", FaultKind::Invalid),
        (401, "error_key.json", FaultKind::Authentication),
        (429, "error_rate.json", FaultKind::RateLimited),
        (422, "error_detail.json", FaultKind::Invalid),
        (200, "answer_failed.json", FaultKind::RateLimited),
    ];
    for (status, name, kind) in cases {
        let fault = responses::read_fault(*status, &fixture(name));
        assert_eq!(fault.kind, *kind, "{name}");
        assert!(!fault.message.is_empty(), "{name}");
    }
    let fault = responses::read_fault(400, &fixture("error_param.json"));
    assert_eq!(fault.field.as_deref(), Some("temperature"));
    let fault = responses::read_fault(422, &fixture("error_detail.json"));
    assert_eq!(fault.message, "Field required");
}

#[test]
fn any_body_is_an_error_of_some_kind() {
    let cases: &[(u16, &[u8], FaultKind)] = &[
        (
            502,
            b"<html><body>Bad gateway</body></html>",
            FaultKind::Server,
        ),
        (503, b"", FaultKind::Overloaded),
        (529, b"{}", FaultKind::Overloaded),
        (404, b"null", FaultKind::NotFound),
        (
            400,
            br#"{"error":"the prompt exceeds the maximum context length"}"#,
            FaultKind::ContextTooLong,
        ),
        (402, br#"{"message":"pay"}"#, FaultKind::Billing),
        (
            400,
            br#"{"error":{"message":"Your credit balance is too low"}}"#,
            FaultKind::Billing,
        ),
        (504, b"\xff\xfe", FaultKind::Timeout),
        (500, b"[1]", FaultKind::Server),
    ];
    for (status, body, kind) in cases {
        let fault = responses::read_fault(*status, body);
        assert_eq!(fault.kind, *kind, "{}", String::from_utf8_lossy(body));
        assert!(!fault.message.is_empty() && !fault.message.contains('<'));
    }
}

#[test]
fn an_error_is_written_as_sdks_want_it() {
    let fault = Fault {
        kind: FaultKind::ContextTooLong,
        message: "prompt is too long".to_owned(),
        code: Some("invalid_request_error".to_owned()),
        field: Some("messages".to_owned()),
    };
    let out = value(&responses::write_fault(&fault, "req_1"));
    let wanted = json!({"message": "prompt is too long", "type": "invalid_request_error",
        "param": "messages", "code": "context_length_exceeded"});
    assert_eq!(out["error"], wanted);
    for name in ["error_context.json", "error_quota.json"] {
        let body = fixture(name);
        let fault = responses::read_fault(400, &body);
        let out = value(&responses::write_fault(&fault, "req_1"));
        assert_eq!(out["error"], value(&body)["error"], "{name}");
    }
}

#[test]
fn a_stream_that_breaks_ends_with_an_error_and_a_failed_response() {
    let fault = responses::read_fault(503, b"{}");
    let out = responses::write_fault_event(&fault, "req_1");
    let events = events(&[out]);
    assert_eq!(events[0]["type"], "error");
    // What openai-python and openai-node raise an error for.
    assert_eq!(events[0]["error"]["message"], fault.message);
    assert_eq!(events[1]["type"], "response.failed");
    assert_eq!(
        events[1]["response"]["error"]["code"],
        "server_is_overloaded"
    );
}
