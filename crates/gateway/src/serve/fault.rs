//! Errors in dialects other than `OpenAI`'s.

use bytes::Bytes;
use dialects::translate::{self, Codec};
use dialects::{gemini, openai};
use domain::canon::{Dialect, Fault, FaultKind};
use domain::refusal::{Class, Reason, Refusal};

use crate::settle::Verbatim;

/// The body of an error answer, in a dialect and with a status. `verbatim` is
/// an upstream's own, in `OpenAI`'s dialect.
pub(super) fn body(
    refusal: &Refusal,
    verbatim: Option<Verbatim>,
    (dialect, status): (Dialect, u16),
    id: &str,
) -> Bytes {
    if dialect == Dialect::Gemini {
        let fault = match &verbatim {
            Some(verbatim) => openai::canon::read_fault(verbatim.status, &verbatim.body),
            None => of(refusal),
        };
        let wait = refusal.retry_after;
        return gemini::canon::write_refusal(&fault, id, status, wait).into();
    }
    let codec = translate::codec(dialect).filter(|_| dialect != Dialect::OpenAi);
    match (codec, verbatim) {
        (None, None) => openai::error_body(refusal),
        (None, Some(verbatim)) => verbatim.body,
        (Some(codec), None) => (codec.write_fault)(&of(refusal), id).into(),
        (Some(codec), Some(verbatim)) => {
            let fault = openai::canon::read_fault(verbatim.status, &verbatim.body);
            (codec.write_fault)(&fault, id).into()
        }
    }
}

/// The event that ends a stream which broke.
pub(super) fn event(refusal: &Refusal, client: Option<&Codec>, id: &str) -> Bytes {
    match client {
        None => openai::error_event(refusal),
        Some(codec) => (codec.write_fault_event)(&of(refusal), id),
    }
}

/// What a refusal is in words that every dialect has.
fn of(refusal: &Refusal) -> Fault {
    let kind = match (refusal.reason, refusal.reason.class()) {
        (Reason::BodyTooLarge, _) => FaultKind::TooLarge,
        (Reason::UpstreamTimeout | Reason::BodyTimeout, _) => FaultKind::Timeout,
        (_, Class::InvalidRequest) => FaultKind::Invalid,
        (Reason::UnknownResponse | Reason::UnknownItem, _) => FaultKind::Invalid,
        (_, Class::NotFound) => FaultKind::NotFound,
        (_, Class::Authentication) => FaultKind::Authentication,
        (_, Class::Permission) => FaultKind::Permission,
        (_, Class::ContentPolicy) => FaultKind::Filtered,
        (_, Class::RateLimit) => FaultKind::RateLimited,
        (_, Class::Overloaded) => FaultKind::Overloaded,
        (_, Class::Upstream | Class::Server) => FaultKind::Server,
    };
    Fault {
        kind,
        message: refusal.message.clone(),
        code: Some(refusal.reason.code().to_owned()),
        field: refusal.param.clone(),
    }
}
