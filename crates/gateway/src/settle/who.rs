//! Who asks, below the tenant and beside the key, as the record has it.

use domain::ids::ModelName;
use domain::principal::Principal;
use domain::record::{Settled, Who};

use super::Account;
use crate::admit::Said;

/// What the key says of it; nothing if it says nothing.
pub(super) fn who(principal: &Principal) -> Option<Box<Who>> {
    let owners = &principal.parties;
    let is_nobody = owners.team.is_none() && owners.app.is_none() && owners.user.is_none();
    if is_nobody && principal.tags.is_empty() {
        return None;
    }
    let tags = principal.tags.iter();
    Some(Box::new(Who {
        team: owners.team.clone(),
        app: owners.app.clone(),
        user: owners.user.clone(),
        tags: tags.map(|(n, v)| (n.to_string(), v.to_string())).collect(),
        ..Who::default()
    }))
}

/// Who asks, to be written to.
fn of(facts: &mut Settled) -> &mut Who {
    facts.who.get_or_insert_default()
}

impl Account {
    /// What the application says beside what it asks.
    pub fn is_said(&mut self, said: &Said) {
        let Some(facts) = self.facts.as_deref_mut() else {
            return;
        };
        if said.end_user.is_some() {
            of(facts).end_user.clone_from(&said.end_user);
        }
        if said.session.is_some() {
            of(facts).session.clone_from(&said.session);
        }
        let known = facts.who.as_ref().map_or(0, |who| who.tags.len());
        if said.tags.len() != known || said.is_tagged {
            let tags = said.tags.iter();
            of(facts).tags = tags.map(|(n, v)| (n.to_string(), v.to_string())).collect();
        }
    }

    /// Another model is asked than the one that was asked for.
    pub fn is_degraded(&mut self, from: ModelName, to: ModelName) {
        self.degraded = Some(to);
        if let Some(facts) = self.facts.as_deref_mut() {
            of(facts).degraded_from = Some(from);
        }
    }
}

/// It cost more than was reserved for all of its attempts: the bound was none.
pub(super) fn overran(facts: &mut Settled) {
    tracing::warn!(
        request_id = %facts.ticket,
        cost = %facts.cost.unwrap_or_default(),
        "budget: the provider billed more than was reserved; it is booked as billed"
    );
    of(facts).overrun = true;
}
