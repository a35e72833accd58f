//! Virtual keys, as people handle them: made and shown once, listed, revoked.

use domain::ids::KeyId;
use domain::principal::{Limits, Principal};
use domain::secret::Secret;
use domain::time::UnixMicros;
use identity::Install;
use store::{Store, StoreError, StoredKey};

/// The tenant of everything as long as nobody made tenants.
pub const DEFAULT_TENANT: &str = "default";

/// What a new key should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What its owner calls it.
    pub name: String,
    /// Models it may use, `*` at the end matches any rest; `None` is all.
    pub models: Option<Vec<String>>,
    /// When it stops working; `None` is never.
    pub expires: Option<UnixMicros>,
    /// Its limits.
    pub limits: Limits,
}

/// A key that was just made.
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
    /// Nothing to revoke.
    #[error("no valid key has the id or name `{0}`; `portcullis keys list` shows them")]
    NoSuchKey(String),
    /// The store would not.
    #[error(transparent)]
    Store(#[from] StoreError),
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
/// The secret is not that of the other keys, the name is empty or taken, the end is past, or the store would not write.
pub async fn create(
    store: &Store,
    install: &Install,
    wanted: NewKey,
    now: UnixMicros,
) -> Result<Created, KeyError> {
    if wanted.name.trim().is_empty() {
        return Err(KeyError::EmptyName);
    }
    if wanted.name.chars().any(char::is_control) {
        return Err(KeyError::UnprintableName);
    }
    if wanted.expires.is_some_and(|at| at <= now) {
        return Err(KeyError::AlreadyExpired);
    }
    claim(store, install, now).await?;
    let minted = identity::mint();
    let stored = StoredKey {
        principal: Principal {
            key: minted.id,
            tenant: DEFAULT_TENANT.into(),
            name: wanted.name,
            expires: wanted.expires,
            revoked: None,
            models: wanted.models,
            limits: wanted.limits,
        },
        digest: install.digest(minted.key.reveal()),
        created: now,
    };
    match store.add_key(&stored).await {
        Ok(()) => Ok(Created {
            key: minted.key,
            stored,
        }),
        Err(StoreError::NameTaken(other)) => Err(KeyError::NameTaken {
            name: stored.principal.name,
            other,
        }),
        Err(error) => Err(error.into()),
    }
}

/// All keys, oldest first; revoked and expired ones too.
///
/// # Errors
/// The store cannot be read.
pub async fn list(store: &Store) -> Result<Vec<StoredKey>, KeyError> {
    Ok(store.keys().await?)
}

/// Revokes the valid key of this id or name.
///
/// # Errors
/// [`KeyError::NoSuchKey`], or the store would not write.
pub async fn revoke(store: &Store, id_or_name: &str, now: UnixMicros) -> Result<KeyId, KeyError> {
    store
        .revoke_key(id_or_name, now)
        .await?
        .ok_or_else(|| KeyError::NoSuchKey(id_or_name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMicros = UnixMicros(1_000_000);

    fn named(name: &str) -> NewKey {
        NewKey {
            name: name.to_owned(),
            models: None,
            expires: None,
            limits: Limits::default(),
        }
    }

    async fn world() -> (Store, Install) {
        let store = Store::open_memory().await.expect("opens");
        (store, Install::from_bytes(&[7; 32]))
    }

    #[tokio::test]
    async fn a_made_key_is_found_by_its_digest_and_never_kept_itself() {
        let (store, install) = world().await;
        let made = create(&store, &install, named("alice"), NOW)
            .await
            .expect("makes");
        let kept = list(&store).await.expect("lists");
        assert_eq!(kept, [made.stored]);
        assert_eq!(kept[0].digest, install.digest(made.key.reveal()));
        assert!(!format!("{kept:?}").contains(made.key.reveal()));
    }

    #[tokio::test]
    async fn a_name_is_free_again_once_its_key_is_revoked() {
        let (store, install) = world().await;
        create(&store, &install, named("alice"), NOW)
            .await
            .expect("makes");
        let second = create(&store, &install, named("alice"), NOW).await;
        assert!(matches!(second, Err(KeyError::NameTaken { .. })));
        revoke(&store, "alice", NOW).await.expect("revokes");
        let again = revoke(&store, "alice", NOW).await;
        assert!(matches!(again, Err(KeyError::NoSuchKey(_))));
        create(&store, &install, named("alice"), NOW)
            .await
            .expect("makes");
    }

    #[tokio::test]
    async fn a_key_without_a_name_or_a_future_is_not_made() {
        let (store, install) = world().await;
        let nameless = create(&store, &install, named("  "), NOW).await;
        assert!(matches!(nameless, Err(KeyError::EmptyName)));
        let past = NewKey {
            expires: Some(NOW),
            ..named("late")
        };
        let late = create(&store, &install, past, NOW).await;
        assert!(matches!(late, Err(KeyError::AlreadyExpired)));
    }

    #[tokio::test]
    async fn keys_under_another_secret_are_noticed_until_the_old_ones_are_revoked() {
        let (store, install) = world().await;
        let now = UnixMicros(1);
        create(&store, &install, named("a"), now)
            .await
            .expect("made");
        let other = Install::from_bytes(b"another secret of this house");
        let refused = claim(&store, &other, now).await;
        assert!(matches!(refused, Err(KeyError::OtherSecret)));
        let refused = create(&store, &other, named("b"), now).await;
        assert!(matches!(refused, Err(KeyError::OtherSecret)));
        claim(&store, &install, now)
            .await
            .expect("the old one holds");
        revoke(&store, "a", now).await.expect("revoked");
        claim(&store, &other, now)
            .await
            .expect("nothing is lost now");
    }

    #[tokio::test]
    async fn a_name_cannot_speak_to_the_terminal() {
        let (store, install) = world().await;
        let made = create(&store, &install, named("a\u{1b}[2J"), UnixMicros(1)).await;
        assert!(matches!(made, Err(KeyError::UnprintableName)));
    }
}
