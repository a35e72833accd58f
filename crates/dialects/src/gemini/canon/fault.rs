//! Errors: `{"error":{"code","message","status","details"}}`.

use std::time::Duration;

use bytes::Bytes;
use domain::canon::{Fault, FaultKind};

use super::MAX_DEPTH;
use super::fields::{member, string, whole};
use crate::json::{Document, Kind, Node, object};
use crate::translate::fields;

/// An error's message is kept up to this many characters.
const LONGEST: usize = 4096;

/// Reads a provider's error; `body` may be anything.
#[must_use]
pub fn read_fault(status: u16, body: &[u8]) -> Fault {
    let document = parse(body);
    let error = document.as_ref().and_then(error_of);
    let mut fault = of_error(status, error);
    let detail = || fields::detail(document.as_ref()?.root());
    if error.is_none()
        && let Some(said) = detail()
    {
        fault.message = said.chars().take(LONGEST).collect();
    }
    fault
}

/// The error that an event of a stream says; what status it would have had
/// stands in it.
pub(super) fn in_stream(error: Node<'_>) -> Fault {
    let code = member(error, "code").and_then(whole);
    let code = code.and_then(|code| u16::try_from(code).ok());
    of_error(code.unwrap_or(500), Some(error))
}

fn of_error(status: u16, error: Option<Node<'_>>) -> Fault {
    let message = error.and_then(|error| match error.str() {
        Some(text) => Some(text.into_owned()),
        None => string(error, "message"),
    });
    let message = message.filter(|text| !text.trim().is_empty());
    let word = error.and_then(|error| string(error, "status"));
    let reason = error.and_then(|error| detail(error, "ErrorInfo", |info| string(info, "reason")));
    let field = error.and_then(|error| detail(error, "BadRequest", violated));
    let said = message.as_deref().unwrap_or_default();
    let kind = by_reason(reason.as_deref().unwrap_or_default())
        .or_else(|| by_message(status, said))
        .or_else(|| by_word(word.as_deref().unwrap_or_default()))
        .unwrap_or_else(|| by_status(status));
    let message = message.unwrap_or_else(|| format!("The provider answered with status {status}."));
    Fault {
        kind,
        message: message.chars().take(LONGEST).collect(),
        code: reason.or(word),
        field,
    }
}

fn parse(body: &[u8]) -> Option<Document> {
    Document::parse(Bytes::copy_from_slice(body), MAX_DEPTH).ok()
}

/// The error's object; a stream that is one array holds it as an item.
fn error_of(document: &Document) -> Option<Node<'_>> {
    let root = document.root();
    let root = match root.kind() {
        Kind::Array => root.items().find(|item| member(*item, "error").is_some())?,
        _ => root,
    };
    let error = member(root, "error");
    error.or_else(|| member(root, "message").map(|_| root))
}

/// What the first detail of this type says.
fn detail<'a, T>(error: Node<'a>, name: &str, read: impl Fn(Node<'a>) -> Option<T>) -> Option<T> {
    let mut details = member(error, "details").into_iter().flat_map(Node::items);
    details.find_map(|detail| {
        let of = detail.get("@type").and_then(Node::str)?;
        let is_it = of.rsplit(['.', '/']).next() == Some(name);
        is_it.then(|| read(detail)).flatten()
    })
}

fn violated(detail: Node<'_>) -> Option<String> {
    let mut violations = member(detail, "fieldViolations")?.items();
    violations.find_map(|violation| string(violation, "field"))
}

/// When Google says to try again (`google.rpc.RetryInfo`).
#[must_use]
pub fn retry_delay(body: &[u8]) -> Option<Duration> {
    let document = parse(body)?;
    let error = error_of(&document)?;
    detail(error, "RetryInfo", |info| {
        let delay = member(info, "retryDelay")?;
        match delay.str() {
            Some(text) => seconds(&text),
            None => Some(Duration::from_secs(
                member(delay, "seconds").and_then(whole)?,
            )),
        }
    })
}

/// `34.07s`
fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_number = part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    let nanos = format!("{part:0<9}").parse().ok().filter(|_| is_number)?;
    Some(Duration::new(whole.parse().ok()?, nanos))
}

/// `ErrorInfo.reason`: Google's, and ours where Google has none.
fn by_reason(reason: &str) -> Option<FaultKind> {
    Some(match reason {
        "API_KEY_INVALID" | "API_KEY_EXPIRED" | "ACCESS_TOKEN_EXPIRED" | "CREDENTIALS_MISSING" => {
            FaultKind::Authentication
        }
        "BILLING_DISABLED" | "BILLING_NOT_ACTIVE" => FaultKind::Billing,
        "CONTEXT_TOO_LONG" => FaultKind::ContextTooLong,
        "CONTENT_FILTERED" => FaultKind::Filtered,
        "REQUEST_TOO_LARGE" => FaultKind::TooLarge,
        _ => return None,
    })
}

