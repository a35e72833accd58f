//! The order of a written conversation, for targets that want the result of
//! each call behind it, and nothing before those.
//!
//! Conversations of other dialects may keep results elsewhere, several times,
//! or not at all; texts may stand anywhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::canon::{Block, Message, Request, Role, ToolCall, ToolResult};

use super::ids;

/// What a model is told of a call whose result is not there.
pub(crate) const UNANSWERED: &str = "This call was not answered.";
/// Why that is told.
pub(crate) const NO_RESULT: &str = "a call without a result: one is made up";
/// What becomes of a result without its call.
pub(crate) const NO_CALL: &str = "there is no call before it: it is a user's text here";

/// Why a user's turn is made up.
pub(crate) const NOT_BEGUN: &str = "it does not begin with a user's turn: one is made up";

/// Where a block stands: its message, and its place there.
pub(crate) type Place = (usize, usize);

/// One step of a conversation.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Somebody says something; results in it are steps of their own.
    Said {
        /// Which message.
        at: usize,
        message: &'a Message,
        /// The ids of its calls, in their order; none is empty, and no two are
        /// the same.
        ids: Vec<Cow<'a, str>>,
    },
    /// What a call of message `at` gave; none if the conversation has nothing.
    Answered {
        at: usize,
        call: &'a ToolCall,
        id: Cow<'a, str>,
        result: Option<(Place, &'a ToolResult)>,
    },
    /// A result that no call wants.
    Stray { at: Place, result: &'a ToolResult },
}

/// The steps of a request's conversation.
pub(crate) fn steps(request: &Request) -> Vec<Step<'_>> {
    let mut order = Order::of(&request.messages);
    let mut steps = Vec::with_capacity(request.messages.len());
    for (at, message) in request.messages.iter().enumerate() {
        let calls: Vec<&ToolCall> = match message.role {
            Role::Assistant => message.content.iter().filter_map(call).collect(),
            _ => Vec::new(),
        };
        let ids = named(at, &calls);
        let is_result = |block: &Block| matches!(block, Block::ToolResult(_));
        // Of a message that was nothing but results nothing is left.
        if message.content.is_empty() || !message.content.iter().all(is_result) {
            let ids = ids.clone();
            steps.push(Step::Said { at, message, ids });
        }
        for (call, id) in calls.into_iter().zip(ids) {
            let result = order.take(at, &call.id);
            steps.push(Step::Answered {
                at,
                call,
                id,
                result,
            });
        }
        for (nth, block) in message.content.iter().enumerate() {
            let place = (at, nth);
            match block {
                Block::ToolResult(result) if !order.taken.contains(&place) => {
                    steps.push(Step::Stray { at: place, result });
                }
                _ => {}
            }
        }
    }
    steps
}

/// Says whose result it is, where that stands elsewhere.
pub(crate) fn heading(result: &ToolResult) -> String {
    match &result.name {
        Some(name) => format!("From the call {} of {name}:", result.call),
        None => format!("From the call {}:", result.call),
    }
}

fn call(block: &Block) -> Option<&ToolCall> {
    match block {
        Block::ToolCall(call) => Some(call),
        _ => None,
    }
}

fn named<'a>(at: usize, calls: &[&'a ToolCall]) -> Vec<Cow<'a, str>> {
    let mut used = BTreeSet::new();
    let mut out: Vec<Cow<'a, str>> = Vec::with_capacity(calls.len());
    for (nth, call) in calls.iter().enumerate() {
        let mut id = Cow::Borrowed(&*call.id);
        if id.is_empty() || used.contains(&*id) {
            id = ids::made(&call.id, (at, nth)).into();
        }
        used.insert(id.clone().into_owned());
        out.push(id);
    }
    out
}

/// Which results belong to which calls.
struct Order<'a> {
    /// The results of each call's id, in their order, until a call takes them.
    results: BTreeMap<&'a str, VecDeque<(Place, &'a ToolResult)>>,
    /// The messages in which a call with this id is made.
    made: BTreeMap<&'a str, Vec<usize>>,
    /// Results that a call took.
    taken: BTreeSet<Place>,
}

