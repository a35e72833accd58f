//! Virtual keys, as they are kept: never the key itself.

use crate::ids::{KeyId, PartyId};
use crate::terms::Terms;
use crate::time::UnixMicros;

/// A virtual key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualKey {
    /// Its public id.
    pub id: KeyId,
    /// What its owner calls it: one valid key of an owner has it.
    pub name: String,
    /// Whose it is.
    pub owner: PartyId,
    /// When it was made.
    pub created: UnixMicros,
    /// When it stops working.
    pub expires: Option<UnixMicros>,
    /// When it was revoked, if it was.
    pub revoked: Option<UnixMicros>,
    /// What holds for it beside its owner's terms.
    pub terms: Terms,
}

impl VirtualKey {
    /// Whether it works at `now`, its owner aside.
    #[must_use]
    pub fn is_valid(&self, now: UnixMicros) -> bool {
        self.revoked.is_none_or(|at| at > now) && self.expires.is_none_or(|at| at > now)
    }
}
