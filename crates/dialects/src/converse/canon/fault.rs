//! Errors of Bedrock: before an answer, and in the middle of a stream.

use bytes::Bytes;
use domain::canon::{Fault, FaultKind};

use super::DEPTH;
use super::fields::word;
use crate::json::{Document, Node};
use crate::translate::fields::detail;

/// A message is kept up to this many characters.
const LONGEST: usize = 4096;

/// Reads an error body of Bedrock's, of a proxy before it, or nothing at all.
/// AWS' word for an error stands in a header; some bodies repeat it.
#[must_use]
pub fn read_fault(status: u16, body: &[u8]) -> Fault {
    let document = Document::parse(Bytes::copy_from_slice(body), DEPTH).ok();
    let root = document.as_ref().map(Document::root);
    let said = |keys: &[&str]| {
        let mut all = keys.iter().filter_map(|key| root?.get(key)?.str());
        all.find(|said| !said.trim().is_empty())
            .map(std::borrow::Cow::into_owned)
    };
    let inner = root.and_then(|root| root.get("error"));
    let inner = inner.map(|error| word(error, "message"));
    let message = said(&["message", "Message", "errorMessage"])
        .or(inner.filter(|said| !said.is_empty()))
        .or_else(|| detail(root?))
        .unwrap_or_else(|| format!("The provider answered with status {status}."));
    let code = said(&["__type", "code", "Code"]).map(|code| bare(&code).to_owned());
    Fault {
        kind: kind_of(status, code.as_deref().unwrap_or_default(), &message),
        message: message.chars().take(LONGEST).collect(),
        code,
        field: None,
    }
}

/// AWS' word for an error: what its header says, else `__type` in the body.
#[must_use]
pub fn error_word(header: Option<&str>, body: &[u8]) -> Option<String> {
    let header = header.map(|word| bare(word.trim()));
    if let Some(word) = header.filter(|word| !word.is_empty()) {
        return Some(word.to_owned());
    }
    memchr::memmem::find(body, b"\"__type\"")?;
    let document = Document::parse(Bytes::copy_from_slice(body), DEPTH).ok()?;
    let word = document.root().get("__type")?.str()?;
    Some(bare(&word).to_owned())
}

/// `com.amazon.coral.service#ThrottlingException:http://…` without its frame.
fn bare(code: &str) -> &str {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code)
}

fn kind_of(status: u16, code: &str, message: &str) -> FaultKind {
    by_message(status, message)
        .or_else(|| kind_of_word(code))
        .unwrap_or_else(|| by_status(status))
}

/// What only the sentence tells.
fn by_message(status: u16, message: &str) -> Option<FaultKind> {
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    let is_request = matches!(status, 400..=404 | 413 | 424);
    let too_long = [
        "input is too long",
        "prompt is too long",
        "too many input tokens",
        "too many total text bytes",
        "exceed context limit",
        "exceeds the context window",
        "maximum context length",
        "exceeds the maximum number of tokens",
        "exceeded model token limit",
        "context window",
    ];
    let unknown_model = [
        "model identifier is invalid",
        "could not resolve the foundation model",
        "model not found",
    ];
    let bad_key = [
        "security token included in the request is",
        "request signature we calculated does not match",
        "signature expired",
        "signature not yet current",
        "missing authentication token",
        "api key is valid",
        "bearer token has expired",
        "invalid api key",
    ];
    let unpaid = [
        "invalid_payment_instrument",
        "valid payment instrument",
        "aws marketplace subscription",
    ];
    let filtered = ["content filtering policy", "blocked by content filter"];
    Some(match () {
        () if !is_request => return None,
        () if says(&too_long) => FaultKind::ContextTooLong,
        () if says(&filtered) => FaultKind::Filtered,
        () if says(&unpaid) => FaultKind::Billing,
        () if says(&bad_key) => FaultKind::Authentication,
        () if says(&unknown_model) => FaultKind::NotFound,
        () => return None,
    })
}

/// What AWS' word means, with and without `Exception`, in either case: an event
/// of a stream begins its word with a small letter.
#[must_use]
pub fn kind_of_word(word: &str) -> Option<FaultKind> {
    let lower = word.to_ascii_lowercase();
    Some(match lower.strip_suffix("exception").unwrap_or(&lower) {
        "validation" | "conflict" => FaultKind::Invalid,
        "accessdenied" => FaultKind::Permission,
        "unrecognizedclient"
        | "invalidsignature"
        | "signaturedoesnotmatch"
        | "expiredtoken"
        | "requestexpired"
        | "invalidclienttokenid"
        | "missingauthenticationtoken"
        | "incompletesignature" => FaultKind::Authentication,
        "resourcenotfound" => FaultKind::NotFound,
        "throttling"
        | "throttled"
        | "toomanyrequests"
        | "requestlimitexceeded"
        | "limitexceeded"
        | "servicequotaexceeded" => FaultKind::RateLimited,
        "modelnotready" | "serviceunavailable" => FaultKind::Overloaded,
        "modeltimeout" => FaultKind::Timeout,
        "internalserver" | "internalfailure" | "modelerror" | "modelstreamerror" => {
            FaultKind::Server
        }
        "requestentitytoolarge" => FaultKind::TooLarge,
        _ => return None,
    })
}

fn by_status(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Authentication,
        402 => FaultKind::Billing,
        403 => FaultKind::Permission,
        404 => FaultKind::NotFound,
        408 | 504 => FaultKind::Timeout,
        413 => FaultKind::TooLarge,
        // What the model did wrong is no fault of the client's.
        424 => FaultKind::Server,
        429 => FaultKind::RateLimited,
        503 => FaultKind::Overloaded,
        400..=499 => FaultKind::Invalid,
        _ => FaultKind::Server,
    }
}

/// The exception that ends a stream.
pub(crate) fn of_exception(exception: &str, payload: Option<Node<'_>>) -> Fault {
    let said = payload.map(|root| {
        let own = [word(root, "message"), word(root, "Message")];
        own.into_iter().find(|said| !said.is_empty())
    });
    let message = said
        .flatten()
        .unwrap_or_else(|| format!("The stream ended with `{exception}`."));
    let kind = by_message(400, &message)
        .or_else(|| kind_of_word(exception))
        .unwrap_or(FaultKind::Server);
    Fault {
        kind,
        message: message.chars().take(LONGEST).collect(),
        code: Some(exception.to_owned()),
        field: None,
    }
}
