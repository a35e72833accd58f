//! **guard**: what may leave the house. Decides; `send` applies.

use std::sync::Arc;

use dialects::openai;
use domain::guard::{Action, Direction, Finding, Guard};
use domain::refusal::{Reason, Refusal};

use crate::compose::Composed;
use crate::settle::{Refused, Ticket};

/// A request that every guard has read.
pub struct Guarded {
    /// The composed request.
    pub composed: Composed,
}

/// Lets every guard read every text of the request.
///
/// # Errors
/// 400 naming the guard, never the pattern.
pub fn guard(mut composed: Composed) -> Result<Guarded, Refused> {
    let guards: Vec<Arc<dyn Guard>> = composed
        .guards
        .iter()
        .filter(|g| g.reads(Direction::Request))
        .cloned()
        .collect();
    if guards.is_empty() {
        return Ok(Guarded { composed });
    }
    let accepted = &composed.admitted.accepted;
    let texts: Vec<_> = accepted
        .view
        .texts
        .iter()
        .map(|text| openai::decode(&accepted.document, text))
        .collect();
    let borrowed: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let findings: Vec<Finding> = guards
        .iter()
        .flat_map(|guard| guard.screen(Direction::Request, &borrowed))
        .collect();
    drop(texts);
    match judge(&mut composed.admitted.accepted.ticket, &findings) {
        None => Ok(Guarded { composed }),
        Some(refusal) => Err(Refused::new(composed.admitted.accepted.ticket, refusal)),
    }
}

/// Counts findings on the ticket; the refusal if one of them blocks.
pub(crate) fn judge(ticket: &mut Ticket, findings: &[Finding]) -> Option<Refusal> {
    let mut blocked = None;
    for finding in findings {
        ticket.found(&finding.guard);
        if finding.action == Action::Block {
            blocked.get_or_insert_with(|| refusal(&finding.guard));
        }
    }
    blocked
}

/// The refusal names the guard, never what it looks for.
fn refusal(guard: &str) -> Refusal {
    Refusal::new(
        Reason::GuardBlocked,
        format!("Blocked by the guardrail `{guard}`. Rephrase, or ask your operator."),
    )
}
