//! Tenants, teams, apps and users, and what is recorded of their changes.

use control::Actor;
use control::parties::{NewParty, PartyError, create, edit, find, revoke};
use domain::party::{Level, Party};
use domain::terms::Terms;
use domain::time::UnixMicros;
use store::Store;

fn by(now: i64) -> Actor {
    Actor {
        name: "cli:test".to_owned(),
        now: UnixMicros(now),
    }
}

async fn make(store: &Store, level: Level, name: &str, within: Option<&str>) -> Party {
    try_make(store, level, name, within).await.expect(name)
}

async fn try_make(
    store: &Store,
    level: Level,
    name: &str,
    within: Option<&str>,
) -> Result<Party, PartyError> {
    let wanted = NewParty {
        level,
        name: name.to_owned(),
        parent: within.map(str::to_owned),
        terms: Terms::default(),
    };
    create(store, wanted, &by(1_000)).await
}

async fn world() -> Store {
    let store = Store::open_memory().await.expect("opens");
    make(&store, Level::Tenant, "acme", None).await;
    make(&store, Level::Tenant, "globex", None).await;
    make(&store, Level::Team, "core", Some("acme")).await;
    make(&store, Level::Team, "core", Some("globex")).await;
    make(&store, Level::App, "bot", Some("acme/core")).await;
    store
}

#[tokio::test]
async fn a_name_is_one_in_its_parent_and_a_path_tells_which() {
    let store = world().await;
    let again = try_make(&store, Level::Team, "core", Some("acme")).await;
    assert!(matches!(again, Err(PartyError::NameTaken { .. })));
    let all = store.parties().await.expect("reads");
    let ambiguous = find(&all, Some(Level::Team), "core", &by(2_000));
    let told = ambiguous.expect_err("two").to_string();
    assert!(
        told.contains("acme/core (team_") && told.contains("globex/core"),
        "{told}"
    );
    let one = find(&all, Some(Level::Team), "globex/core", &by(2_000)).expect("one");
    assert_ne!(
        one.id,
        find(&all, None, "acme/core", &by(2_000)).expect("one").id
    );
    assert_eq!(
        find(&all, None, "bot", &by(2_000)).expect("one").name,
        "bot"
    );
}

#[tokio::test]
async fn each_stands_in_one_above_its_level() {
    let store = world().await;
    let inside = try_make(&store, Level::Tenant, "x", Some("acme")).await;
    assert!(matches!(inside, Err(PartyError::TenantInside)));
    let below = try_make(&store, Level::Team, "x", Some("acme/core/bot")).await;
    let told = below.expect_err("an app has no teams").to_string();
    assert_eq!(
        told,
        "a team cannot stand in the app `bot`; teams stand in a tenant"
    );
    let nowhere = try_make(&store, Level::User, "x", Some("initech")).await;
    assert!(matches!(nowhere, Err(PartyError::NotFound { .. })));
    let usual = make(&store, Level::User, "ana", None).await;
    assert_eq!(usual.parent, Some("default".into()));
}

#[tokio::test]
async fn who_stands_in_a_revoked_party_is_not_there_any_more() {
    let store = world().await;
    revoke(&store, (Level::Tenant, "acme"), &by(2_000))
        .await
        .expect("revokes");
    let all = store.parties().await.expect("reads");
    assert!(find(&all, None, "bot", &by(2_000)).is_err());
    assert!(find(&all, None, "bot", &by(1_999)).is_ok());
    // Its name is free again, and the other tenant never noticed.
    make(&store, Level::Tenant, "globex two", None).await;
    let orphan = NewParty {
        level: Level::App,
        name: "x".to_owned(),
        parent: Some("acme/core".to_owned()),
        terms: Terms::default(),
    };
    assert!(create(&store, orphan, &by(2_000)).await.is_err());
    let kept = revoke(&store, (Level::Tenant, "default"), &by(2_000)).await;
    assert!(matches!(kept, Err(PartyError::Default)));
}

#[tokio::test]
async fn every_change_is_recorded_with_before_and_after_or_not_done() {
    let store = world().await;
    let actor = by(3_000);
    let renamed = edit(&store, (Level::Team, "acme/core"), &actor, |team| {
        team.name = "kernel".to_owned();
        team.terms.priority = Some(7);
    });
    let renamed = renamed.await.expect("edits");
    let before = store.admin_changes(1).await.expect("reads").remove(0);
    assert_eq!(
        (before.action.as_str(), before.actor.as_str()),
        ("team.edit", "cli:test")
    );
    assert_eq!(before.object, renamed.id.as_str());
    assert!(before.before.expect("was").contains(r#""name":"core""#));
    let after = before.after.expect("is");
    assert!(
        after.contains(r#""name":"kernel""#) && after.contains(r#""priority":7"#),
        "{after}"
    );
    let all = store.parties().await.expect("reads");
    let tenant = find(&all, None, "acme", &by(3_000)).expect("there");
    assert_eq!(before.tenant.as_str(), tenant.id.as_str());
    let count = store.admin_changes(99).await.expect("reads").len();
    let wrong = edit(&store, (Level::Team, "acme/kernel"), &actor, |team| {
        team.terms.priority = Some(99);
    });
    assert!(matches!(wrong.await, Err(PartyError::BadTerms { .. })));
    assert_eq!(store.admin_changes(99).await.expect("reads").len(), count);
}

#[tokio::test]
async fn a_name_can_be_written_everywhere() {
    let store = world().await;
    for name in ["", " ", "a/b", "a\u{1b}[2J", " x", &"n".repeat(101)] {
        let made = try_make(&store, Level::Team, name, Some("acme")).await;
        assert!(matches!(made, Err(PartyError::BadName(_))), "{name:?}");
    }
    make(&store, Level::Team, "Überblick 2.0", Some("acme")).await;
}
