//! An answer that is no success: what it means, in the pivot's dialect.

use std::time::Duration;

use bytes::Bytes;
use dialects::gemini;
use dialects::translate::{self, Upstream};
use domain::canon::Dialect;
use domain::ids::TicketId;
use domain::model::Deployment;
use http::StatusCode;
use http1::Fields;

use super::aws;
use super::failure::Failure;
use super::translation::PIVOT;

/// Reads such an answer. `theirs` is what the provider speaks, where that is not
/// the pivot's dialect; `key` the one of its keys that was taken.
pub(super) fn rejected(
    (status, fields, body): (StatusCode, &Fields, Bytes),
    theirs: Option<&Upstream>,
    (target, key): (&Deployment, Option<usize>),
    ticket: TicketId,
) -> Failure {
    let word = aws::word(status, fields, &body);
    let (body, wait) = match theirs {
        Some(theirs) => fault(theirs, status, &body, ticket),
        None => (body, None),
    };
    let failure = match word {
        Some(word) => refused(word.status, fields, body).said_by_aws(status, &word),
        None => refused(status, fields, body),
    };
    failure.or_after(wait).of_keys(&target.provider.keys, key)
}

/// A provider's error in the pivot's dialect, and when it says to come again,
/// where its body is the place for that.
fn fault(
    theirs: &Upstream,
    status: StatusCode,
    body: &[u8],
    ticket: TicketId,
) -> (Bytes, Option<Duration>) {
    let fault = (theirs.read_fault)(status.as_u16(), body);
    let wait = match theirs.dialect {
        Dialect::Gemini => gemini::canon::retry_delay(body),
        _ => None,
    };
    let pivot = translate::codec(PIVOT);
    let told = pivot.map(|pivot| (pivot.write_fault)(&fault, &ticket.to_string()));
    (told.unwrap_or_default().into(), wait)
}

/// Redirects are never followed: an answer that points elsewhere is no answer.
fn refused(status: StatusCode, fields: &Fields, body: Bytes) -> Failure {
    if status.is_redirection() || status.is_informational() {
        return Failure::broken(format!("status {status}"));
    }
    Failure::of_status(status, fields, body)
}
