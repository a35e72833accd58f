//! Virtual keys, those of the store and those that the file declares, and whom
//! they belong to.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use config::Config;
use config::error::Report;
use config::source::{index, key};
use domain::ids::PartyId;
use domain::party::{DEFAULT_TENANT, Level, Parties, Party};
use domain::principal::Principal;
use domain::snapshot::KeyDigest;
use domain::terms::Terms;
use domain::time::UnixMicros;
use identity::Install;
use store::StoredKey;

use super::{Around, Stored};

/// Keys shorter than this can be guessed.
const SHORTEST: usize = 16;

/// Who keys belong to: what the file declares, then what the store has, and the
/// tenant `default` in any case.
pub(super) fn parties(config: &Config, stored: &[Party]) -> Parties {
    let mut all = Parties::default();
    config::tenants::each(&config.tenants, &mut |party, _| all.add(party));
    for party in stored {
        all.add(party.clone());
    }
    all.add(Party {
        id: DEFAULT_TENANT.into(),
        level: Level::Tenant,
        name: DEFAULT_TENANT.to_owned(),
        parent: None,
        terms: Terms::default(),
        created: UnixMicros(0),
        revoked: None,
    });
    all
}

/// Principals by the digest of their key. What the file declares wins.
pub(super) fn build(
    config: &Config,
    stored: Stored<'_>,
    install: &Install,
    around: Around<'_>,
    report: &mut Report<'_>,
) -> HashMap<KeyDigest, Arc<Principal>> {
    let mut all: HashMap<KeyDigest, Arc<Principal>> = HashMap::new();
    if around.is_outline() {
        return all;
    }
    let parties = parties(config, stored.parties);
    let everyone = config.everyone.terms();
    for (at, declared) in config.keys.iter().enumerate() {
        let at = index("keys", at);
        let Some(digest) = digest(declared, &at, install, around, report) else {
            continue;
        };
        let owner = declared.owner.as_deref().unwrap_or(DEFAULT_TENANT);
        let Some(owner) = named(&parties, owner) else {
            report.wrong(
                &key(&at, "owner"),
                format!("nobody is called `{owner}`"),
                "write the path of one under `tenants`, like `acme/research`",
            );
            continue;
        };
        match all.entry(digest) {
            Entry::Vacant(place) => {
                let chain = parties.chain(&owner).unwrap_or_default();
                let kept = declared.kept(owner.clone());
                place.insert(Arc::new(Principal::new(&kept, &chain, &everyone)));
            }
            Entry::Occupied(other) => report.wrong(
                &key(&at, "key"),
                format!("the key is the same as that of `{}`", other.get().name),
                "give each its own",
            ),
        }
    }
    for stored in stored.keys {
        let chain = parties.chain(&stored.key.owner);
        // Whose owner is not there may do nothing.
        let Some(chain) = chain else {
            report.warn(
                "keys",
                format!(
                    "the stored key `{}` belongs to nobody that is there",
                    stored.key.id
                ),
            );
            continue;
        };
        add(&mut all, stored, |kept| {
            Principal::new(kept, &chain, &everyone)
        });
    }
    all
}

/// A stored key under each of its hashes, of which one may end before the other.
fn add(
    all: &mut HashMap<KeyDigest, Arc<Principal>>,
    stored: &StoredKey,
    principal: impl Fn(&domain::virtual_key::VirtualKey) -> Principal,
) {
    let mut usual: Option<Arc<Principal>> = None;
    for secret in &stored.secrets {
        let its = match secret.expires {
            None => Arc::clone(usual.get_or_insert_with(|| Arc::new(principal(&stored.key)))),
            Some(ends) => {
                let mut key = stored.key.clone();
                key.expires = Some(key.expires.map_or(ends, |at| at.min(ends)));
                Arc::new(principal(&key))
            }
        };
        all.entry(secret.digest).or_insert(its);
    }
}

/// The digest of a declared key.
fn digest(
    declared: &config::keys::Key,
    at: &str,
    install: &Install,
    around: Around<'_>,
    report: &mut Report<'_>,
) -> Option<KeyDigest> {
    let field = key(at, "key");
    let secret = match around.secret(&declared.key) {
        Ok(secret) => secret,
        Err(error) => {
            report.wrong(&field, error, "set it, or refer to another one");
            return None;
        }
    };
    if secret.reveal().len() < SHORTEST {
        report.wrong(
            &field,
            format!("a key of fewer than {SHORTEST} characters can be guessed"),
            "`openssl rand -hex 32` makes a good one",
        );
        return None;
    }
    Some(install.digest(secret.reveal()))
}

/// The party of this id or path of names.
fn named(parties: &Parties, name: &str) -> Option<PartyId> {
    let id = PartyId::from(name);
    if parties.get(&id).is_some() {
        return Some(id);
    }
    let mut all = parties.iter();
    all.find(|party| parties.path(&party.id) == name)
        .map(|party| party.id.clone())
}
