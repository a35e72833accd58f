//! What whole answers and streams say alike. A whole answer is a stream of one
//! line.

use domain::canon::{Json, Stop};
use domain::usage::Usage;

use crate::json::{Kind, Node};
use crate::translate::fields::{json, member, text, whole};
use crate::translate::{Names, ids};

/// A call, as a line brings it.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// Reads the calls of a message; `before` calls came before them. Older servers
/// give no ids: they are made from when the line was written, which is another
/// time in every turn.
pub(super) fn calls<'a>(
    root: Node<'a>,
    message: Node<'a>,
    before: usize,
    names: &'a Names,
) -> impl Iterator<Item = Call> + 'a {
    let calls = member(message, "tool_calls").into_iter();
    let written = text(root, "created_at").unwrap_or_default();
    let calls = calls.flat_map(Node::items).enumerate();
    calls.filter_map(move |(nth, call)| {
        let function = member(call, "function")?;
        let name = text(function, "name")?;
        let made = || ids::made(&written, (0, before + nth));
        let arguments = member(function, "arguments");
        Some(Call {
            id: text(call, "id").map_or_else(made, |id| id.into_owned()),
            name: names.inward(&name).to_owned(),
            arguments: arguments.map(arguments_of).unwrap_or_default(),
        })
    })
}

/// Arguments are an object; some write it as a text.
fn arguments_of(node: Node<'_>) -> String {
    match node.str() {
        Some(text) => text.into_owned(),
        None => json(node).as_str().to_owned(),
    }
}

/// Why an answer with so many calls ends, if this line is its last. Ollama's
/// word is the same behind calls.
pub(super) fn stop(root: Node<'_>, calls: usize) -> Option<Stop> {
    let is_done = member(root, "done").and_then(Node::bool) == Some(true);
    is_done.then(|| match text(root, "done_reason").as_deref() {
        None | Some("stop") if calls > 0 => Stop::ToolCalls,
        None | Some("stop") => Stop::End,
        Some("length") => Stop::Length,
        Some(other) => Stop::Other(other.to_owned()),
    })
}

/// What was used; a count that is nothing is left out.
pub(super) fn usage(root: Node<'_>) -> Option<Usage> {
    let prompt = whole(root, "prompt_eval_count");
    let output = whole(root, "eval_count");
    (prompt.is_some() || output.is_some()).then(|| Usage {
        input: prompt.unwrap_or(0),
        output: output.unwrap_or(0),
        ..Usage::default()
    })
}

/// Log probabilities: each is in `OpenAI`'s shape already.
pub(super) fn logprobs(root: Node<'_>) -> Option<Json> {
    let list = member(root, "logprobs").filter(|list| list.kind() == Kind::Array)?;
    list.items().next()?;
    let list = json(list);
    Some(Json::trusted(format!(
        "{{\"content\":{},\"refusal\":null}}",
        list.as_str()
    )))
}
