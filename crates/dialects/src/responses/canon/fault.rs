//! Errors: what a provider said, and how a client is told.

use bytes::Bytes;
use domain::canon::{Fault, FaultKind};

use super::fields::{loose, member};
use super::stream::Line;
use crate::json::{Document, Kind, Node, Object, object};

/// What is shown of a body that is no JSON, at most, in letters.
const SHOWN: usize = 300;

/// Reads an error body, whatever it is.
#[must_use]
pub fn read_fault(status: u16, body: &[u8]) -> Fault {
    let document = Document::parse(Bytes::copy_from_slice(body), 64);
    let Ok(document) = document else {
        return Fault {
            kind: of_status(status),
            message: of_text(status, body),
            code: None,
            field: None,
        };
    };
    let root = document.root();
    let response = member(root, "response").unwrap_or(root);
    let error = member(response, "error").unwrap_or(root);
    let message = said(error).or_else(|| said(root));
    of_error(status, error, message.unwrap_or_else(|| unsaid(status)))
}

/// The error that an event of a stream says: of its own, or of the response
/// that failed.
pub(in crate::responses) fn in_stream(node: Node<'_>) -> Fault {
    let error = member(node, "error").unwrap_or(node);
    let message = said(error).unwrap_or_else(|| "The provider failed.".to_owned());
    let code = word(error, "code").and_then(|code| code.parse().ok());
    let status = code.filter(|status| (400..600).contains(status));
    let usual = match loose(error, "type").as_deref() {
        Some("invalid_request_error") => 400,
        _ => 500,
    };
    of_error(status.unwrap_or(usual), error, message)
}

fn of_error(status: u16, error: Node<'_>, message: String) -> Fault {
    let code = word(error, "code");
    let kind = loose(error, "type").filter(|kind| kind != "error");
    Fault {
        kind: kind_of(status, code.as_deref(), kind.as_deref(), &message),
        message,
        code,
        field: loose(error, "param"),
    }
}

/// The sentence: servers have it in different members.
fn said(node: Node<'_>) -> Option<String> {
    if let Some(text) = node.str() {
        return Some(text.into_owned());
    }
    let found = ["message", "detail", "error", "msg"]
        .into_iter()
        .find_map(|key| loose(node, key));
    let detail = || {
        let first = member(node, "detail")?.items().next()?;
        loose(first, "msg")
    };
    found.or_else(detail).filter(|text| !text.is_empty())
}

/// A string, or a number as one: some servers say the status there.
fn word(node: Node<'_>, key: &str) -> Option<String> {
    let value = member(node, key)?;
    match value.kind() {
        Kind::String => value.str().map(std::borrow::Cow::into_owned),
        Kind::Number => Some(String::from_utf8_lossy(value.raw()).into_owned()),
        _ => None,
    }
}

fn unsaid(status: u16) -> String {
    format!("The provider answered with status {status}.")
}

/// What a body says that is no JSON. Pages are not shown.
fn of_text(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        return unsaid(status);
    }
    text.chars().take(SHOWN).collect()
}

fn of_status(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Authentication,
        402 => FaultKind::Billing,
        403 => FaultKind::Permission,
        404 | 410 => FaultKind::NotFound,
        408 | 504 | 524 => FaultKind::Timeout,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimited,
        503 | 529 => FaultKind::Overloaded,
        400..=499 => FaultKind::Invalid,
        _ => FaultKind::Server,
    }
}

fn kind_of(status: u16, code: Option<&str>, kind: Option<&str>, message: &str) -> FaultKind {
    let words = [code, kind];
    let words = words.into_iter().flatten();
    words
        .filter_map(of_word)
        .next()
        .or_else(|| of_message(status, message))
        .unwrap_or_else(|| of_status(status))
}

/// What a machine's word means, where the status may say something else.
fn of_word(word: &str) -> Option<FaultKind> {
    Some(match word {
        "context_length_exceeded" => FaultKind::ContextTooLong,
        "content_filter"
        | "content_policy_violation"
        | "invalid_prompt"
        | "bio_policy"
        | "cyber_policy"
        | "image_content_policy_violation"
        | "misalignment_policy_violation" => FaultKind::Filtered,
        "insufficient_quota"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "account_deactivated"
        | "insufficient_balance" => FaultKind::Billing,
        "rate_limit_exceeded" | "rate_limit_error" | "tokens" | "requests" => {
            FaultKind::RateLimited
        }
        "invalid_api_key" | "authentication_error" => FaultKind::Authentication,
        "permission_error" | "permission_denied" => FaultKind::Permission,
        "model_not_found" | "not_found_error" => FaultKind::NotFound,
        "server_is_overloaded"
        | "slow_down"
        | "overloaded_error"
        | "overloaded"
        | "service_unavailable"
        | "service_unavailable_error" => FaultKind::Overloaded,
        "timeout" | "timeout_error" | "vector_store_timeout" => FaultKind::Timeout,
        "failed_to_download_image" => FaultKind::Invalid,
        _ if is_of_image(word) => FaultKind::Invalid,
        "request_too_large" => FaultKind::TooLarge,
        "server_error" | "internal_error" | "api_error" | "internal_server_error" => {
            return None;
        }
        _ => return None,
    })
}

