//! What was decided on the way, as the audit log has it: what guards found, which
//! limit refused, which targets did not answer. Never a text of anybody's.

use domain::guard::{Action, Finding};
use domain::ids::DeploymentId;
use domain::record::{Decided, Found, Settled};
use domain::refusal::{Class, Reason, Refusal};

use super::Ticket;

/// More attempts than that are one request's in no plan.
const MOST: usize = 64;

fn of(facts: &mut Settled) -> &mut Decided {
    facts.decided.get_or_insert_default()
}

impl Ticket {
    /// Counts what a guard found.
    pub fn found(&mut self, finding: &Finding) {
        let facts = self.facts();
        let guard = &*finding.guard;
        match facts.findings.iter_mut().find(|(name, _)| name == guard) {
            Some((_, count)) => *count += 1,
            None => facts.findings.push((guard.to_owned(), 1)),
        }
        let action = match finding.action {
            Action::Observe => "observe",
            Action::Block => "block",
        };
        let found = &mut of(facts).found;
        let is_it =
            |it: &&mut Found| it.guard == guard && it.kind == finding.kind && it.action == action;
        match found.iter_mut().find(is_it) {
            Some(known) => known.count += 1,
            None => found.push(Found {
                guard: guard.to_owned(),
                kind: finding.kind.to_owned(),
                action: action.to_owned(),
                count: 1,
            }),
        }
    }

    /// A target was asked and did not answer.
    pub fn missed(&mut self, target: &DeploymentId, kind: &str) {
        let tried = &mut of(self.facts()).tried;
        if tried.len() < MOST {
            tried.push((target.clone(), kind.to_owned()));
        }
    }
}

/// Keeps what limits and policies said: their sentences name limits, guards and
/// holders. Others may repeat what a client or an upstream wrote.
pub(super) fn refused(facts: &mut Settled, refusal: &Refusal) {
    let is_ours = matches!(
        refusal.reason.class(),
        Class::RateLimit | Class::Permission | Class::ContentPolicy
    );
    let is_theirs = matches!(
        refusal.reason,
        Reason::UpstreamRefused | Reason::UpstreamLimit | Reason::UpstreamOverloaded
    );
    if is_ours && !is_theirs {
        of(facts).refusal = Some(refusal.message.clone());
    }
}
