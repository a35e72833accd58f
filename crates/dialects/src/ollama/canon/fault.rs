//! Errors: `{"error"}`, by a status or as a line of a stream. What kind of error
//! it is says the sentence, else the status.

use bytes::Bytes;
use domain::canon::{Fault, FaultKind};

use super::DEPTH;
use crate::json::{Document, Kind, Node};
use crate::translate::fields::{detail, member, text};

/// An error's message is kept up to this many characters.
const LONGEST: usize = 4096;

/// Reads a provider's error; `body` may be anything.
#[must_use]
pub fn read_fault(status: u16, body: &[u8]) -> Fault {
    let document = Document::parse(Bytes::copy_from_slice(body), DEPTH).ok();
    let root = document.as_ref().map(Document::root);
    let message = root.and_then(|root| said(root).or_else(|| detail(root)));
    let message = message
        .unwrap_or_else(|| format!("The provider answered with status {status} and no message."));
    Fault {
        kind: by_message(&message).unwrap_or_else(|| by_status(status)),
        message,
        code: None,
        field: None,
    }
}

/// The error that a line of a stream says.
pub(super) fn in_stream(root: Node<'_>) -> Option<Fault> {
    member(root, "error")?;
    let message = said(root).unwrap_or_else(|| "The provider failed.".to_owned());
    Some(Fault {
        kind: by_message(&message).unwrap_or(FaultKind::Server),
        message,
        code: None,
        field: None,
    })
}

/// Its sentence: a text, or that of an object.
fn said(root: Node<'_>) -> Option<String> {
    let error = member(root, "error")?;
    let said = match error.kind() {
        Kind::Object => text(error, "message"),
        _ => error.str(),
    };
    let said = said.filter(|said| !said.trim().is_empty())?;
    Some(said.chars().take(LONGEST).collect())
}

/// What only the sentence tells.
fn by_message(message: &str) -> Option<FaultKind> {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    let is_long = says(&[
        "exceeds the context length",
        "exceeds maximum context length",
        "exceeds the available context",
        "longer than the context length",
        "context length exceeded",
    ]);
    if is_long {
        return Some(FaultKind::ContextTooLong);
    }
    says(&["server busy"]).then_some(FaultKind::Overloaded)
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
        400..=498 => FaultKind::Invalid,
        _ => FaultKind::Server,
    }
}
