//! Which result answers which call.
//!
//! Ids are not always unique: some providers count calls anew in every turn.
//! Place decides then. Clients decide how many calls there are, so all is
//! looked up by id and place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::canon::{Block, Loss, Message, Role, ToolCall};

use super::ids::Ids;
use super::pieces::{Pen, no_result};
use crate::translate::order::Place;

/// A call and the result that answers it.
#[derive(Debug)]
pub(crate) struct Linked<'a> {
    pub(crate) call: &'a ToolCall,
    pub(crate) at: Place,
    pub(crate) result: Option<Place>,
    pub(crate) id: String,
}

/// The calls of a conversation.
#[derive(Debug)]
pub(crate) struct Links<'a> {
    /// In the order of their places.
    calls: Vec<Linked<'a>>,
    /// Where the results stand that answer them.
    results: BTreeSet<Place>,
}

impl<'a> Links<'a> {
    /// The call of this number.
    pub(crate) fn get(&self, number: usize) -> Option<&Linked<'a>> {
        self.calls.get(number)
    }

    /// The call that stands here, and its number.
    pub(crate) fn at(&self, place: Place) -> Option<(usize, &Linked<'a>)> {
        let found = self.calls.binary_search_by_key(&place, |link| link.at);
        let number = found.ok()?;
        Some((number, self.calls.get(number)?))
    }

    /// Whether what stands here is a call's result.
    pub(crate) fn is_result(&self, place: Place) -> bool {
        self.results.contains(&place)
    }
}

/// Finds each call's result: the first behind it that no other call has, and
/// that stands before the id is used again.
pub(crate) fn link(messages: &[Message]) -> Links<'_> {
    let mut calls: Vec<(&ToolCall, Place)> = Vec::new();
    let mut results: Vec<(&str, Place)> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        for (index, block) in message.content.iter().enumerate() {
            match block {
                Block::ToolCall(call) if message.role == Role::Assistant => {
                    calls.push((call, (at, index)));
                }
                Block::ToolResult(result) => results.push((&result.call, (at, index))),
                _ => {}
            }
        }
    }
    let mut ids = Ids::of(calls.iter().map(|(call, _)| call.id.as_str()));
    let made: Vec<(&str, Place)> = calls.iter().map(|(call, at)| (&*call.id, *at)).collect();
    let found = pair(&made, &results);
    let calls = calls.into_iter().zip(&found);
    let calls = calls.map(|((call, at), result)| Linked {
        call,
        at,
        result: *result,
        id: ids.write(&call.id),
    });
    Links {
        calls: calls.collect(),
        results: found.iter().flatten().copied().collect(),
    }
}

/// The place of each call's result. Both come in the order of their places.
fn pair<I: Ord + Copy>(calls: &[(I, Place)], results: &[(I, Place)]) -> Vec<Option<Place>> {
    let mut made: BTreeMap<I, Vec<Place>> = BTreeMap::new();
    for (id, at) in calls {
        made.entry(*id).or_default().push(*at);
    }
    let mut waiting: BTreeMap<I, VecDeque<Place>> = BTreeMap::new();
    for (id, at) in results {
        waiting.entry(*id).or_default().push_back(*at);
    }
    let result = |(id, at): &(I, Place)| {
        let waiting = waiting.get_mut(id)?;
        // What stands before this call stands before all later ones, too.
        while waiting.front().is_some_and(|place| place <= at) {
            waiting.pop_front();
        }
        let made = made.get(id)?;
        let again = made.get(made.partition_point(|other| other.0 <= at.0));
        let is_ours = |place: &Place| again.is_none_or(|again| place < again);
        waiting.front().copied().filter(is_ours)?;
        waiting.pop_front()
    };
    calls.iter().map(result).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::counted::{Counted, Counter};

    #[test]
    fn a_result_answers_the_call_before_it_until_the_id_is_used_again() {
        let calls = [("a", (0, 0)), ("a", (0, 1)), ("b", (0, 2)), ("a", (2, 0))];
        let results = [
            ("b", (0, 1)),
            ("a", (1, 0)),
            ("z", (1, 1)),
            ("a", (3, 0)),
            ("a", (3, 1)),
        ];
        let found = [Some((1, 0)), None, None, Some((3, 0))];
        assert_eq!(pair(&calls, &results), found);
    }

    #[test]
    fn a_call_is_not_compared_with_all_others() {
        let compared = Counter::default();
        let id = |name| Counted {
            name,
            compared: &compared,
        };
        let count = 20_000;
        let calls: Vec<_> = (0..count).map(|at| (id(at), (0, at))).collect();
        let results: Vec<_> = (0..count).rev().map(|at| (id(at), (1, at))).collect();
        let found = pair(&calls, &results);
        assert!(found.iter().all(Option::is_some));
        let each = compared.get() / count;
        assert!(each < 256, "{each} comparisons for each");
    }
}
