//! The end of a stream that left as it came, and then broke: events that follow on
//! those that the client has.

use bytes::Bytes;
use domain::canon::Fault;

use super::super::fault::{code_and_message, write_event};
use super::super::fields::{loose, member};
use super::line::Line;
use crate::json::{Document, Node};

/// Deeper than any event.
const MAX_DEPTH: usize = 128;
/// What of a response is another thing once it failed.
const CHANGED: [&str; 4] = ["status", "error", "completed_at", "output"];

/// Writes the events that end a stream: an `error` that SDKs throw, and the response
/// that failed, which is the one that began. `began` is the first event's data, `last`
/// that of the last one that the client has.
#[must_use]
pub fn write_broken(fault: &Fault, request_id: &str, (began, last): (&Bytes, &Bytes)) -> Bytes {
    let mut out = Vec::new();
    let mut line = Line::behind(following(last));
    line.event(&mut out, "error", |o| write_event(o, fault, request_id));
    failed(fault, began, &mut line, &mut out);
    out.concat().into()
}

/// Writes the response that failed, behind an `error` event that the client has as it
/// came: agents know why by that alone. Empty where `last` is one already.
#[must_use]
pub fn write_failed(fault: &Fault, (began, last): (&Bytes, &Bytes)) -> Bytes {
    let is_told = |event: Node<'_>| loose(event, "type").as_deref() == Some("response.failed");
    let mut out = Vec::new();
    let document = Document::parse(last.clone(), MAX_DEPTH);
    if document.is_ok_and(|document| !is_told(document.root())) {
        let mut line = Line::behind(following(last));
        failed(fault, began, &mut line, &mut out);
    }
    out.concat().into()
}

fn failed(fault: &Fault, began: &Bytes, line: &mut Line, out: &mut Vec<Bytes>) {
    let Ok(document) = Document::parse(began.clone(), MAX_DEPTH) else {
        return;
    };
    let Some(response) = member(document.root(), "response") else {
        return;
    };
    let (code, message) = code_and_message(fault);
    line.event(out, "response.failed", |o| {
        o.object("response", |o| {
            for (key, _, value) in response.entries() {
                if !CHANGED.contains(&&*key) {
                    o.raw(&key, &String::from_utf8_lossy(value.raw()));
                }
            }
            // What of it the client may have, it has had.
            o.raw("output", "[]");
            o.string("status", "failed").object("error", |o| {
                o.string("code", &code).string("message", &message);
            });
        });
    });
}

/// The number of the event behind this one.
fn following(event: &Bytes) -> u64 {
    let document = Document::parse(event.clone(), MAX_DEPTH).ok();
    let number = |document: &Document| document.root().get("sequence_number")?.u64();
    document
        .as_ref()
        .and_then(number)
        .map_or(0, |number| number + 1)
}
