//! A refusal, in the client's dialect.

use std::rc::Rc;

use dialects::openai;
use domain::refusal::Refusal;
use http::{HeaderValue, Response, StatusCode, header};

use super::{AnswerBody, Served};
use crate::plane::Plane;
use crate::settle::Refused;

/// Above this, waiting within the call makes no sense to a client.
const LONG_WAIT: u64 = 60;

/// Renders a refusal and settles its ticket.
pub fn refuse(plane: &Rc<Plane>, refused: Refused) -> Served {
    let Refused {
        refusal,
        ticket,
        verbatim,
        room,
        allow,
    } = refused;
    let id = ticket
        .as_ref()
        .map_or_else(|| plane.next_ticket(), |ticket| ticket.id());
    let status = verbatim
        .as_ref()
        .map_or(refusal.reason.status(), |v| v.status);
    let body = verbatim.map_or_else(|| openai::error_body(&refusal), |v| v.body);
    let mut response = Response::new(AnswerBody::whole(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    super::headers::id(headers, id);
    say_when(headers, &refusal);
    super::headers::limits(headers, &room);
    if let Some(value) = allow.and_then(|method| HeaderValue::from_str(method.as_str()).ok()) {
        headers.insert(header::ALLOW, value);
    }
    match ticket {
        Some(ticket) => {
            let (model, provider) = ticket.served_by();
            if let Some(value) = model.and_then(|name| HeaderValue::from_str(name).ok()) {
                headers.insert(&super::headers::MODEL, value);
            }
            if let Some(value) = provider.and_then(|name| HeaderValue::from_str(name).ok()) {
                headers.insert(&super::headers::PROVIDER, value);
                headers.insert(&super::headers::ATTEMPTS, ticket.attempts().into());
            }
            if let Some(taken) = &ticket.taken {
                super::headers::limits(headers, taken.room());
            }
            if let Some(cause) = &refusal.cause {
                tracing::debug!(request_id = %id, reason = refusal.reason.code(), cause, "refused");
            }
            ticket.refuse(&refusal, status);
        }
        None => plane.shared.metrics.stranger(refusal.reason),
    }
    response
}

fn say_when(headers: &mut http::HeaderMap, refusal: &Refusal) {
    let Some(wait) = refusal.retry_after else {
        return;
    };
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    headers.insert(header::RETRY_AFTER, seconds.into());
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    headers.insert(&super::headers::RETRY_AFTER_MS, ms.into());
    if seconds > LONG_WAIT {
        headers.insert(
            &super::headers::SHOULD_RETRY,
            HeaderValue::from_static("false"),
        );
    }
}
