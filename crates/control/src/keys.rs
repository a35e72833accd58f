//! Virtual keys, as people handle them: made and shown once, listed, changed,
//! rotated, revoked.

use domain::ids::{KeyId, PartyId, TenantId};
use domain::party::{DEFAULT_TENANT, Party};
use domain::secret::Secret;
use domain::terms::Terms;
use domain::time::{Moment, UnixMicros};
use domain::virtual_key::VirtualKey;
use identity::Install;
use serde_json::{Value, json};
use store::{AdminChange, Change, KeySecret, Store, StoreError, StoredKey};

use crate::change::{Actor, Told};
use crate::parties::{self, PartyError, check_terms};

/// What a new key should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewKey {
    /// What its owner calls it.
    pub name: String,
    /// Whose it is: an id, a path of names or a name; the tenant `default` if
    /// unsaid.
    pub owner: Option<String>,
    /// When it stops working; `None` is never.
    pub expires: Option<UnixMicros>,
    /// What holds for it beside its owner's terms.
    pub terms: Terms,
}

/// A key that was just made, or has a new secret.
#[derive(Clone, Debug)]
pub struct Created {
    /// The key itself: shown to its owner now, and never again.
    pub key: Secret,
    /// What is kept of it.
    pub stored: StoredKey,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key needs a name.
    #[error("the name is empty; write --name alice")]
    EmptyName,
    /// A key that never works is a mistake.
    #[error("the key would have expired already; choose a later end")]
    AlreadyExpired,
    /// Names tell people which key it is.
    #[error(
        "a key called `{name}` is in use ({other}); choose another name, or revoke that one first"
    )]
    NameTaken {
        /// The name that was wanted.
        name: String,
        /// Whose name it is.
        other: KeyId,
    },
    /// Keys that are there would be found no more.
    #[error(
        "the stored keys were made with another install secret, so none of them would work. Put \
         the old one back ({} in the data folder, or {}). If it is lost, revoke those keys \
         (`portcullis keys list`, `portcullis keys revoke ID`) and make new ones",
        identity::install::SECRET_FILE,
        identity::install::SECRET_VARIABLE
    )]
    OtherSecret,
    /// A name is shown on terminals.
    #[error("the name holds a control character; write --name alice")]
    UnprintableName,
    /// No such key.
    #[error("no valid key has the id or name `{0}`; `portcullis keys list` shows them")]
    NoSuchKey(String),
    /// Several of this name.
    #[error("several keys are called `{name}`: {all}; name it by its id")]
    Ambiguous {
        /// The name.
        name: String,
        /// Their ids.
        all: String,
    },
    /// Its owner or terms cannot be.
    #[error(transparent)]
    Party(#[from] PartyError),
    /// The store would not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Told for VirtualKey {
    fn told(&self) -> Value {
        let moment = |at: UnixMicros| Moment(at).to_string();
        json!({
            "id": self.id.as_str(),
            "name": self.name,
            "owner": self.owner.as_str(),
            "expires": self.expires.map(moment),
            "revoked": self.revoked.map(moment),
            "terms": self.terms,
        })
    }
}

/// Makes sure that the stored keys and this install secret belong together.
///
/// # Errors
/// [`KeyError::OtherSecret`] if they do not, or the store would not write.
pub async fn claim(store: &Store, install: &Install, now: UnixMicros) -> Result<(), KeyError> {
    if store.claim(install.fingerprint(), now).await? {
        Ok(())
    } else {
        Err(KeyError::OtherSecret)
    }
}

/// Makes a key.
///
/// # Errors
/// The secret is not that of the other keys, the name is empty or taken, the
/// owner is not there, the end is past, or the store would not write.
pub async fn create(
    store: &Store,
    install: &Install,
    wanted: NewKey,
    by: &Actor,
) -> Result<Created, KeyError> {
    check_name(&wanted.name)?;
    check_terms(&wanted.terms)?;
    if wanted.expires.is_some_and(|at| at <= by.now) {
        return Err(KeyError::AlreadyExpired);
    }
    claim(store, install, by.now).await?;
    let mut change = store.change().await?;
    let owners = change.parties().await?;
    let owner = wanted.owner.as_deref().unwrap_or(DEFAULT_TENANT);
    let owner = parties::find(&owners, None, owner, by)?.id.clone();
    let all = change.keys().await?;
    must_be_free(&all, &owners, (&wanted.name, &owner), by)?;
    let minted = identity::mint();
    let key = VirtualKey {
        id: minted.id,
        name: wanted.name,
        owner,
        created: by.now,
        expires: wanted.expires,
        revoked: None,
        terms: wanted.terms,
    };
    let secret = KeySecret {
        digest: install.digest(minted.key.reveal()),
        created: by.now,
        expires: None,
    };
    change.put_key(&key).await?;
    change.add_secret(&key.id, &secret).await?;
    let record = record(&owners, "create", (None, &key), by);
    change.commit(&record).await?;
    Ok(Created {
        key: minted.key,
        stored: StoredKey {
            key,
            secrets: vec![secret],
        },
    })
}

/// All keys, oldest first; revoked and expired ones too.
///
/// # Errors
/// The store cannot be read.
pub async fn list(store: &Store) -> Result<Vec<StoredKey>, KeyError> {
    Ok(store.keys().await?)
}

