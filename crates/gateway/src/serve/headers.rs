//! The headers of an answer: who answered, how often was asked, what is left.

use domain::counters::{Measure, Room};
use domain::ids::TicketId;
use domain::shelf::Shelved;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::send::Serving;
use crate::settle::Ticket;

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Hands on what the upstream said, as far as it was allowed in.
pub(super) fn upstream(out: &mut HeaderMap, from: &HeaderMap) {
    for (name, value) in from {
        // What the gateway has said of a stream stands.
        if !out.contains_key(name) {
            out.insert(name.clone(), value.clone());
        }
    }
    out.entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
}

/// The request's id.
pub(super) fn id(out: &mut HeaderMap, ticket: TicketId) {
    set(out, "x-request-id", &ticket.to_string());
}

/// Request id, model, provider, attempts, cache, and what is left of limits.
pub(super) fn about(out: &mut HeaderMap, ticket: &Ticket, serving: &Serving) {
    id(out, ticket.id());
    let (model, provider) = ticket.served_by();
    if let Some(model) = model {
        set(out, "x-portcullis-model", model);
    }
    if let Some(provider) = provider {
        set(out, "x-portcullis-provider", provider);
    }
    set(out, "x-portcullis-attempts", &ticket.attempts().to_string());
    if serving.keep.is_some() {
        set(out, "x-portcullis-cache", "miss");
    }
    if let Some(taken) = &ticket.taken {
        limits(out, taken.room());
    }
}

/// What the answer cost, in US dollars.
pub(super) fn cost(out: &mut HeaderMap, ticket: &Ticket) {
    if let Some(cost) = ticket.cost() {
        set(out, "x-portcullis-request-cost", &cost.to_string());
    }
}

/// An answer from the cache.
pub(super) fn hit(out: &mut HeaderMap, shelved: &Shelved) {
    set(out, "x-portcullis-cache", "hit");
    set(out, "x-portcullis-model", &shelved.model);
    set(out, "x-portcullis-request-cost", "0");
}

/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as `OpenAI` has them.
pub(super) fn limits(out: &mut HeaderMap, room: &[Room]) {
    for room in room {
        let names = match room.measure {
            Measure::Requests => [
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ],
            Measure::Tokens => [
                "x-ratelimit-limit-tokens",
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-reset-tokens",
            ],
            Measure::Parallel => continue,
        };
        set(out, names[0], &room.capacity.to_string());
        set(out, names[1], &room.remaining.to_string());
        set(out, names[2], &duration(room.reset));
    }
}

/// A duration as `OpenAI` writes it: `12ms`, `1s`, `6m0s`.
fn duration(span: std::time::Duration) -> String {
    let ms = span.as_millis();
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{}s", ms.div_ceil(1000)),
        _ => format!("{}m{}s", ms / 60_000, (ms % 60_000).div_ceil(1000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_reset_is_written_as_openai_writes_it() {
        assert_eq!(duration(Duration::from_millis(12)), "12ms");
        assert_eq!(duration(Duration::from_millis(1200)), "2s");
        assert_eq!(duration(Duration::from_secs(360)), "6m0s");
    }
}
