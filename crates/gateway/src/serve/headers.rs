//! The headers of an answer: who answered, how often was asked, what is left.

use bytes::{BufMut as _, BytesMut};
use domain::counters::{Measure, Room};
use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::shelf::Shelved;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::send::Serving;
use crate::settle::Ticket;

macro_rules! names {
    ($($name:ident = $text:literal;)*) => {
        $(pub(super) static $name: HeaderName = HeaderName::from_static($text);)*
    };
}

// Made once: reading a name costs more than anything else a header needs.
names! {
    ID = "x-request-id";
    MODEL = "x-portcullis-model";
    PROVIDER = "x-portcullis-provider";
    ATTEMPTS = "x-portcullis-attempts";
    CACHE = "x-portcullis-cache";
    COST = "x-portcullis-request-cost";
    LIMIT_REQUESTS = "x-ratelimit-limit-requests";
    REMAINING_REQUESTS = "x-ratelimit-remaining-requests";
    RESET_REQUESTS = "x-ratelimit-reset-requests";
    LIMIT_TOKENS = "x-ratelimit-limit-tokens";
    REMAINING_TOKENS = "x-ratelimit-remaining-tokens";
    RESET_TOKENS = "x-ratelimit-reset-tokens";
    RETRY_AFTER_MS = "retry-after-ms";
    SHOULD_RETRY = "x-should-retry";
}

/// Headers that every answer has room for.
const USUAL: usize = 12;

/// A map with room for what an answer usually says.
pub(super) fn map() -> HeaderMap {
    HeaderMap::with_capacity(USUAL)
}

/// Values that share one piece of memory.
struct Values(BytesMut);

impl Values {
    fn new() -> Self {
        Self(BytesMut::with_capacity(192))
    }

    /// What was written since the last one; empty if no header can have it.
    fn value(&mut self) -> HeaderValue {
        let text = self.0.split().freeze();
        HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static(""))
    }

    fn text(&mut self, text: &str) -> HeaderValue {
        self.0.put_slice(text.as_bytes());
        self.value()
    }

    fn number(&mut self, number: u64) -> HeaderValue {
        self.digits(number);
        self.value()
    }

    fn digits(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.0.put_slice(&digits[at..]);
    }

    /// A duration as `OpenAI` writes it: `12ms`, `1s`, `6m0s`.
    fn duration(&mut self, span: std::time::Duration) -> HeaderValue {
        let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        match ms {
            0..1000 => {
                self.digits(ms);
                self.0.put_slice(b"ms");
            }
            1000..60_000 => {
                self.digits(ms.div_ceil(1000));
                self.0.put_slice(b"s");
            }
            _ => {
                self.digits(ms / 60_000);
                self.0.put_slice(b"m");
                self.digits((ms % 60_000).div_ceil(1000));
                self.0.put_slice(b"s");
            }
        }
        self.value()
    }

    fn money(&mut self, money: NanoUsd) -> HeaderValue {
        use std::fmt::Write as _;
        let _ = write!(self.0, "{money}");
        self.value()
    }
}

/// Hands on what the upstream said, as far as it may go to a client.
pub(super) fn upstream(out: &mut HeaderMap, from: HeaderMap) {
    for (name, value) in &from {
        // What the gateway has said of a stream stands.
        if providers::goes_to_client(name) && !out.contains_key(name) {
            out.insert(name, value.clone());
        }
    }
    out.entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
}

/// The request's id.
pub(super) fn id(out: &mut HeaderMap, ticket: TicketId) {
    if let Ok(value) = HeaderValue::from_bytes(&ticket.text()) {
        out.insert(&ID, value);
    }
}

/// Request id, model, provider, attempts, cache, and what is left of limits.
pub(super) fn about(out: &mut HeaderMap, ticket: &Ticket, serving: &Serving) {
    let mut values = Values::new();
    id(out, ticket.id());
    let (model, provider) = ticket.served_by();
    if let Some(model) = model {
        out.insert(&MODEL, values.text(model));
    }
    if let Some(provider) = provider {
        out.insert(&PROVIDER, values.text(provider));
    }
    out.insert(&ATTEMPTS, values.number(ticket.attempts().into()));
    if serving.keep.is_some() {
        out.insert(&CACHE, HeaderValue::from_static("miss"));
    }
    if let Some(taken) = &ticket.taken {
        limits(out, taken.room());
    }
}

/// What the answer cost, in US dollars.
pub(super) fn cost(out: &mut HeaderMap, ticket: &Ticket) {
    if let Some(cost) = ticket.cost() {
        out.insert(&COST, Values::new().money(cost));
    }
}

/// An answer from the cache.
pub(super) fn hit(out: &mut HeaderMap, shelved: &Shelved) {
    let mut values = Values::new();
    out.insert(&CACHE, HeaderValue::from_static("hit"));
    out.insert(&MODEL, values.text(&shelved.model));
    out.insert(&COST, HeaderValue::from_static("0"));
}

/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as `OpenAI` has them.
pub(super) fn limits(out: &mut HeaderMap, room: &[Room]) {
    let mut values = Values::new();
    for room in room {
        let [limit, remaining, reset] = match room.measure {
            Measure::Requests => [&LIMIT_REQUESTS, &REMAINING_REQUESTS, &RESET_REQUESTS],
            Measure::Tokens => [&LIMIT_TOKENS, &REMAINING_TOKENS, &RESET_TOKENS],
            Measure::Parallel => continue,
        };
        out.insert(limit, values.number(room.capacity));
        out.insert(remaining, values.number(room.remaining));
        out.insert(reset, values.duration(room.reset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_reset_is_written_as_openai_writes_it() {
        let mut values = Values::new();
        assert_eq!(values.duration(Duration::from_millis(12)), "12ms");
        assert_eq!(values.duration(Duration::from_millis(1200)), "2s");
        assert_eq!(values.duration(Duration::from_secs(360)), "6m0s");
    }
}
