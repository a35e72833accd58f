//! Virtual keys as people handle them.

use control::Actor;
use control::keys::{KeyError, NewKey, claim, create, edit, list, revoke, rotate};
use control::parties::{self, NewParty};
use domain::party::Level;
use domain::terms::Terms;
use domain::time::UnixMicros;
use identity::Install;
use store::Store;

const NOW: i64 = 1_000_000;

fn by(now: i64) -> Actor {
    Actor {
        name: "cli:test".to_owned(),
        now: UnixMicros(now),
    }
}

fn named(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        ..NewKey::default()
    }
}

async fn world() -> (Store, Install) {
    let store = Store::open_memory().await.expect("opens");
    (store, Install::from_bytes(&[7; 32]))
}

#[tokio::test]
async fn a_made_key_is_found_by_its_digest_and_never_kept_itself() {
    let (store, install) = world().await;
    let made = create(&store, &install, named("alice"), &by(NOW))
        .await
        .expect("makes");
    let kept = list(&store).await.expect("lists");
    assert_eq!(kept, [made.stored]);
    assert_eq!(kept[0].secrets[0].digest, install.digest(made.key.reveal()));
    assert!(!format!("{kept:?}").contains(made.key.reveal()));
    let changes = store.admin_changes(9).await.expect("reads");
    assert_eq!(changes[0].action, "key.create");
    assert!(!format!("{changes:?}").contains(made.key.reveal()));
}

#[tokio::test]
async fn a_name_is_free_again_once_its_key_is_revoked() {
    let (store, install) = world().await;
    create(&store, &install, named("alice"), &by(NOW))
        .await
        .expect("makes");
    let second = create(&store, &install, named("alice"), &by(NOW)).await;
    assert!(matches!(second, Err(KeyError::NameTaken { .. })));
    revoke(&store, "alice", &by(NOW)).await.expect("revokes");
    let again = revoke(&store, "alice", &by(NOW)).await;
    assert!(matches!(again, Err(KeyError::NoSuchKey(_))));
    create(&store, &install, named("alice"), &by(NOW))
        .await
        .expect("makes");
}

#[tokio::test]
async fn one_tenants_names_say_nothing_to_another() {
    let (store, install) = world().await;
    for tenant in ["acme", "globex"] {
        let wanted = NewParty {
            level: Level::Tenant,
            name: tenant.to_owned(),
            parent: None,
            terms: Terms::default(),
        };
        parties::create(&store, wanted, &by(NOW))
            .await
            .expect("makes");
        let of_tenant = NewKey {
            owner: Some(tenant.to_owned()),
            ..named("ci")
        };
        create(&store, &install, of_tenant, &by(NOW))
            .await
            .expect("makes");
    }
    let which = revoke(&store, "ci", &by(NOW)).await;
    let told = which.expect_err("two have it").to_string();
    assert_eq!(told.matches("key_").count(), 2, "{told}");
}

#[tokio::test]
async fn a_key_without_a_name_an_owner_or_a_future_is_not_made() {
    let (store, install) = world().await;
    let nameless = create(&store, &install, named("  "), &by(NOW)).await;
    assert!(matches!(nameless, Err(KeyError::EmptyName)));
    let past = NewKey {
        expires: Some(UnixMicros(NOW)),
        ..named("late")
    };
    let late = create(&store, &install, past, &by(NOW)).await;
    assert!(matches!(late, Err(KeyError::AlreadyExpired)));
    let orphan = NewKey {
        owner: Some("nobody".to_owned()),
        ..named("orphan")
    };
    let orphan = create(&store, &install, orphan, &by(NOW)).await;
    assert!(matches!(orphan, Err(KeyError::Party(_))));
    let loud = create(&store, &install, named("a\u{1b}[2J"), &by(NOW)).await;
    assert!(matches!(loud, Err(KeyError::UnprintableName)));
    assert!(list(&store).await.expect("lists").is_empty());
}

#[tokio::test]
async fn both_secrets_of_a_rotated_key_work_until_the_old_one_ends() {
    let (store, install) = world().await;
    let old = create(&store, &install, named("ci"), &by(NOW))
        .await
        .expect("makes");
    let ends = UnixMicros(NOW + 60);
    let new = rotate(&store, &install, ("ci", ends), &by(NOW + 1))
        .await
        .expect("rotates");
    assert_ne!(old.key.reveal(), new.key.reveal());
    let kept = list(&store).await.expect("lists").remove(0);
    assert_eq!(kept.key, old.stored.key, "the same key");
    let ends_of: Vec<_> = kept.secrets.iter().map(|it| it.expires).collect();
    assert_eq!(ends_of, [Some(ends), None]);
    // A third: the second ends, and the first is not given longer.
    let later = UnixMicros(NOW + 900);
    rotate(&store, &install, ("ci", later), &by(NOW + 2))
        .await
        .expect("rotates");
    let kept = list(&store).await.expect("lists").remove(0);
    let ends_of: Vec<_> = kept.secrets.iter().map(|it| it.expires).collect();
    assert_eq!(ends_of, [Some(ends), Some(later), None]);
}

#[tokio::test]
async fn a_key_that_is_changed_stays_the_same_key() {
    let (store, install) = world().await;
    let made = create(&store, &install, named("ci"), &by(NOW))
        .await
        .expect("makes");
    let actor = by(NOW);
    let edited = edit(&store, "ci", &actor, |key| {
        key.terms.models = Some(vec!["gpt-*".to_owned()]);
        key.expires = Some(UnixMicros(NOW + 5));
    });
    edited.await.expect("edits");
    let kept = list(&store).await.expect("lists").remove(0);
    assert_eq!(kept.secrets, made.stored.secrets);
    assert_eq!(kept.key.expires, Some(UnixMicros(NOW + 5)));
    let past = edit(&store, "ci", &actor, |key| {
        key.expires = Some(UnixMicros(NOW))
    });
    assert!(matches!(past.await, Err(KeyError::AlreadyExpired)));
}

#[tokio::test]
async fn keys_under_another_secret_are_noticed_until_the_old_ones_are_revoked() {
    let (store, install) = world().await;
    let now = UnixMicros(1);
    create(&store, &install, named("a"), &by(1))
        .await
        .expect("made");
    let other = Install::from_bytes(b"another secret of this house");
    let refused = claim(&store, &other, now).await;
    assert!(matches!(refused, Err(KeyError::OtherSecret)));
    let refused = create(&store, &other, named("b"), &by(1)).await;
    assert!(matches!(refused, Err(KeyError::OtherSecret)));
    claim(&store, &install, now)
        .await
        .expect("the old one holds");
    revoke(&store, "a", &by(1)).await.expect("revoked");
    claim(&store, &other, now)
        .await
        .expect("nothing is lost now");
}
