//! Which result answers which call.
//!
//! Ids are not always unique: some providers count calls anew in every turn.
//! Place decides then.

use domain::canon::{Block, Loss, Message, Role, ToolCall, ToolResult};

use super::ids::Ids;
use super::pieces::{Pen, no_result};

/// A call and the result that answers it.
#[derive(Debug)]
pub(crate) struct Linked<'a> {
    pub(crate) call: &'a ToolCall,
    pub(crate) at: (usize, usize),
    pub(crate) result: Option<(usize, usize)>,
    pub(crate) id: String,
}

/// Finds each call's result: the first behind it that no other call has, and
/// that stands before the id is used again.
pub(crate) fn link(messages: &[Message]) -> Vec<Linked<'_>> {
    let mut calls: Vec<(&ToolCall, (usize, usize))> = Vec::new();
    let mut results: Vec<(&ToolResult, (usize, usize))> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        for (index, block) in message.content.iter().enumerate() {
            match block {
                Block::ToolCall(call) if message.role == Role::Assistant => {
                    calls.push((call, (at, index)));
                }
                Block::ToolResult(result) => results.push((result, (at, index))),
                _ => {}
            }
        }
    }
    let mut ids = Ids::of(calls.iter().map(|(call, _)| call.id.as_str()));
    let mut links: Vec<Linked<'_>> = Vec::with_capacity(calls.len());
    for (number, (call, at)) in calls.iter().enumerate() {
        let later = calls.get(number + 1..).unwrap_or_default();
        let again = later
            .iter()
            .find(|(other, place)| other.id == call.id && place.0 > at.0);
        let until = again.map_or((usize::MAX, 0), |(_, place)| *place);
        let found = results
            .iter()
            .position(|(result, place)| result.call == call.id && at < place && *place < until);
        links.push(Linked {
            call,
            at: *at,
            result: found.map(|found| results.remove(found).1),
            id: ids.write(&call.id),
        });
    }
    links
}

/// Writes the result of a call, or one that says there is none.
pub(super) fn answer(link: &Linked<'_>, messages: &[Message], pen: &mut Pen<'_>) -> String {
    let block = link.result.and_then(|(message, block)| {
        messages
            .get(message)?
            .content
            .get(block)
            .map(|found| (message, block, found))
    });
    if let Some((message, number, Block::ToolResult(result))) = block {
        let at = format!("messages[{message}].content[{number}]");
        return pen.result(result, &link.id, &at);
    }
    let field = format!("messages[{}].content[{}]", link.at.0, link.at.1);
    pen.losses
        .push(Loss::hint(field, "a call without a result: one is made up"));
    no_result(&link.id)
}
