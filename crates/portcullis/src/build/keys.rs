//! Virtual keys: those of the store and those that the file declares.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use config::Config;
use config::error::Report;
use config::source::{index, key};
use domain::principal::Principal;
use domain::snapshot::KeyDigest;
use identity::Install;
use store::StoredKey;

use super::Around;

/// Keys shorter than this can be guessed.
const SHORTEST: usize = 16;

/// Principals by the digest of their key. What the file declares wins.
pub(super) fn build(
    config: &Config,
    stored: &[StoredKey],
    install: &Install,
    around: Around<'_>,
    report: &mut Report<'_>,
) -> HashMap<KeyDigest, Arc<Principal>> {
    let mut all: HashMap<KeyDigest, Arc<Principal>> = HashMap::new();
    if around.is_outline() {
        return all;
    }
    for (at, declared) in config.keys.iter().enumerate() {
        let field = key(&index("keys", at), "key");
        let secret = match around.secret(&declared.key) {
            Ok(secret) => secret,
            Err(error) => {
                report.wrong(&field, error, "set it, or refer to another one");
                continue;
            }
        };
        if secret.reveal().len() < SHORTEST {
            report.wrong(
                &field,
                format!("a key of fewer than {SHORTEST} characters can be guessed"),
                "`openssl rand -hex 32` makes a good one",
            );
            continue;
        }
        match all.entry(install.digest(secret.reveal())) {
            Entry::Vacant(place) => {
                place.insert(Arc::new(declared.principal()));
            }
            Entry::Occupied(other) => report.wrong(
                &field,
                format!("the key is the same as that of `{}`", other.get().name),
                "give each its own",
            ),
        }
    }
    for key in stored {
        all.entry(key.digest)
            .or_insert_with(|| Arc::new(key.principal.clone()));
    }
    all
}
