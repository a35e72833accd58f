//! A refusal, in the client's dialect.

use std::net::IpAddr;
use std::rc::Rc;

use domain::canon::Dialect;
use domain::refusal::{Reason, Refusal};
use http::StatusCode;
use http1::Fields;

use super::{AnswerBody, Served, fault, headers};
use crate::plane::Plane;
use crate::settle::Refused;

/// Above this, waiting within the call makes no sense to a client.
const LONG_WAIT: u64 = 60;

/// Renders a refusal and settles its ticket. One without is a stranger's, counted by
/// where it came from.
pub fn refuse(
    plane: &Rc<Plane>,
    refused: Refused,
    (dialect, from): (Dialect, Option<IpAddr>),
) -> Served {
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
        .map_or_else(|| status_of(refusal.reason, dialect), |v| v.status);
    let media_type = verbatim.as_ref().map(|v| v.media_type);
    let body = fault::body(&refusal, verbatim, (dialect, status), &id.to_string());
    let mut served =
        Served::new(AnswerBody::whole(body)).of_type(media_type.unwrap_or("application/json"));
    served.status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = &mut served.fields;
    headers::id(fields, id);
    say_when(fields, &refusal);
    headers::limits(fields, room.iter());
    if let Some(method) = allow {
        fields.add("allow", method.as_str());
    }
    match ticket {
        Some(ticket) => {
            let (model, provider) = ticket.served_by();
            if let Some(name) = model {
                fields.add(headers::MODEL, name);
            }
            if let Some(name) = provider {
                fields.add(headers::PROVIDER, name);
                fields.add_number(headers::ATTEMPTS, ticket.attempts().into());
            }
            headers::limits(fields, ticket.room());
            if let Some(cause) = &refusal.cause {
                tracing::debug!(request_id = %id, reason = refusal.reason.code(), cause, "refused");
            }
            ticket.refuse(&refusal, status);
        }
        None => {
            plane.shared.metrics.stranger(refusal.reason);
            let strangers = &plane.shared.strangers;
            strangers.count(crate::plane::now(), from, refusal.reason);
        }
    }
    served
}

/// The status of a refusal. Anthropic has one of its own for servers without room,
/// and its SDKs an error for that.
fn status_of(reason: Reason, dialect: Dialect) -> u16 {
    match (reason, dialect) {
        (Reason::UpstreamOverloaded, Dialect::Anthropic) => 529,
        _ => reason.status(),
    }
}

fn say_when(fields: &mut Fields, refusal: &Refusal) {
    let Some(wait) = refusal.retry_after else {
        return;
    };
    let ms = headers::millis(wait);
    // None at all is what a provider may say: clients take it for their own pause.
    let seconds = ms.div_ceil(1000);
    fields.add_number("retry-after", seconds);
    fields.add_number("retry-after-ms", ms);
    if seconds > LONG_WAIT {
        fields.add("x-should-retry", "false");
    }
}
