//! What every change by people has in common: who does it, and the record of it.

use domain::ids::TenantId;
use domain::time::UnixMicros;
use serde_json::Value;
use store::AdminChange;

/// Who changes something, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `cli:root@host`.
    pub name: String,
    /// Now.
    pub now: UnixMicros,
}

/// An object as the record of a change has it.
pub(crate) trait Told {
    /// As JSON, without a secret.
    fn told(&self) -> Value;
}

impl Actor {
    /// The record of a change to an object of this tenant.
    pub(crate) fn did<T: Told>(
        &self,
        action: String,
        (object, tenant): (&str, TenantId),
        before: Option<&T>,
        after: Option<&T>,
    ) -> AdminChange {
        let text = |it: &T| it.told().to_string();
        AdminChange {
            at: self.now,
            actor: self.name.clone(),
            action,
            object: object.to_owned(),
            tenant,
            before: before.map(text),
            after: after.map(text),
        }
    }
}