/// Whether it is one of the words for an image that cannot be read.
fn is_of_image(word: &str) -> bool {
    let kinds = ["invalid_", "empty_", "unsupported_", "image_"];
    word.contains("image") && kinds.iter().any(|kind| word.starts_with(kind))
}

/// What only the sentence says.
fn of_message(status: u16, message: &str) -> Option<FaultKind> {
    if !matches!(status, 400 | 413 | 422) {
        return None;
    }
    let message = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let too_long = [
        "context length",
        "context window",
        "maximum context",
        "prompt is too long",
        "too many tokens",
    ];
    if has(&too_long) {
        return Some(FaultKind::ContextTooLong);
    }
    has(&[
        "credit balance",
        "insufficient balance",
        "exceeded your current quota",
    ])
    .then_some(FaultKind::Billing)
}

/// `OpenAI`'s `type` of an error.
const fn type_of(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Invalid
        | FaultKind::ContextTooLong
        | FaultKind::Filtered
        | FaultKind::TooLarge
        | FaultKind::NotFound => "invalid_request_error",
        FaultKind::Authentication => "authentication_error",
        FaultKind::Permission => "permission_error",
        FaultKind::Billing => "insufficient_quota",
        FaultKind::RateLimited => "rate_limit_error",
        FaultKind::Overloaded | FaultKind::Timeout | FaultKind::Server => "server_error",
    }
}

/// `OpenAI`'s word for it, where clients go by one; these win over what
/// another provider says.
const fn code_of(kind: FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::Invalid | FaultKind::Permission => None,
        FaultKind::ContextTooLong => Some("context_length_exceeded"),
        FaultKind::Filtered => Some("content_filter"),
        FaultKind::TooLarge => Some("request_too_large"),
        FaultKind::Authentication => Some("invalid_api_key"),
        FaultKind::Billing => Some("insufficient_quota"),
        FaultKind::NotFound => Some("model_not_found"),
        FaultKind::RateLimited => Some("rate_limit_exceeded"),
        FaultKind::Overloaded => Some("server_is_overloaded"),
        FaultKind::Timeout => Some("timeout"),
        FaultKind::Server => Some("server_error"),
    }
}

fn code(fault: &Fault) -> Option<&str> {
    code_of(fault.kind).or(fault.code.as_deref())
}

/// Writes an error body.
#[must_use]
pub fn write_fault(fault: &Fault, request_id: &str) -> Vec<u8> {
    object(|o| {
        o.object("error", |o| write_error(o, fault));
        o.string("request_id", request_id);
    })
}

fn write_error(o: &mut Object<'_>, fault: &Fault) {
    o.string("message", &fault.message);
    o.string("type", type_of(fault.kind));
    or_null(o, "param", fault.field.as_deref());
    or_null(o, "code", code(fault));
}

fn or_null(o: &mut Object<'_>, key: &str, value: Option<&str>) {
    match value {
        Some(value) => o.string(key, value),
        None => o.null(key),
    };
}

/// Writes what ends a stream in the middle, where nothing is known of the
/// answer: an event that SDKs throw, and a failed response, the only one by
/// which Codex knows why.
#[must_use]
pub fn write_fault_event(fault: &Fault, request_id: &str) -> Bytes {
    let mut line = Line::default();
    let mut out = Vec::new();
    line.event(&mut out, "error", |o| {
        write_event(o, fault, request_id);
    });
    let (code, message) = code_and_message(fault);
    line.event(&mut out, "response.failed", |o| {
        o.object("response", |o| {
            o.string("id", &super::ids::answer(request_id, request_id));
            o.string("object", "response").number("created_at", 0);
            o.string("status", "failed").object("error", |o| {
                o.string("code", &code).string("message", &message);
            });
            o.null("incomplete_details").string("model", "");
            o.array("output", |_| {}).bool("parallel_tool_calls", true);
            o.string("tool_choice", "auto").array("tools", |_| {});
            o.null("usage");
        });
    });
    out.concat().into()
}

/// The members of an `error` event. The object beside them is what makes SDKs
/// raise an error.
pub(super) fn write_event(o: &mut Object<'_>, fault: &Fault, request_id: &str) {
    or_null(o, "code", code(fault));
    o.string("message", &fault.message);
    or_null(o, "param", fault.field.as_deref());
    o.object("error", |o| write_error(o, fault));
    if !request_id.is_empty() {
        o.string("request_id", request_id);
    }
}

/// The error of a failed response.
pub(in crate::responses) fn code_and_message(fault: &Fault) -> (String, String) {
    // Codex takes a word that it does not know for one to try again at.
    let code = match fault.kind {
        FaultKind::Invalid | FaultKind::Filtered | FaultKind::TooLarge => "invalid_prompt",
        _ => code(fault).unwrap_or("server_error"),
    };
    (code.to_owned(), fault.message.clone())
}
