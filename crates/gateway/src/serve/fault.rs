//! Errors in dialects other than `OpenAI`'s.

use bytes::Bytes;
use dialects::translate::{self, Codec, Frames};
use dialects::{gemini, openai};
use domain::canon::{Dialect, Fault, FaultKind};
use domain::refusal::{Class, Reason, Refusal};

use crate::send::Told;
use crate::settle::Verbatim;

/// The body of an error answer, in a dialect and with a status. `verbatim` is
/// what an upstream said.
pub(super) fn body(
    refusal: &Refusal,
    verbatim: Option<Box<Verbatim>>,
    (dialect, status): (Dialect, u16),
    id: &str,
) -> Bytes {
    if let Some(own) = verbatim.as_ref().and_then(|said| said.own.clone()) {
        return own;
    }
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

/// The event that ends a stream whose provider says that it failed: the one
/// that came, if the client may read it as it is, or what it means. Empty where
/// only the gateway has something to say, by [`event`].
pub(super) fn told(
    told: &Told,
    came: Bytes,
    (frames, client): (&mut Frames, Option<&Codec>),
    id: &str,
) -> Bytes {
    let Some(fault) = &told.fault else {
        return frames.fault(&of(&told.refusal));
    };
    // Errors of the others carry a request's id, and it is the gateway's.
    let dialect = client.map_or(Dialect::OpenAi, |codec| codec.dialect);
    let is_bare = matches!(dialect, Dialect::OpenAi | Dialect::Responses);
    if is_bare && told.is_error && !came.is_empty() {
        return match frames.closing(fault) {
            closing if closing.is_empty() => came,
            closing => [came, closing].concat().into(),
        };
    }
    let event = frames.fault(fault);
    match client {
        _ if !event.is_empty() => event,
        Some(codec) => (codec.write_fault_event)(fault, id),
        None => openai::canon::write_fault_event(fault, ""),
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
pub(super) fn of(refusal: &Refusal) -> Fault {
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
