//! Errors: of providers, read; for clients, written.

use bytes::Bytes;
use domain::canon::{Fault, FaultKind};
use domain::refusal::Reason;

use super::DEPTH;
use super::fields::word;
use crate::converse;
use crate::json::{Document, Kind, Node};

/// Reads an error body of a provider: Anthropic's, one of a proxy before it,
/// or nothing at all.
#[must_use]
pub fn read_fault(status: u16, body: &[u8]) -> Fault {
    let document = Document::parse(Bytes::copy_from_slice(body), DEPTH).ok();
    let root = document.as_ref().map(Document::root);
    // Vertex sends its errors as a list of one.
    let root = root.map(|root| root.items().next().unwrap_or(root));
    // AWS tells errors of Claude in its own words.
    let is_known = |root: Node<'_>| root.get("error").or_else(|| root.get("type")).is_some();
    if root.is_some_and(|root| !is_known(root)) {
        return converse::canon::read_fault(status, body);
    }
    of_root(status, root)
}

/// The error that an event of a stream says.
pub(super) fn in_stream(root: Node<'_>) -> Fault {
    of_root(500, Some(root))
}

fn of_root(status: u16, root: Option<Node<'_>>) -> Fault {
    let error = root.map(|root| match root.get("error") {
        Some(error) if error.kind() == Kind::Object => error,
        _ => root,
    });
    let said = error.map(|error| word(error, "message"));
    let bare = root.and_then(|root| root.get("error")?.str());
    let bare = bare.map(std::borrow::Cow::into_owned);
    let message = said.filter(|said| !said.is_empty()).or(bare);
    let message = message.unwrap_or_else(|| format!("The provider answered with status {status}."));
    let word_of = |key: &str| error.map_or_else(String::new, |error| word(error, key));
    let details = error.and_then(|error| error.get("details"));
    let detail = details.map_or_else(String::new, |details| word(details, "error_code"));
    let kind = word_of("type");
    let code = [detail.clone(), kind.clone()];
    let code = code
        .into_iter()
        .find(|code| !code.is_empty() && code != "error");
    Fault {
        kind: kind_of(status, &kind, &detail, &message),
        field: field(&message),
        code,
        message,
    }
}

/// What kind of error it is. Account faults come under any name, and so does
/// a conversation that is too long: the sentence tells.
fn kind_of(status: u16, kind: &str, detail: &str, message: &str) -> FaultKind {
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    let billing = [
        "credit balance is too low",
        "specified api usage limits",
        "spend limit",
        "purchase credits",
        "billing",
    ];
    let too_long = [
        "prompt is too long",
        "exceed context limit",
        "exceeds the context window",
        "maximum context length",
    ];
    if kind == "billing_error" || detail.ends_with("spend_limit_reached") {
        return FaultKind::Billing;
    }
    let is_request = matches!(kind, "invalid_request_error" | "permission_error" | "");
    if is_request && (400..=403).contains(&status) && says(&billing) {
        return FaultKind::Billing;
    }
    if matches!(kind, "invalid_request_error" | "") && says(&too_long) {
        return FaultKind::ContextTooLong;
    }
    if kind == "invalid_request_error" && says(&["content filtering policy", "usage policy"]) {
        return FaultKind::Filtered;
    }
    if matches!(kind, "invalid_request_error" | "") && status == 413 {
        return FaultKind::TooLarge;
    }
    of_word(kind).unwrap_or_else(|| of_status(status))
}

/// The kind by Anthropic's word for it, or by one of those that servers which
/// speak its dialect have from others.
fn of_word(kind: &str) -> Option<FaultKind> {
    Some(match kind {
        "invalid_request_error" | "conflict_error" => FaultKind::Invalid,
        "authentication_error" => FaultKind::Authentication,
        "billing_error" | "insufficient_quota" => FaultKind::Billing,
        "context_length_exceeded" => FaultKind::ContextTooLong,
        "permission_error" => FaultKind::Permission,
        "not_found_error" => FaultKind::NotFound,
        "request_too_large" => FaultKind::TooLarge,
        "rate_limit_error" | "rate_limit_exceeded" => FaultKind::RateLimited,
        "timeout_error" => FaultKind::Timeout,
        "overloaded_error" | "service_unavailable" | "service_unavailable_error" => {
            FaultKind::Overloaded
        }
        "api_error" => FaultKind::Server,
        _ => return None,
    })
}

