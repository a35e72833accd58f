//! The headers of an answer: who answered, how often was asked, what is left.

use std::io::Write as _;
use std::time::Duration;

use domain::canon::Dialect;
use domain::counters::{Measure, Room};
use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::shelf::Shelved;
use http1::Fields;

use crate::send::{CountedBy, Serving};
use crate::settle::Ticket;

pub(super) const MODEL: &str = "x-portcullis-model";
pub(super) const PROVIDER: &str = "x-portcullis-provider";
pub(super) const ATTEMPTS: &str = "x-portcullis-attempts";
const ID: &str = "x-request-id";
const DROPPED: &str = "x-portcullis-dropped";
const CACHE: &str = "x-portcullis-cache";
const COUNTED: &str = "x-portcullis-counted-by";
const COST: &str = "x-portcullis-request-cost";
const DEGRADED: &str = "x-portcullis-degraded-to";

/// Hands on what the upstream said, as far as it may go to a client.
pub(super) fn upstream(out: &mut Fields, from: &Fields) {
    some(out, from, providers::goes_to_client);
    if !out.has("content-type") {
        out.add("content-type", "application/json");
    }
}

/// Calls a whole answer JSON, which it is; clients take it for text where a server
/// called it that.
pub(super) fn as_json(out: &mut Fields) {
    let media_type = out.text("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.to_ascii_lowercase().ends_with("json") {
        out.set("content-type", "application/json");
    }
}

/// The same of what passes through unread; nobody says there what it is.
pub(super) fn unread(out: &mut Fields, from: &Fields) {
    some(out, from, providers::passes_to_client);
}

fn some(out: &mut Fields, from: &Fields, may_go: impl Fn(&[u8]) -> bool) {
    for (name, value) in from.iter() {
        if may_go(name)
            && let Ok(name) = std::str::from_utf8(name)
            // What the gateway has said of a stream stands.
            && !out.has(name)
        {
            out.add(name, value);
        }
    }
}

/// The request's id.
pub(super) fn id(out: &mut Fields, ticket: TicketId) {
    out.add(ID, ticket.text());
}

/// Who counted a prompt's tokens.
pub(super) fn counted(out: &mut Fields, by: CountedBy) {
    out.add(COUNTED, by.as_str());
}

/// The request's id once more, under the name by which Anthropic's clients
/// look for it.
pub fn name_id(out: &mut Fields, dialect: Dialect) {
    if dialect == Dialect::Anthropic
        && let Some(id) = out.get(ID).map(<[u8]>::to_vec)
    {
        out.set("request-id", id);
    }
}

/// Request id, model, provider, attempts, cache, and what is left of limits.
pub(super) fn about(out: &mut Fields, ticket: &Ticket, serving: &Serving) {
    if serving.keep.is_some() {
        out.add(CACHE, "miss");
    }
    of(out, ticket);
}

/// What a ticket tells the client of its request.
pub(super) fn of(out: &mut Fields, ticket: &Ticket) {
    id(out, ticket.id());
    let (model, provider) = ticket.served_by();
    if let Some(model) = model {
        out.add(MODEL, model);
    }
    if let Some(provider) = provider {
        out.add(PROVIDER, provider);
    }
    out.add_number(ATTEMPTS, ticket.attempts().into());
    if let Some(dropped) = &ticket.dropped {
        out.add(DROPPED, dropped);
    }
    if let Some(degraded) = &ticket.degraded {
        out.add(DEGRADED, degraded.as_str());
    }
    limits(out, ticket.room());
}

/// What the answer cost, in US dollars.
pub(super) fn cost(out: &mut Fields, ticket: &Ticket) {
    if let Some(cost) = ticket.cost() {
        out.add_with(COST, |text| drop(write!(text, "{cost}")));
    }
}

/// An answer from the cache.
pub(super) fn hit(out: &mut Fields, shelved: &Shelved) {
    out.set(CACHE, "hit");
    out.set(MODEL, &shelved.model);
    out.set(COST, "0");
}

/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as `OpenAI` has them,
/// and the same of money: of all limits that hold, those with the least left.
pub(super) fn limits<'a>(out: &mut Fields, room: impl Iterator<Item = &'a Room> + Clone) {
    for (measure, names) in LIMITS {
        let of_it = room
            .clone()
            .filter(|it| it.measure == measure && it.capacity != u64::MAX);
        let Some(room) = of_it.min_by_key(|it| (it.remaining, it.reset)) else {
            continue;
        };
        let [limit, remaining, reset] = names;
        match measure {
            Measure::Cost => {
                let dollars = |nanos: u64| NanoUsd(i64::try_from(nanos).unwrap_or(i64::MAX));
                out.add_with(limit, |text| {
                    drop(write!(text, "{}", dollars(room.capacity)))
                });
                out.add_with(remaining, |text| {
                    drop(write!(text, "{}", dollars(room.remaining)))
                });
            }
            _ => {
                out.add_number(limit, room.capacity);
                out.add_number(remaining, room.remaining);
            }
        }
        out.add_with(reset, |text| duration(text, room.reset));
    }
}

/// What is told of each measure.
const LIMITS: [(Measure, [&str; 3]); 3] = [
    (
        Measure::Requests,
        [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
    ),
    (
        Measure::Tokens,
        [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
    ),
    (
        Measure::Cost,
        [
            "x-portcullis-budget-usd",
            "x-portcullis-budget-remaining-usd",
            "x-portcullis-budget-reset",
        ],
    ),
];

/// Whole milliseconds, rounded up: who comes back then must not be early.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// A duration as `OpenAI` writes it: `12ms`, `1s`, `6m0s`.
fn duration(text: &mut Vec<u8>, span: Duration) {
    let ms = millis(span);
    let mut put = |number: u64, unit: &str| {
        text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        text.extend_from_slice(unit.as_bytes());
    };
    match (ms, ms.div_ceil(1000)) {
        (0..1000, _) => put(ms, "ms"),
        (_, seconds @ 0..60) => put(seconds, "s"),
        (_, seconds) => {
            put(seconds / 60, "m");
            put(seconds % 60, "s");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_written_as_openai_writes_it() {
        let written = |span| {
            let mut text = Vec::new();
            duration(&mut text, span);
            String::from_utf8(text).expect("text")
        };
        assert_eq!(written(Duration::from_millis(12)), "12ms");
        assert_eq!(written(Duration::from_millis(1200)), "2s");
        assert_eq!(written(Duration::from_secs(360)), "6m0s");
        assert_eq!(written(Duration::from_millis(59_001)), "1m0s");
        assert_eq!(written(Duration::from_millis(119_500)), "2m0s");
    }

    #[test]
    fn who_comes_back_when_told_is_not_early() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_micros(1)), 1);
        assert_eq!(millis(Duration::from_micros(12_000)), 12);
        assert_eq!(millis(Duration::from_micros(12_001)), 13);
        let mut text = Vec::new();
        duration(&mut text, Duration::from_micros(999_001));
        assert_eq!(text, b"1s");
    }
}
