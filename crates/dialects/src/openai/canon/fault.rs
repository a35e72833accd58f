//! Errors: of providers, read; for clients, written.
//!
//! Servers of this dialect agree on little but `error.message`. What kind of
//! error it is says the code, else the type, else the words, else the status.

use bytes::Bytes;
use domain::canon::{Fault, FaultKind};

use super::fields::{member, text};
use crate::json::{Document, Kind, Node, object};
use crate::translate::fields::detail;

/// The status that a stream has, whatever its events say.
const IN_STREAM: u16 = 200;
/// Errors are nested at most this deeply.
const MAX_DEPTH: usize = 64;

/// Reads the body of an error, whatever it is.
#[must_use]
pub fn read_fault(status: u16, body: &[u8]) -> Fault {
    let document = Document::parse(Bytes::copy_from_slice(body), MAX_DEPTH).ok();
    let root = document.as_ref().map(Document::root);
    // Google's compatible endpoint wraps its error in an array.
    let root = root.and_then(|root| match root.kind() {
        Kind::Array => root.items().next(),
        _ => Some(root),
    });
    let said = root.map(Said::read).unwrap_or_default();
    of_said(said, status)
}

/// What an error means that came with this status, or within a success.
fn of_said(said: Said, status: u16) -> Fault {
    let is_error = status >= 400;
    let status = said.status.filter(|_| !is_error).unwrap_or(status);
    let message = said.message.unwrap_or_else(|| match status {
        IN_STREAM => "The provider failed.".to_owned(),
        status => format!("The provider answered with status {status} and no message."),
    });
    let words = [said.code.as_deref(), said.kind.as_deref()];
    // Of everything that has no status of its own the type is the last word.
    let is_clients = status < 400 && said.kind.as_deref() == Some("invalid_request_error");
    let kind = words
        .into_iter()
        .flatten()
        .find_map(kind_of_word)
        .or_else(|| kind_of_message(status, &message))
        .or(is_clients.then_some(FaultKind::Invalid))
        .unwrap_or_else(|| kind_of_status(status));
    Fault {
        kind,
        message,
        code: said.code.or(said.kind),
        field: said.field,
    }
}

/// What an error's body says.
#[derive(Default)]
struct Said {
    message: Option<String>,
    code: Option<String>,
    kind: Option<String>,
    field: Option<String>,
    /// A status that stands in the body, where routers put it.
    status: Option<u16>,
}

impl Said {
    fn read(root: Node<'_>) -> Self {
        if let Some(message) = root.str() {
            return Self::plain(&message);
        }
        let error = ["error", "detail", "message"]
            .iter()
            .find_map(|key| member(root, key));
        match error {
            Some(error) if error.kind() == Kind::Object => Self::of_object(error),
            Some(error) if error.kind() == Kind::String => {
                let mut said = Self::of_object(root);
                let message = error.str().filter(|message| !message.is_empty());
                said.message = message.map(Into::into).or(said.message);
                said
            }
            Some(errors) => {
                let first = errors.items().next().map(Self::of_object);
                let mut said = first.unwrap_or_default();
                said.message = detail(root).or(said.message);
                said
            }
            None => Self::of_object(root),
        }
    }

    fn plain(message: &str) -> Self {
        let message = Some(message.trim().to_owned()).filter(|message| !message.is_empty());
        Self {
            message,
            ..Self::default()
        }
    }

    fn of_object(error: Node<'_>) -> Self {
        let owned = |key| text(error, key).map(|text| text.into_owned());
        let message = ["message", "msg", "detail", "error"]
            .into_iter()
            .find_map(owned);
        let inner = ["message", "detail"].iter().find_map(|key| {
            let inner = member(error, key)?;
            let first = match inner.kind() {
                Kind::Array => inner.items().next()?,
                Kind::Object => inner,
                _ => return None,
            };
            Self::of_object(first).message
        });
        let numbers = ["code", "status", "status_code"].iter();
        let status = numbers
            .filter_map(|key| member(error, key)?.u64())
            .find(|status| (400..600).contains(status));
        let reason = member(error, "innererror").and_then(|inner| text(inner, "code"));
        Self {
            message: message.or(inner),
            code: reason
                .map(|reason| reason.into_owned())
                .or_else(|| owned("code"))
                .or_else(|| owned("status")),
            kind: owned("type"),
            field: owned("param"),
            status: status.and_then(|status| u16::try_from(status).ok()),
        }
    }
}