impl<'a> Order<'a> {
    fn of(messages: &'a [Message]) -> Self {
        let mut order = Self {
            results: BTreeMap::new(),
            made: BTreeMap::new(),
            taken: BTreeSet::new(),
        };
        for (at, message) in messages.iter().enumerate() {
            for (nth, block) in message.content.iter().enumerate() {
                match block {
                    Block::ToolCall(call) if message.role == Role::Assistant => {
                        order.made.entry(&call.id).or_default().push(at);
                    }
                    Block::ToolResult(result) => {
                        let results = order.results.entry(&result.call).or_default();
                        results.push_back(((at, nth), result));
                    }
                    _ => {}
                }
            }
        }
        order
    }

    /// The result of a call that message `at` makes: the first behind it, but
    /// before another message calls by the same id.
    fn take(&mut self, at: usize, id: &str) -> Option<(Place, &'a ToolResult)> {
        let made = self.made.get(id)?;
        let until = made.get(made.partition_point(|made| *made <= at));
        let results = self.results.get_mut(id)?;
        while results.front().is_some_and(|(place, _)| place.0 < at) {
            results.pop_front();
        }
        let is_ours = |found: &&(Place, _)| until.is_none_or(|until| found.0.0 < *until);
        results.front().filter(is_ours)?;
        let found = results.pop_front()?;
        self.taken.insert(found.0);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(ids: &[&str]) -> Message {
        let call = |id: &&str| {
            Block::ToolCall(ToolCall {
                id: (*id).to_owned(),
                name: "f".to_owned(),
                arguments: String::new(),
                custom: false,
                signature: None,
                cache: None,
            })
        };
        Message::new(Role::Assistant, ids.iter().map(call).collect())
    }

    fn results(ids: &[&str]) -> Message {
        let result = |id: &&str| {
            Block::ToolResult(ToolResult {
                call: (*id).to_owned(),
                name: None,
                content: Vec::new(),
                is_error: None,
                custom: false,
                cache: None,
            })
        };
        Message::new(Role::Tool, ids.iter().map(result).collect())
    }

    /// `said 0`, `answered a 1.0`, `stray 3.0`.
    fn order(messages: Vec<Message>) -> Vec<String> {
        let request = Request {
            messages,
            ..Request::default()
        };
        let place = |(message, block): Place| format!("{message}.{block}");
        let step = |step: &Step<'_>| match step {
            Step::Said { at, .. } => format!("said {at}"),
            Step::Answered { id, result, .. } => {
                let at = result.map_or("nothing".to_owned(), |(at, _)| place(at));
                format!("answered {id} {at}")
            }
            Step::Stray { at, .. } => format!("stray {}", place(*at)),
        };
        steps(&request).iter().map(step).collect()
    }

    #[test]
    fn each_call_is_followed_by_its_result() {
        let user = || Message::new(Role::User, vec![Block::text("x")]);
        let talk = vec![calls(&["a", "b"]), user(), results(&["b", "a"]), user()];
        let wanted = [
            "said 0",
            "answered a 2.1",
            "answered b 2.0",
            "said 1",
            "said 3",
        ];
        assert_eq!(order(talk), wanted);
    }

    #[test]
    fn an_id_that_comes_again_belongs_to_its_own_turn() {
        let talk = vec![
            calls(&["a"]),
            results(&["a"]),
            calls(&["a"]),
            results(&["a", "z"]),
        ];
        let wanted = [
            "said 0",
            "answered a 1.0",
            "said 2",
            "answered a 3.0",
            "stray 3.1",
        ];
        assert_eq!(order(talk), wanted);
    }

    #[test]
    fn calls_without_ids_get_some_that_differ() {
        let steps = order(vec![calls(&["", ""]), results(&["", ""])]);
        assert!(steps[1].ends_with(" 1.0"), "{steps:?}");
        assert!(steps[2].ends_with(" 1.1"), "{steps:?}");
        assert_ne!(steps[1][..25], steps[2][..25]);
        let again = order(vec![calls(&["", ""]), results(&["", ""])]);
        assert_eq!(again, steps, "every turn says the same");
    }

    #[test]
    fn a_call_without_a_result_is_told_as_such() {
        assert_eq!(order(vec![calls(&["a"])]), ["said 0", "answered a nothing"]);
    }
}