/// What only the sentence tells.
fn by_message(status: u16, message: &str) -> Option<FaultKind> {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&[
        "exceeds the maximum number of tokens",
        "input context is too long",
    ]) {
        return Some(FaultKind::ContextTooLong);
    }
    if says(&["payload size exceeds", "request is too large"]) {
        return Some(FaultKind::TooLarge);
    }
    if says(&["api key not valid", "api key expired", "api key not found"]) {
        return Some(FaultKind::Authentication);
    }
    let is_account = says(&[
        "credits are depleted",
        "billing to be enabled",
        "enable billing",
        "billing account",
        "free tier is not available",
    ]);
    if is_account && matches!(status, 400 | 402 | 403 | 429) {
        return Some(FaultKind::Billing);
    }
    let is_place = says(&["user location is not supported"]);
    is_place.then_some(FaultKind::Permission)
}

/// `google.rpc.Code`
fn by_word(word: &str) -> Option<FaultKind> {
    Some(match word {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" | "ALREADY_EXISTS" => {
            FaultKind::Invalid
        }
        "UNAUTHENTICATED" => FaultKind::Authentication,
        "PERMISSION_DENIED" => FaultKind::Permission,
        "NOT_FOUND" => FaultKind::NotFound,
        "RESOURCE_EXHAUSTED" => FaultKind::RateLimited,
        "UNAVAILABLE" => FaultKind::Overloaded,
        "DEADLINE_EXCEEDED" | "CANCELLED" => FaultKind::Timeout,
        "INTERNAL" | "UNKNOWN" | "DATA_LOSS" | "ABORTED" | "UNIMPLEMENTED" => FaultKind::Server,
        _ => return None,
    })
}

fn by_status(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Authentication,
        402 => FaultKind::Billing,
        403 => FaultKind::Permission,
        404 => FaultKind::NotFound,
        408 | 499 | 504 => FaultKind::Timeout,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimited,
        503 | 529 => FaultKind::Overloaded,
        400..=499 => FaultKind::Invalid,
        _ => FaultKind::Server,
    }
}

/// Google's word, and the reason where the word alone does not tell.
fn words(kind: FaultKind) -> (&'static str, Option<&'static str>) {
    match kind {
        FaultKind::Invalid => ("INVALID_ARGUMENT", None),
        FaultKind::ContextTooLong => ("INVALID_ARGUMENT", Some("CONTEXT_TOO_LONG")),
        FaultKind::Filtered => ("INVALID_ARGUMENT", Some("CONTENT_FILTERED")),
        FaultKind::TooLarge => ("INVALID_ARGUMENT", Some("REQUEST_TOO_LARGE")),
        FaultKind::Authentication => ("UNAUTHENTICATED", None),
        FaultKind::Billing => ("FAILED_PRECONDITION", Some("BILLING_DISABLED")),
        FaultKind::Permission => ("PERMISSION_DENIED", None),
        FaultKind::NotFound => ("NOT_FOUND", None),
        FaultKind::RateLimited => ("RESOURCE_EXHAUSTED", None),
        FaultKind::Overloaded => ("UNAVAILABLE", None),
        FaultKind::Timeout => ("DEADLINE_EXCEEDED", None),
        FaultKind::Server => ("INTERNAL", None),
    }
}

/// An error's body as Google's SDKs want it.
#[must_use]
pub fn write_fault(fault: &Fault, request_id: &str) -> Vec<u8> {
    write_refusal(fault, request_id, fault.kind.status(), None)
}

/// The same, with the status that it is sent with, and when to come again:
/// Google's own tools read that from the body.
#[must_use]
pub fn write_refusal(
    fault: &Fault,
    request_id: &str,
    status: u16,
    wait: Option<Duration>,
) -> Vec<u8> {
    const TYPE: &str = "type.googleapis.com/google.rpc.";
    let (word, reason) = words(fault.kind);
    let code = fault.code.as_deref().filter(|code| *code != word);
    object(|out| {
        out.object("error", |out| {
            out.number("code", u64::from(status));
            out.string("message", &fault.message).string("status", word);
            out.array("details", |list| {
                if let Some(reason) = reason.or(code) {
                    list.object(|out| {
                        out.string("@type", &format!("{TYPE}ErrorInfo"));
                        out.string("reason", reason).string("domain", "portcullis");
                    });
                }
                if let Some(field) = &fault.field {
                    list.object(|out| {
                        out.string("@type", &format!("{TYPE}BadRequest"));
                        out.array("fieldViolations", |list| {
                            list.object(|out| {
                                out.string("field", field);
                                out.string("description", &fault.message);
                            });
                        });
                    });
                }
                if let Some(wait) = wait {
                    list.object(|out| {
                        out.string("@type", &format!("{TYPE}RetryInfo"));
                        out.string("retryDelay", &format!("{:.3}s", wait.as_secs_f64()));
                    });
                }
                if !request_id.is_empty() {
                    list.object(|out| {
                        out.string("@type", &format!("{TYPE}RequestInfo"));
                        out.string("requestId", request_id);
                    });
                }
            });
        });
    })
}

/// What ends a stream in the middle: an event, and the same as bare JSON behind
/// it, without a blank line.
///
/// Google's SDKs of today throw what the event says, however it comes. Those of
/// a year ago take such an event for an empty answer, and the stream for whole:
/// they complain of a rest that is no event. Nothing may follow it.
#[must_use]
pub fn write_fault_event(fault: &Fault, request_id: &str) -> Bytes {
    let json = write_fault(fault, request_id);
    let mut out = Vec::with_capacity(json.len() * 2 + 8);
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&json);
    out.extend_from_slice(b"\n\n");
    out.extend_from_slice(&json);
    out.into()
}
