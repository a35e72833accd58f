//! How much to think, in the ways that clients of this dialect say it.

use domain::canon::{Effort, Reasoning};
use domain::refusal::Refusal;

use super::fields::{Path, count, member, missing, text, wrong};
use crate::json::Node;
use crate::translate::values::EFFORTS;

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
pub(super) fn read_object(node: Node<'_>, path: Path<'_>) -> Result<Option<Reasoning>, Refusal> {
    let word = text(node, "effort");
    let enabled = member(node, "enabled").and_then(Node::bool);
    let read = Reasoning {
        effort: match (word, enabled) {
            (Some(word), _) => {
                let known = effort(&word);
                Some(known.ok_or_else(|| wrong(path.key("effort"), EFFORTS))?)
            }
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
    Ok((read != Reasoning::default()).then_some(read))
}

/// Reads `thinking`, Anthropic's object, which clients send here too.
pub(super) fn read_thinking(node: Node<'_>, path: Path<'_>) -> Result<Option<Reasoning>, Refusal> {
    let Some(kind) = text(node, "type") else {
        return Ok(None);
    };
    let mut read = Reasoning::default();
    match &*kind {
        "enabled" => {
            let path = path.key("budget_tokens");
            let budget = member(node, "budget_tokens");
            let budget = budget.ok_or_else(|| missing(path, "say how many tokens it may think"))?;
            read.budget = Some(count(budget, path)?);
        }
        "disabled" => read.effort = Some(Effort::None),
        "adaptive" => read.adaptive = true,
        _ => {
            let expected = "`enabled`, `disabled` or `adaptive`";
            return Err(wrong(path.key("type"), expected));
        }
    }
    Ok(Some(read))
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
