//! What is lost of the turns before: the client named them by an id alone, so
//! that id is the field that it is told of.

use std::ops::Range;

use dialects::json::{Document, Kind};
use domain::canon::Loss;

use crate::accept::Foreign;

/// The field that stands for all of them.
const FIELD: &str = "previous_response_id";

/// Gives losses in earlier turns the name by which the client sent those.
/// `losses` are of `foreign.request`, message by message.
pub(super) fn named(losses: &mut [Loss], foreign: &Foreign) {
    let conversed = foreign.conversed.as_ref();
    let goes_on = conversed.is_some_and(|it| it.previous.is_some());
    if !goes_on || !losses.iter().any(|loss| message(&loss.field).is_some()) {
        return;
    }
    let earlier = earlier(foreign);
    for loss in losses {
        if message(&loss.field).is_some_and(|message| earlier.contains(&message)) {
            FIELD.clone_into(&mut loss.field);
        }
    }
}

/// Which messages are of earlier turns: they stand between the instructions and
/// what the client sends now. Hardly anybody asks, so that is read again.
fn earlier(foreign: &Foreign) -> Range<usize> {
    let own = (foreign.codec.read_request)(&foreign.document);
    let own = own.map_or(0, |request| request.messages.len());
    let first = instructions(&foreign.document).min(own);
    let last = foreign.request.messages.len().saturating_sub(own - first);
    first..last
}

/// How many messages the instructions are.
fn instructions(document: &Document) -> usize {
    let said = document.root().get("instructions");
    said.map_or(0, |said| match said.kind() {
        Kind::String => 1,
        Kind::Array => said.items().count(),
        _ => 0,
    })
}

/// The message that a field stands in.
fn message(field: &str) -> Option<usize> {
    let (number, _) = field.strip_prefix("messages[")?.split_once(']')?;
    number.parse().ok()
}
