//! Errors: `{"message", "id"}`. What kind of error it is says the sentence,
//! else the status.

use bytes::Bytes;
use domain::canon::{Fault, FaultKind};

use super::DEPTH;
use crate::json::Document;
use crate::translate::fields::{detail, text};

/// An error's message is kept up to this many characters.
const LONGEST: usize = 4096;

/// Reads a provider's error; `body` may be anything.
#[must_use]
pub fn read_fault(status: u16, body: &[u8]) -> Fault {
    let document = Document::parse(Bytes::copy_from_slice(body), DEPTH).ok();
    let root = document.as_ref().map(Document::root);
    let said = root.and_then(|root| {
        let mut keys = ["message", "error"].into_iter();
        let said = keys.find_map(|key| text(root, key));
        let said = said.or_else(|| detail(root).map(Into::into));
        said.or_else(|| root.str())
    });
    let said = said.filter(|said| !said.trim().is_empty());
    let message = match said {
        Some(said) => said.chars().take(LONGEST).collect(),
        None => format!("The provider answered with status {status} and no message."),
    };
    Fault {
        kind: by_message(status, &message).unwrap_or_else(|| by_status(status)),
        message,
        code: None,
        field: None,
    }
}

/// What only the sentence tells.
fn by_message(status: u16, message: &str) -> Option<FaultKind> {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    match status {
        400 | 413 | 422 => says(&[
            "too many tokens",
            "context length",
            "context window",
            "maximum context",
            "prompt is too long",
        ])
        .then_some(FaultKind::ContextTooLong),
        // A trial key that has had its calls of the month gets no more.
        429 => says(&["/ month", "per month", "monthly"]).then_some(FaultKind::Billing),
        _ => None,
    }
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
        // A token that is on a list of what must not be said.
        498 => FaultKind::Filtered,
        503 | 529 => FaultKind::Overloaded,
        400..=497 => FaultKind::Invalid,
        _ => FaultKind::Server,
    }
}