fn of_status(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Authentication,
        402 => FaultKind::Billing,
        403 => FaultKind::Permission,
        404 => FaultKind::NotFound,
        408 | 504 | 524 => FaultKind::Timeout,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimited,
        503 | 529 => FaultKind::Overloaded,
        400..=499 => FaultKind::Invalid,
        _ => FaultKind::Server,
    }
}

/// Anthropic puts the field before the sentence: `messages.0.role: …`.
fn field(message: &str) -> Option<String> {
    let (field, _) = message.split_once(": ")?;
    let is_path = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.')
    };
    let starts = field.starts_with(|first: char| first.is_ascii_lowercase());
    (starts && field.bytes().all(is_path)).then(|| field.to_owned())
}

/// Anthropic's word for it.
const fn name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Invalid | FaultKind::ContextTooLong | FaultKind::Filtered => {
            "invalid_request_error"
        }
        FaultKind::TooLarge => "request_too_large",
        FaultKind::Authentication => "authentication_error",
        FaultKind::Permission => "permission_error",
        FaultKind::Billing => "billing_error",
        FaultKind::NotFound => "not_found_error",
        FaultKind::RateLimited => "rate_limit_error",
        FaultKind::Overloaded => "overloaded_error",
        FaultKind::Timeout => "timeout_error",
        FaultKind::Server => "api_error",
    }
}

/// Writes an error body.
#[must_use]
pub fn write_fault(fault: &Fault, request_id: &str) -> Vec<u8> {
    // Agents shorten the conversation by these very words.
    const TOO_LONG: &str = "prompt is too long";
    let message = match fault.kind {
        FaultKind::ContextTooLong if !fault.message.contains(TOO_LONG) => {
            format!("{TOO_LONG}: {}", fault.message)
        }
        _ => fault.message.clone(),
    };
    let detail = detail(fault);
    body(name(fault.kind), detail.as_ref(), &message, request_id)
}

/// A cause by Anthropic's code, and what of the request it is about.
struct Detail<'a> {
    code: &'a str,
    unsupported: Option<&'a str>,
}

/// The causes that Anthropic's SDKs act upon: they tell a lost thread again, and
/// where none can be, go on with the whole conversation instead.
fn detail(fault: &Fault) -> Option<Detail<'_>> {
    let code = fault.code.as_deref()?;
    let field = fault.field.as_deref().filter(|field| *field == "thread");
    if field.is_some() && code == Reason::Untranslatable.code() {
        return Some(Detail {
            code: "thread_unsupported_request",
            unsupported: field,
        });
    }
    code.starts_with("thread_").then_some(Detail {
        code,
        unsupported: None,
    })
}

fn body(kind: &str, detail: Option<&Detail<'_>>, message: &str, request_id: &str) -> Vec<u8> {
    crate::json::object(|o| {
        o.string("type", "error").object("error", |o| {
            o.string("type", kind).string("message", message);
            if let Some(detail) = detail {
                o.object("details", |o| {
                    o.string("error_code", detail.code);
                    if let Some(field) = detail.unsupported {
                        o.array("unsupported", |a| {
                            a.string(field);
                        });
                    }
                });
            }
        });
        if !request_id.is_empty() {
            o.string("request_id", request_id);
        }
    })
}

/// Writes the event that ends a stream in the middle.
#[must_use]
pub fn write_fault_event(fault: &Fault, request_id: &str) -> Bytes {
    framed(&write_fault(fault, request_id))
}

fn framed(data: &[u8]) -> Bytes {
    [b"event: error\ndata: ", data, b"\n\n"].concat().into()
}
