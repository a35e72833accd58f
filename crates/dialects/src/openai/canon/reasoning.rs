//! How much to think, in the ways that clients of this dialect say it.

use domain::canon::{Effort, Reasoning};

use super::fields::{member, text};
use crate::json::Node;

/// The effort that a word stands for.
pub(super) fn effort(word: &str) -> Option<Effort> {
    Some(match word {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        _ => return None,
    })
}

/// Reads `reasoning`, an object that routers of this dialect take.
pub(super) fn read_object(node: Node<'_>) -> Option<Reasoning> {
    let word = text(node, "effort");
    let enabled = member(node, "enabled").and_then(Node::bool);
    let read = Reasoning {
        effort: match (word, enabled) {
            (Some(word), _) => Some(effort(&word)?),
            (None, Some(false)) => Some(Effort::None),
            _ => None,
        },
        budget: member(node, "max_tokens").and_then(Node::u64),
        adaptive: false,
        summary: match member(node, "exclude").and_then(Node::bool) {
            Some(true) => Some("none".to_owned()),
            _ => text(node, "summary").map(Into::into),
        },
    };
    (read != Reasoning::default()).then_some(read)
}

/// Reads `thinking`, Anthropic's object, which clients send here too.
pub(super) fn read_thinking(node: Node<'_>) -> Option<Reasoning> {
    let kind = text(node, "type")?;
    let mut read = Reasoning::default();
    match &*kind {
        "enabled" => read.budget = Some(member(node, "budget_tokens")?.u64()?),
        "disabled" => read.effort = Some(Effort::None),
        "adaptive" => read.adaptive = true,
        _ => return None,
    }
    Some(read)
}

/// Both ways of saying it together: what the first leaves open, the second says.
pub(super) fn joined(first: Option<Reasoning>, second: Option<Reasoning>) -> Option<Reasoning> {
    let (Some(first), Some(second)) = (&first, &second) else {
        return first.or(second);
    };
    Some(Reasoning {
        effort: first.effort.or(second.effort),
        budget: first.budget.or(second.budget),
        adaptive: first.adaptive || second.adaptive,
        summary: first.summary.clone().or_else(|| second.summary.clone()),
    })
}
