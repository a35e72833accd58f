//! Gemini's errors.

use std::time::Duration;

use crate::support::*;
use dialects::gemini::canon::{
    read_fault, retry_delay, write_fault, write_fault_event, write_refusal,
};
use domain::canon::{Fault, FaultKind};

#[test]
fn errors_are_told_apart() {
    use FaultKind::*;
    let cases = [
        ("bad_field", 400, Invalid),
        ("bad_key", 400, Authentication),
        ("billing", 429, Billing),
        ("deadline", 504, Timeout),
        ("in_array", 503, Overloaded),
        ("internal", 500, Server),
        ("not_found", 404, NotFound),
        ("overloaded", 503, Overloaded),
        ("permission", 403, Permission),
        ("rate_limited", 429, RateLimited),
        ("too_long", 400, ContextTooLong),
    ];
    assert_eq!(cases.len(), fixtures("errors", "json").len());
    for (name, status, kind) in cases {
        let fault = read_fault(status, &fixture(&format!("errors/{name}.json")));
        assert_eq!(fault.kind, kind, "{name}");
        assert!(!fault.message.is_empty(), "{name}");
        assert!(fault.code.is_some(), "{name}");
    }
    let fault = read_fault(400, &fixture("errors/bad_field.json"));
    assert_eq!(fault.field.as_deref(), Some("generation_config"));
}

#[test]
fn nonsense_is_judged_by_its_status() {
    let bodies: [&[u8]; 5] = [
        b"",
        b"<html>Bad gateway</html>",
        b"{",
        b"[]",
        b"{\"error\":7}",
    ];
    for body in bodies {
        assert_eq!(read_fault(502, body).kind, FaultKind::Server);
        assert_eq!(read_fault(429, body).kind, FaultKind::RateLimited);
        assert_eq!(read_fault(529, body).kind, FaultKind::Overloaded);
        assert_eq!(read_fault(418, body).kind, FaultKind::Invalid);
        assert!(read_fault(429, body).message.contains("429"));
        assert_eq!(retry_delay(body), None);
    }
    let text = read_fault(500, br#"{"error":"broken"}"#);
    assert_eq!(text.message, "broken");
}

#[test]
fn when_to_try_again_is_found() {
    let body = fixture("errors/rate_limited.json");
    assert_eq!(retry_delay(&body), Some(Duration::from_millis(34_070)));
    let delay = |text: &str| {
        let body = format!(
            r#"{{"error":{{"details":[{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":{text}}}]}}}}"#
        );
        retry_delay(body.as_bytes())
    };
    assert_eq!(delay("\"7s\""), Some(Duration::from_secs(7)));
    assert_eq!(delay("{\"seconds\":\"3\"}"), Some(Duration::from_secs(3)));
    for wrong in [
        "\"7\"",
        "\"-7s\"",
        "\"xs\"",
        "\"1.xs\"",
        "\"1.1234567890s\"",
        "7",
    ] {
        assert_eq!(delay(wrong), None, "{wrong}");
    }
}

#[test]
fn every_kind_of_error_comes_back_as_it_was() {
    use FaultKind::*;
    let kinds = [
        Invalid,
        ContextTooLong,
        Filtered,
        TooLarge,
        Authentication,
        Permission,
        Billing,
        NotFound,
        RateLimited,
        Overloaded,
        Timeout,
        Server,
    ];
    for kind in kinds {
        let fault = Fault {
            kind,
            message: "It \"went\" wrong.".to_owned(),
            code: None,
            field: Some("contents[0]".to_owned()),
        };
        let body = write_fault(&fault, "req-1");
        let json = value(&body);
        assert_eq!(json["error"]["code"], u64::from(kind.status()));
        assert!(json["error"]["status"].is_string());
        let read = read_fault(kind.status(), &body);
        assert_eq!(
            (read.kind, &read.message, &read.field),
            (kind, &fault.message, &fault.field)
        );
    }
}

#[test]
fn an_event_is_an_error_as_googles_sdks_see_it() {
    let fault = Fault {
        kind: FaultKind::Server,
        message: "cut\nhere".to_owned(),
        code: Some("upstream_error".to_owned()),
        field: None,
    };
    let event = write_fault_event(&fault, "req-1");
    let event = std::str::from_utf8(&event).expect("text");
    let (data, bare) = event.split_once("\n\n").expect("an event, and a rest");
    // The rest is no whole event: SDKs of a year ago complain of that.
    assert_eq!(data.strip_prefix("data: "), Some(bare));
    assert!(!bare.contains('\n'));
    assert_eq!(value(bare.as_bytes())["error"]["code"], 500);
}

#[test]
fn a_refusal_says_with_which_status_it_is_sent_and_when_to_come_again() {
    let fault = Fault {
        kind: FaultKind::RateLimited,
        message: "too many".to_owned(),
        code: None,
        field: None,
    };
    let wait = Duration::from_millis(1500);
    let body = write_refusal(&fault, "req-1", 429, Some(wait));
    let error = &value(&body)["error"];
    assert_eq!(
        (&error["code"], &error["status"]),
        (&429.into(), &"RESOURCE_EXHAUSTED".into())
    );
    assert_eq!(retry_delay(&body), Some(wait));
    let body = write_refusal(&fault, "req-1", 405, None);
    assert_eq!(value(&body)["error"]["code"], 405);
    assert_eq!(retry_delay(&body), None);
}
