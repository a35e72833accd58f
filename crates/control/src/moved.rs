//! People and keys of another gateway, moved in together: all or nothing.

use domain::ids::PartyId;
use domain::party::{DEFAULT_TENANT, Level, Party};
use domain::snapshot::KeyDigest;
use domain::terms::Terms;
use domain::time::UnixMicros;
use domain::virtual_key::VirtualKey;
use identity::Install;
use serde_json::json;
use store::{AdminChange, Change, KeySecret, Store, StoreError, StoredKey};

use crate::change::{Actor, Told};
use crate::keys::{KeyError, claim};
use crate::parties::{check_name, check_terms, tree};

/// What an object is called where it comes from, in its metadata: one that is here
/// already is not moved in again.
pub const ORIGIN: &str = "moved_from";

/// Somebody who is to be moved in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedParty {
    /// What they are called where they come from, by kind: `litellm/team/4711`.
    pub origin: String,
    /// What they are here.
    pub level: Level,
    /// What people call them.
    pub name: String,
    /// In whom they stand, by the origin; the tenant `default` if unsaid.
    pub parent: Option<String>,
    /// What holds for them.
    pub terms: Terms,
    /// Whether they may do nothing any more.
    pub is_revoked: bool,
}

/// A key that goes on working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedKey {
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
    /// What people call it.
    pub name: String,
    /// Whose it is, by the origin; the tenant `default` if unsaid.
    pub owner: Option<String>,
    /// When it was made.
    pub created: UnixMicros,
    /// When it ends.
    pub expires: Option<UnixMicros>,
    /// Whether it is revoked.
    pub is_revoked: bool,
    /// What holds for it.
    pub terms: Terms,
}

/// What was moved in, and what was here already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Parties that are new here.
    pub parties: usize,
    /// Keys that are new here.
    pub keys: usize,
    /// Parties and keys that were here.
    pub known: usize,
}

/// Moves them in, in this order: those in whom others stand come first.
///
/// # Errors
/// The install secret is not that of the keys that are here, a name or terms cannot
/// be, or the store would not write: nothing was moved.
pub async fn move_in(
    store: &Store,
    install: &Install,
    (parties, keys): (&[MovedParty], &[MovedKey]),
    by: &Actor,
) -> Result<Moved, KeyError> {
    claim(store, install, by.now).await?;
    let mut change = store.change().await?;
    let mut here = change.parties().await?;
    let known = change.keys().await?;
    let mut moved = Moved::default();
    for wanted in parties {
        check_name(&wanted.name)?;
        check_terms(&wanted.terms)?;
        if by_origin(&here, &wanted.origin).is_some() {
            moved.known += 1;
            continue;
        }
        add_party(&mut change, &mut here, wanted, by).await?;
        moved.parties += 1;
    }
    for wanted in keys {
        check_terms(&wanted.terms)?;
        let digest = install.digest_of_sha256(wanted.sha256);
        let has_it = |it: &StoredKey| it.secrets.iter().any(|it| it.digest == digest);
        if known.iter().any(has_it) {
            moved.known += 1;
            continue;
        }
        add_key(&mut change, &here, (wanted, digest), by).await?;
        moved.keys += 1;
    }
    let summary = AdminChange {
        at: by.now,
        actor: by.name.clone(),
        action: "import".to_owned(),
        object: "import".to_owned(),
        tenant: DEFAULT_TENANT.into(),
        before: None,
        after: Some(
            json!({"parties": moved.parties, "keys": moved.keys, "known": moved.known}).to_string(),
        ),
    };
    change.commit(&summary).await?;
    Ok(moved)
}

async fn add_party(
    change: &mut Change,
    here: &mut Vec<Party>,
    wanted: &MovedParty,
    by: &Actor,
) -> Result<(), StoreError> {
    let parent = match wanted.level {
        Level::Tenant => None,
        _ => Some(stands_in(here, wanted.parent.as_deref())),
    };
    let mut terms = wanted.terms.clone();
    let origin = wanted.origin.clone();
    terms.metadata.insert(ORIGIN.to_owned(), origin);
    let party = Party {
        id: identity::mint_id(wanted.level.prefix()).as_str().into(),
        level: wanted.level,
        name: free(here, wanted, parent.as_ref(), by),
        parent,
        terms,
        created: by.now,
        revoked: wanted.is_revoked.then_some(by.now),
    };
    change.put_party(&party).await?;
    here.push(party.clone());
    let action = format!("{}.create", party.level);
    let of = (&party.id, party.id.as_str());
    change.note(&record(here, of, action, &party, by)).await
}

async fn add_key(
    change: &mut Change,
    here: &[Party],
    (wanted, digest): (&MovedKey, KeyDigest),
    by: &Actor,
) -> Result<(), StoreError> {
    let key = VirtualKey {
        id: identity::mint_id("key_").as_str().into(),
        name: wanted.name.clone(),
        owner: stands_in(here, wanted.owner.as_deref()),
        created: wanted.created,
        expires: wanted.expires,
        revoked: wanted.is_revoked.then_some(by.now),
        terms: wanted.terms.clone(),
    };
    let secret = KeySecret {
        digest,
        created: by.now,
        expires: None,
    };
    change.put_key(&key).await?;
    change.add_secret(&key.id, &secret).await?;
    let of = (&key.owner, key.id.as_str());
    change
        .note(&record(here, of, "key.create".to_owned(), &key, by))
        .await
}

fn record<T: Told>(
    here: &[Party],
    (owner, object): (&PartyId, &str),
    action: String,
    after: &T,
    by: &Actor,
) -> AdminChange {
    let tenant = tree(here).tenant(owner);
    let tenant = tenant.unwrap_or_else(|| DEFAULT_TENANT.into());
    by.did(action, (object, tenant), None, Some(after))
}

fn by_origin<'a>(here: &'a [Party], origin: &str) -> Option<&'a Party> {
    let is_it = |it: &&Party| it.terms.metadata.get(ORIGIN).is_some_and(|it| it == origin);
    here.iter().find(is_it)
}

/// Who somebody stands in; those of whom nothing is known stand in `default`.
fn stands_in(here: &[Party], origin: Option<&str>) -> PartyId {
    let found = origin.and_then(|origin| by_origin(here, origin));
    found.map_or_else(|| DEFAULT_TENANT.into(), |party| party.id.clone())
}

/// The name, or with a number behind it where somebody else has it.
fn free(here: &[Party], wanted: &MovedParty, parent: Option<&PartyId>, by: &Actor) -> String {
    let is_taken = |name: &str| {
        let mut ours = here.iter();
        ours.any(|it| {
            it.level == wanted.level
                && it.name == name
                && it.parent.as_ref() == parent
                && it.is_valid(by.now)
        })
    };
    let numbered = (2_u32..).map(|at| format!("{} {at}", wanted.name));
    let mut names = std::iter::once(wanted.name.clone()).chain(numbered);
    names.find(|name| !is_taken(name)).unwrap_or_default()
}
