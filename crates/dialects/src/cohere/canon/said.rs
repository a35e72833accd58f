//! What whole answers and streams say alike: why they end, what was used, log
//! probabilities, citations.

use domain::canon::{Dialect, FaultKind, Json, Stop, Unknown};
use domain::usage::Usage;

use crate::json::{Node, object};
use crate::translate::fields::{json, member, text, whole};

/// How an answer ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// For this reason.
    Stop(Stop),
    /// The provider broke it off: what kind of error that is.
    Failed(FaultKind),
}

/// Whether an answer calls tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    None,
    Some,
}

/// Reads a `finish_reason`. Who waits for a call where none came would wait
/// for ever.
pub(super) fn ending(reason: &str, calls: Calls) -> Ending {
    let of_calls = match calls {
        Calls::Some => Stop::ToolCalls,
        Calls::None => Stop::End,
    };
    Ending::Stop(match reason {
        "COMPLETE" | "TOOL_CALL" => of_calls,
        "MAX_TOKENS" => Stop::Length,
        "STOP_SEQUENCE" => Stop::Sequence(None),
        "ERROR_LIMIT" => Stop::ContextFull,
        "ERROR_TOXIC" => Stop::Filtered,
        "ERROR" => return Ending::Failed(FaultKind::Server),
        "TIMEOUT" => return Ending::Failed(FaultKind::Timeout),
        other => Stop::Other(other.to_owned()),
    })
}

/// Reads `usage`. The tokens that were read from the cache stand among those
/// of the prompt. What is billed is another number, which counts no templates;
/// it is taken where there is no other.
pub(super) fn usage(node: Node<'_>) -> Option<Usage> {
    let counted = member(node, "tokens").or_else(|| member(node, "billed_units"))?;
    let prompt = whole(counted, "input_tokens");
    let output = whole(counted, "output_tokens");
    if prompt.is_none() && output.is_none() {
        return None;
    }
    let prompt = prompt.unwrap_or(0);
    let cached_input = whole(node, "cached_tokens").unwrap_or(0).min(prompt);
    Some(Usage {
        input: prompt - cached_input,
        cached_input,
        output: output.unwrap_or(0),
        ..Usage::default()
    })
}

/// Log probabilities in `OpenAI`'s shape. An item is a piece of text, maybe of
/// several tokens: its probability is that of all of them.
pub(super) fn logprobs<'a>(items: impl Iterator<Item = Node<'a>>) -> Json {
    let written = object(|out| {
        out.array("content", |list| {
            for item in items {
                let text = text(item, "text").unwrap_or_default();
                let several = member(item, "logprobs").into_iter().flat_map(Node::items);
                let of_one = member(item, "logprob");
                let number =
                    |node: Node<'_>| std::str::from_utf8(node.raw()).ok()?.parse::<f64>().ok();
                let sum: f64 = several.chain(of_one).filter_map(number).sum();
                // JSON has no word for what is no number.
                let sum = if sum.is_finite() { sum } else { f64::MIN };
                list.object(|token| {
                    token.string("token", &text);
                    token.raw("logprob", &format!("{sum:?}"));
                    token.array("bytes", |bytes| {
                        for byte in text.bytes() {
                            bytes.raw(&byte.to_string());
                        }
                    });
                    token.array("top_logprobs", |_| {});
                });
            }
        });
        out.null("refusal");
    });
    Json::trusted(String::from_utf8(written).unwrap_or_default())
}

/// A citation, if it is one of the answer's text and not of a thought or plan.
pub(super) fn citation(node: Node<'_>) -> Option<Unknown> {
    let kind = text(node, "type");
    let is_of_text = kind.is_none_or(|kind| kind == "TEXT_CONTENT");
    is_of_text.then(|| Unknown::new(Dialect::Cohere, "citation", json(node)))
}
