//! **admit**: who is asking, by the head alone; then, with the body read:
//! may they use this model, and have they room?

mod asks;
mod full;
mod memo;
mod pass;
mod room;
mod scope;

use std::rc::Rc;
use std::sync::Arc;

use domain::model::Model;
use domain::policy::Policy;
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;
use domain::time::UnixMicros;
use http1::Fields;
use identity::CredentialError;

use crate::accept::{self, Accepted, Head};
use crate::plane::{self, Plane};
use crate::settle::{Refused, Ticket};

pub(crate) use asks::UNSTATED_OUTPUT;
pub(crate) use memo::Memo;
pub use pass::{Passing, pass};
pub use room::{room, visit};
pub use scope::Said;
pub(crate) use scope::address;

/// A request whose caller is known. No byte of its body has been read.
pub struct Known {
    /// The request's head.
    pub head: Head,
    /// Who asks.
    pub principal: Arc<Principal>,
    /// When.
    pub at: UnixMicros,
}

/// A request that asks no model and has taken its room.
pub struct Visitor {
    /// Who asks for what.
    pub known: Known,
    /// The room taken.
    pub taken: Option<Box<dyn domain::counters::Taken>>,
}

/// A request that may be answered: the model is resolved, once, and the room
/// it may need is taken.
pub struct Admitted {
    /// The well-formed request.
    pub accepted: Box<Accepted>,
    /// The model that authorisation, routing and pricing all use.
    pub model: Arc<Model>,
    /// Positions in the snapshot's policies that apply.
    pub policies: Vec<usize>,
    /// Upper bound of its tokens, as far as one is known.
    pub reserved: u64,
}

impl Admitted {
    /// The policies that apply, in order.
    pub fn policies<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Policy> {
        self.policies
            .iter()
            .filter_map(|at| snapshot.policies.get(*at))
    }
}

/// The positions of the policies that apply to this model and key.
pub(crate) fn policies_of(snapshot: &Snapshot, model: &Model, principal: &Principal) -> Vec<usize> {
    if snapshot.policies.is_empty() {
        return Vec::new();
    }
    let applies = |policy: &Policy| policy.applies(model, principal.key.as_str(), &principal.name);
    let all = snapshot.policies.iter().enumerate();
    all.filter(|(_, policy)| applies(policy))
        .map(|(at, _)| at)
        .collect()
}

/// Headers that carry a key alone, in the dialects' own words.
const KEYS: [&str; 3] = ["x-api-key", "api-key", "x-goog-api-key"];

/// The key that a client has sent.
pub(crate) fn key(fields: &Fields) -> Result<&str, CredentialError> {
    identity::present(
        fields.all("authorization"),
        KEYS.iter().flat_map(|name| fields.all(name)),
    )
}

/// Finds out who asks, by the head alone.
///
/// # Errors
/// 401: no credential, two different ones, or one that is not valid (any
/// more). All invalid ones read the same. 403: a valid one from where it may not be
/// used, with its ticket.
pub fn who(plane: &Rc<Plane>, snapshot: &Arc<Snapshot>, head: Head) -> Result<Known, Refused> {
    let now = plane::now();
    if !crate::GOVERNS {
        let anybody = snapshot.keys.values().next().cloned();
        return anybody
            .map(|owner| known(head, owner, now))
            .ok_or_else(|| unknown().into());
    }
    let key = key(&head.fields).map_err(credential)?;
    let find = || {
        let digest = plane.shared.install.digest(key);
        snapshot.keys.get(&digest).cloned()
    };
    let principal = plane.memo.owner(snapshot, key, find);
    let owner = principal.filter(|p| p.is_valid(now)).ok_or_else(unknown)?;
    if owner.is_bound_to_networks()
        && let Err(refusal) = scope::place(&owner, head.peer)
    {
        // Who knows the key is no stranger.
        let slot = accept::slot(plane)?;
        let opened = (accept::recorded(&head), now, head.peer);
        let ticket = Ticket::open(plane, &owner, opened, slot);
        return Err(Refused::new(ticket, refusal));
    }
    Ok(known(head, owner, now))
}

fn known(head: Head, principal: Arc<Principal>, at: UnixMicros) -> Known {
    Known {
        head,
        principal,
        at,
    }
}

fn unknown() -> Refusal {
    Refusal::new(
        Reason::BadCredential,
        "This API key is not valid: unknown, expired or revoked. Ask your gateway's operator for one.",
    )
}

fn credential(error: CredentialError) -> Refusal {
    match error {
        CredentialError::Missing => Refusal::new(
            Reason::NoCredential,
            "No API key was sent. Send one as `Authorization: Bearer …` or `x-api-key: …`.",
        ),
        CredentialError::Two => Refusal::new(
            Reason::TwoCredentials,
            "Two different credentials were sent; send one.",
        ),
        CredentialError::Malformed => Refusal::new(
            Reason::BadCredential,
            "The credential cannot be read. Send it as `Authorization: Bearer …`.",
        ),
    }
}
