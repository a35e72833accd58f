//! Virtual keys that the file declares, beside those in the store.

use std::collections::HashSet;

use domain::ids::{KeyId, PartyId};
use domain::time::UnixMicros;
use domain::virtual_key::VirtualKey;

use super::error::Report;
use super::policies::check_pattern;
use super::scalars::Moment;
use super::secret::SecretRef;
use super::source::{index, key};
use super::terms::{check, with_terms};

with_terms! {
    /// A declared key.
    Key {
        /// Its name.
        pub name: String,
        /// The key itself, by reference.
        pub key: SecretRef,
        /// Whose it is: a path of names like `acme/research/bot`; the tenant
        /// `default` if unset.
        #[serde(default)]
        pub owner: Option<String>,
        /// When it stops working.
        #[serde(default)]
        pub expires: Option<Moment>,
    }
}

impl Key {
    /// The public id: it says where the key was declared, and stays the same.
    pub fn id(&self) -> KeyId {
        format!("key_config_{}", self.name).into()
    }

    /// As it would be kept, for this owner.
    pub fn kept(&self, owner: PartyId) -> VirtualKey {
        VirtualKey {
            id: self.id(),
            name: self.name.clone(),
            owner,
            created: UnixMicros(0),
            expires: self.expires.map(|at| at.0),
            revoked: None,
            terms: self.terms(),
        }
    }
}

/// Names given once, limits that let something through.
pub fn validate(keys: &[Key], report: &mut Report<'_>) {
    let mut names = HashSet::new();
    for (at, declared) in keys.iter().enumerate() {
        let path = index("keys", at);
        let name = declared.name.as_str();
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if !plain {
            report.wrong(
                &key(&path, "name"),
                format!("`{name}` is no name for a key"),
                "use letters, digits, `-`, `_` and `.`",
            );
        }
        if !names.insert(name) {
            report.wrong(
                &key(&path, "name"),
                format!("the key `{name}` stands twice"),
                "rename one of them",
            );
        }
        let shout = name.to_ascii_uppercase().replace(['-', '.'], "_");
        declared
            .key
            .validate(&key(&path, "key"), &format!("{shout}_KEY"), report);
        for (i, pattern) in declared.models.iter().flatten().enumerate() {
            check_pattern(pattern, &index(&key(&path, "models"), i), report);
        }
        check(&declared.terms(), &path, report);
    }
}