/// The kind that a machine's word stands for.
fn kind_of_word(word: &str) -> Option<FaultKind> {
    Some(match word {
        "context_length_exceeded" => FaultKind::ContextTooLong,
        "content_filter" | "content_policy_violation" | "ResponsibleAIPolicyViolation" => {
            FaultKind::Filtered
        }
        "insufficient_quota"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "insufficient_balance"
        | "account_deactivated"
        | "billing_error" => FaultKind::Billing,
        "invalid_api_key"
        | "authentication_error"
        | "invalid_authentication"
        | "UNAUTHENTICATED" => FaultKind::Authentication,
        "permission_error"
        | "permission_denied"
        | "PERMISSION_DENIED"
        | "unsupported_country_region_territory" => FaultKind::Permission,
        "model_not_found" | "not_found_error" | "DeploymentNotFound" | "NOT_FOUND" => {
            FaultKind::NotFound
        }
        "rate_limit_exceeded"
        | "rate_limit_error"
        | "rate_limit_reached_error"
        | "RESOURCE_EXHAUSTED"
        | "tokens"
        | "requests" => FaultKind::RateLimited,
        "overloaded"
        | "overloaded_error"
        | "engine_overloaded_error"
        | "engine_overloaded"
        | "service_unavailable"
        | "service_unavailable_error"
        | "UNAVAILABLE"
        | "slow_down" => FaultKind::Overloaded,
        "timeout" | "timeout_error" | "DEADLINE_EXCEEDED" => FaultKind::Timeout,
        "request_too_large" => FaultKind::TooLarge,
        _ => return None,
    })
}

/// The kind that only the sentence tells.
fn kind_of_message(status: u16, message: &str) -> Option<FaultKind> {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if says(&[
        "insufficient balance",
        "credit balance",
        "insufficient credit",
        "exceeded your current quota",
    ]) {
        return Some(FaultKind::Billing);
    }
    if !matches!(status, 400 | 413 | 422) {
        return None;
    }
    let is_long = says(&[
        "context length",
        "context window",
        "maximum context",
        "prompt is too long",
        "input is too long",
        "reduce the length of the messages",
        "exceeds the available context size",
    ]);
    if is_long {
        return Some(FaultKind::ContextTooLong);
    }
    says(&["content management policy", "content filter"]).then_some(FaultKind::Filtered)
}

fn kind_of_status(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Authentication,
        402 => FaultKind::Billing,
        403 => FaultKind::Permission,
        404 => FaultKind::NotFound,
        408 | 504 => FaultKind::Timeout,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimited,
        503 | 529 => FaultKind::Overloaded,
        400..500 => FaultKind::Invalid,
        _ => FaultKind::Server,
    }
}

/// The error that an event of a stream says.
#[expect(clippy::fn_params_excessive_bools, reason = "said by the event's name")]
pub(super) fn in_stream(root: Node<'_>, is_named: bool) -> Option<Fault> {
    let has_error = member(root, "error").is_some();
    let is_error = text(root, "object").as_deref() == Some("error");
    if !has_error && !is_error && !is_named {
        return None;
    }
    Some(of_said(Said::read(root), IN_STREAM))
}

/// An error's `type`, and the `code` that stands for it.
const fn word(kind: FaultKind) -> (&'static str, Option<&'static str>) {
    match kind {
        FaultKind::Invalid => ("invalid_request_error", None),
        FaultKind::ContextTooLong => ("invalid_request_error", Some("context_length_exceeded")),
        FaultKind::Filtered => ("invalid_request_error", Some("content_filter")),
        FaultKind::TooLarge => ("invalid_request_error", Some("request_too_large")),
        FaultKind::Authentication => ("authentication_error", Some("invalid_api_key")),
        FaultKind::Permission => ("permission_error", Some("permission_denied")),
        FaultKind::Billing => ("insufficient_quota", Some("insufficient_quota")),
        FaultKind::NotFound => ("invalid_request_error", Some("model_not_found")),
        FaultKind::RateLimited => ("rate_limit_error", Some("rate_limit_exceeded")),
        FaultKind::Overloaded => ("server_error", Some("overloaded")),
        FaultKind::Timeout => ("server_error", Some("timeout")),
        FaultKind::Server => ("server_error", None),
    }
}

/// Writes the body of an error. The code is the one that SDKs of this dialect
/// know; the provider's own stands where there is none.
#[must_use]
pub fn write_fault(fault: &Fault, request_id: &str) -> Vec<u8> {
    let (kind, code) = word(fault.kind);
    let own = fault.code.as_deref().filter(|code| is_word(code));
    // What else was not found says more than that something was not.
    let is_named = |own: &&str| own.ends_with("_not_found");
    let code = own.filter(is_named).or(code).or(own);
    object(|root| {
        root.object("error", |error| {
            error.string("message", &fault.message);
            error.string("type", kind);
            match &fault.field {
                Some(field) => error.string("param", field),
                None => error.null("param"),
            };
            match code {
                Some(code) => error.string("code", code),
                None => error.null("code"),
            };
        });
        if !request_id.is_empty() {
            root.string("request_id", request_id);
        }
    })
}

/// Whether a code is one as this dialect writes them.
fn is_word(code: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    code.starts_with(|first: char| first.is_ascii_lowercase())
        && code
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// Writes the event that ends a stream in its middle. No `[DONE]` follows: the
/// SDKs raise an error at the member `error`.
#[must_use]
pub fn write_fault_event(fault: &Fault, request_id: &str) -> Bytes {
    let body = write_fault(fault, request_id);
    [b"data: ", body.as_slice(), b"\n\n"].concat().into()
}