/// Changes the valid key of this id or name.
///
/// # Errors
/// There is none, what it would become cannot be, or the store would not write.
pub async fn edit(
    store: &Store,
    name: &str,
    by: &Actor,
    edit: impl FnOnce(&mut VirtualKey),
) -> Result<VirtualKey, KeyError> {
    let mut change = store.change().await?;
    let all = change.keys().await?;
    let owners = change.parties().await?;
    let before = &find(&all, name, by)?.key;
    let mut after = before.clone();
    edit(&mut after);
    check_terms(&after.terms)?;
    if after.name != before.name {
        check_name(&after.name)?;
        must_be_free(&all, &owners, (&after.name, &after.owner), by)?;
    }
    if after.expires != before.expires && after.expires.is_some_and(|at| at <= by.now) {
        return Err(KeyError::AlreadyExpired);
    }
    put(change, &owners, ("edit", before, &after), by).await?;
    Ok(after)
}

/// Gives the valid key of this id or name a new secret. The one that it has
/// works until `overlap` is over.
///
/// # Errors
/// There is none, the install secret is another one, or the store would not write.
pub async fn rotate(
    store: &Store,
    install: &Install,
    (name, old_ends): (&str, UnixMicros),
    by: &Actor,
) -> Result<Created, KeyError> {
    claim(store, install, by.now).await?;
    let mut change = store.change().await?;
    let all = change.keys().await?;
    let owners = change.parties().await?;
    let stored = find(&all, name, by)?.clone();
    let minted = identity::mint();
    let secret = KeySecret {
        digest: install.digest(minted.key.reveal()),
        created: by.now,
        expires: None,
    };
    change.end_secrets(&stored.key.id, old_ends).await?;
    change.add_secret(&stored.key.id, &secret).await?;
    let record = record(&owners, "rotate", (Some(&stored.key), &stored.key), by);
    change.commit(&record).await?;
    let mut stored = stored;
    stored.secrets.push(secret);
    Ok(Created {
        key: minted.key,
        stored,
    })
}

/// Revokes the valid key of this id or name.
///
/// # Errors
/// [`KeyError::NoSuchKey`], or the store would not write.
pub async fn revoke(store: &Store, name: &str, by: &Actor) -> Result<KeyId, KeyError> {
    let mut change = store.change().await?;
    let all = change.keys().await?;
    let owners = change.parties().await?;
    let before = &find(&all, name, by)?.key;
    let mut after = before.clone();
    after.revoked = Some(by.now);
    put(change, &owners, ("revoke", before, &after), by).await?;
    Ok(after.id)
}

async fn put(
    mut change: Change,
    owners: &[Party],
    (action, before, after): (&str, &VirtualKey, &VirtualKey),
    by: &Actor,
) -> Result<(), KeyError> {
    change.put_key(after).await?;
    let record = record(owners, action, (Some(before), after), by);
    Ok(change.commit(&record).await?)
}

fn record(
    owners: &[Party],
    action: &str,
    (before, after): (Option<&VirtualKey>, &VirtualKey),
    by: &Actor,
) -> AdminChange {
    let tenant = tenant(owners, &after.owner);
    let object = (after.id.as_str(), tenant);
    by.did(format!("key.{action}"), object, before, Some(after))
}

fn tenant(owners: &[Party], owner: &PartyId) -> TenantId {
    let tree = parties::tree(owners);
    tree.tenant(owner).unwrap_or_else(|| DEFAULT_TENANT.into())
}

/// The valid key that somebody means: by its id, or by its name if only one has
/// it.
///
/// # Errors
/// None or several.
pub fn find<'a>(all: &'a [StoredKey], name: &str, by: &Actor) -> Result<&'a StoredKey, KeyError> {
    let valid = || all.iter().filter(|it| it.key.is_valid(by.now));
    if let Some(key) = valid().find(|it| it.key.id.as_str() == name) {
        return Ok(key);
    }
    let found: Vec<&StoredKey> = valid().filter(|it| it.key.name == name).collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(KeyError::NoSuchKey(name.to_owned())),
        _ => {
            let ids: Vec<&str> = found.iter().map(|it| it.key.id.as_str()).collect();
            Err(KeyError::Ambiguous {
                name: name.to_owned(),
                all: ids.join(", "),
            })
        }
    }
}

/// A name belongs to one valid key of a tenant: what others call theirs is
/// nobody's business.
fn must_be_free(
    all: &[StoredKey],
    owners: &[Party],
    (name, owner): (&str, &PartyId),
    by: &Actor,
) -> Result<(), KeyError> {
    let ours = tenant(owners, owner);
    let has_it = |it: &&StoredKey| {
        let key = &it.key;
        key.name == name && key.is_valid(by.now) && tenant(owners, &key.owner) == ours
    };
    match all.iter().find(has_it) {
        None => Ok(()),
        Some(other) => Err(KeyError::NameTaken {
            name: name.to_owned(),
            other: other.key.id.clone(),
        }),
    }
}

fn check_name(name: &str) -> Result<(), KeyError> {
    if name.trim().is_empty() {
        return Err(KeyError::EmptyName);
    }
    match name.chars().any(char::is_control) {
        true => Err(KeyError::UnprintableName),
        false => Ok(()),
    }
}
