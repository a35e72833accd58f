//! How much to think: a level for newer models, a budget for older ones.

use domain::canon::{Effort, Reasoning};
use domain::traits::{Budget, Form, Off};

use super::{Member, Writing, own_members};

/// The members of `thinkingConfig`. A model that does not think refuses it.
pub(super) fn members(writing: &mut Writing<'_>) -> Vec<Member> {
    let mut members = own_members(writing.request, "generationConfig.thinkingConfig.");
    let Some(reasoning) = &writing.request.reasoning else {
        return members;
    };
    let is_off = reasoning.effort == Some(Effort::None) || reasoning.budget == Some(0);
    if !writing.target.reasons {
        if !is_off && *reasoning != silent() {
            writing.hint("reasoning", "the model does not think");
        }
        return Vec::new();
    }
    if is_off {
        members.push(rest(writing));
        return members;
    }
    if members.iter().all(|(name, _)| name != "thinkingLevel") {
        members.extend(amount(writing, reasoning));
    }
    // What others call reasoning comes as thoughts, and only to who asks.
    if reasoning.summary.as_deref() != Some("none") {
        members.push(("includeThoughts".to_owned(), "true".to_owned()));
    }
    members
}

/// A `thinkingConfig` that says nothing.
fn silent() -> Reasoning {
    Reasoning {
        summary: Some("none".to_owned()),
        ..Reasoning::default()
    }
}

/// Not to think, or as little as the model can.
fn rest(writing: &mut Writing<'_>) -> Member {
    if writing.target.traits.off != Off::Never {
        return budget(0);
    }
    writing.hint(
        "reasoning",
        "the model cannot stop thinking; it thinks least",
    );
    match writing.target.traits.form {
        Form::Budget => budget(writing.target.traits.budget.least),
        _ => level(writing, Effort::Minimal),
    }
}

fn amount(writing: &Writing<'_>, reasoning: &Reasoning) -> Option<Member> {
    let has_levels = writing.target.traits.form != Form::Budget;
    match (reasoning.effort, reasoning.budget) {
        (Some(effort), _) if has_levels => Some(level(writing, effort)),
        (_, Some(tokens)) => Some(bounded(writing, tokens)),
        (Some(effort), None) => Some(bounded(writing, effort.budget())),
        (None, None) if reasoning.adaptive => Some(("thinkingBudget".to_owned(), "-1".to_owned())),
        (None, None) => None,
    }
}

fn bounded(writing: &Writing<'_>, tokens: u64) -> Member {
    let Budget { least, most } = writing.target.traits.budget;
    budget(tokens.clamp(least, most))
}

fn budget(tokens: u64) -> Member {
    ("thinkingBudget".to_owned(), tokens.to_string())
}

fn level(writing: &Writing<'_>, effort: Effort) -> Member {
    // Not to think is no level.
    let asked = effort.max(Effort::Minimal);
    let known = writing.target.traits.efforts.nearest(asked);
    let word = known.unwrap_or(asked).as_str().to_ascii_uppercase();
    ("thinkingLevel".to_owned(), format!("\"{word}\""))
}
