//! **guard**: what may leave the house. Decides; `send` applies.

mod hidden;

use std::sync::Arc;

use dialects::json::Document;
use dialects::texts::{self, Text};
use domain::guard::{Action, Direction, Finding, Guard};
use domain::model::Model;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

use crate::accept::Accepted;
use crate::admit::policies_of;
use crate::aside;
use crate::compose::Composed;
use crate::settle::{Refused, Ticket};
use hidden::hidden;

/// A request that every guard has read.
pub struct Guarded {
    /// The composed request.
    pub composed: Composed,
}

/// Lets every guard read every text of the request.
///
/// # Errors
/// 400 naming the guard, never the pattern.
pub async fn guard(mut composed: Composed) -> Result<Guarded, Refused> {
    let findings = match screen(&composed.admitted.accepted, &composed.guards).await {
        Ok(findings) => findings,
        Err(refusal) => return Err(Refused::new(composed.admitted.accepted.ticket, refusal)),
    };
    match judge(&mut composed.admitted.accepted.ticket, &findings) {
        None => Ok(Guarded { composed }),
        Some(refusal) => Err(Refused::new(composed.admitted.accepted.ticket, refusal)),
    }
}

/// Lets the guards of a fallback's own policies read the request too, as far
/// as they have not yet; from then on they read its answer as well, whoever
/// gives it. Says whether the fallback may be asked.
pub(crate) async fn allows_fallback(
    composed: &mut Composed,
    snapshot: &Snapshot,
    fallback: &Model,
) -> bool {
    let principal = &composed.admitted.accepted.principal;
    let own = policies_of(snapshot, fallback, principal);
    let mut further: Vec<Arc<dyn Guard>> = Vec::new();
    for guard in own.iter().flat_map(|at| &snapshot.policies[*at].guards) {
        let mut known = composed.guards.iter().chain(&further);
        if !known.any(|known| Arc::ptr_eq(known, guard)) {
            further.push(Arc::clone(guard));
        }
    }
    let Ok(findings) = screen(&composed.admitted.accepted, &further).await else {
        return false;
    };
    if judge(&mut composed.admitted.accepted.ticket, &findings).is_some() {
        return false;
    }
    composed.guards.extend(further);
    true
}

/// What the guards find in the texts of a request, in the client's own words: all
/// that any target is told comes from them.
async fn screen(accepted: &Accepted, guards: &[Arc<dyn Guard>]) -> Result<Vec<Finding>, Refusal> {
    let reading = guards.iter().filter(|g| g.reads(Direction::Request));
    let guards: Vec<_> = reading.cloned().collect();
    if guards.is_empty() {
        return Ok(Vec::new());
    }
    let Some(foreign) = accepted.foreign.clone() else {
        if !aside::is_large(accepted.document.bytes().len()) {
            return Ok(read(&accepted.document, &accepted.view.texts, &guards));
        }
        let (document, texts) = (Arc::clone(&accepted.document), accepted.view.texts.clone());
        return aside::run(move || read(&document, &texts, &guards)).await;
    };
    let is_large = aside::is_large(foreign.tells().bytes().len());
    let work = move || {
        let document = foreign.tells();
        let texts = texts::of_request(foreign.codec.dialect, document);
        read(document, &texts, &guards)
    };
    match is_large {
        true => aside::run(work).await,
        false => Ok(work()),
    }
}

fn read(document: &Document, texts: &[Text], guards: &[Arc<dyn Guard>]) -> Vec<Finding> {
    let decoded = texts.iter().map(|text| texts::decode(document, text));
    let texts: Vec<_> = decoded.collect();
    let borrowed: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    screened(document, &borrowed, guards, Direction::Request)
}

/// What guards find in these texts of a document, and in those that hide there.
pub(crate) fn screened(
    document: &Document,
    texts: &[&str],
    guards: &[Arc<dyn Guard>],
    direction: Direction,
) -> Vec<Finding> {
    let hidden = hidden(document, texts);
    let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for guard in guards {
        found.extend(guard.screen(direction, texts));
        if !hidden.is_empty() {
            // By themselves: they are no further text of the body.
            found.extend(guard.screen(direction, &hidden));
        }
    }
    found
}

/// Counts findings on the ticket; the refusal if one of them blocks.
pub(crate) fn judge(ticket: &mut Ticket, findings: &[Finding]) -> Option<Refusal> {
    let mut blocked = None;
    for finding in findings {
        ticket.found(finding);
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
