//! Keys and whom they belong to, for every process that asks.

use domain::party::{Level, Party};
use domain::terms::Terms;
use domain::time::UnixMicros;
use domain::virtual_key::VirtualKey;
use store::{AdminChange, KeySecret, Store, StoredKey};

use crate::home::{Home, on_both};

on_both![
    a_key_comes_back_as_it_was_kept,
    a_party_comes_back_as_it_was_kept,
    another_process_sees_that_keys_changed,
    a_change_that_is_not_ended_was_none,
    two_changes_come_one_after_the_other,
];

pub(crate) fn key(id: &str, name: &str) -> StoredKey {
    let mut digest = [0; 32];
    digest[..id.len()].copy_from_slice(id.as_bytes());
    let terms = r#"{"models":["gpt-*"],"limits":[{"tokens":5,"per":"minute"}]}"#;
    StoredKey {
        key: VirtualKey {
            id: id.into(),
            name: name.to_owned(),
            owner: "default".into(),
            created: UnixMicros(1_000),
            expires: Some(UnixMicros(9_000)),
            revoked: None,
            terms: serde_json::from_str(terms).expect("terms"),
        },
        secrets: vec![KeySecret {
            digest,
            created: UnixMicros(1_000),
            expires: None,
        }],
    }
}

pub(crate) async fn add(store: &Store, key: &StoredKey) {
    let mut change = store.change().await.expect("begins");
    change.put_key(&key.key).await.expect("puts");
    for secret in &key.secrets {
        change.add_secret(&key.key.id, secret).await.expect("adds");
    }
    change.commit(&done("key.create")).await.expect("commits");
}

pub(crate) fn done(action: &str) -> AdminChange {
    AdminChange {
        at: UnixMicros(1_000),
        actor: "test".to_owned(),
        action: action.to_owned(),
        object: "key_1".to_owned(),
        tenant: "default".into(),
        before: None,
        after: Some("{}".to_owned()),
    }
}

async fn a_key_comes_back_as_it_was_kept(home: &Home) {
    let made = key("key_1", "alice");
    let store = home.open().await;
    add(&store, &made).await;
    store.close().await;
    let again = home.open().await;
    assert_eq!(again.keys().await.expect("reads"), [made]);
}

async fn a_party_comes_back_as_it_was_kept(home: &Home) {
    let store = home.open().await;
    let mut party = Party {
        id: "team_1".into(),
        level: Level::Team,
        name: "core".to_owned(),
        parent: Some("default".into()),
        terms: Terms::default(),
        created: UnixMicros(2_000),
        revoked: None,
    };
    let mut change = store.change().await.expect("begins");
    change.put_party(&party).await.expect("puts");
    party.terms.priority = Some(7);
    party.revoked = Some(UnixMicros(3_000));
    change.put_party(&party).await.expect("puts again");
    change.commit(&done("team.edit")).await.expect("commits");
    let all = store.parties().await.expect("reads");
    assert_eq!(
        all[0].id.as_str(),
        "default",
        "everybody's until there are others"
    );
    assert_eq!(all[1..], [party]);
}

async fn another_process_sees_that_keys_changed(home: &Home) {
    let gateway = home.open().await;
    let command = home.open().await;
    let before = gateway.change_mark().await.expect("reads");
    let mut made = key("key_1", "alice");
    add(&command, &made).await;
    let between = gateway.change_mark().await.expect("reads");
    made.key.revoked = Some(UnixMicros(2_000));
    let mut change = command.change().await.expect("begins");
    change.put_key(&made.key).await.expect("puts");
    change.commit(&done("key.revoke")).await.expect("commits");
    let after = gateway.change_mark().await.expect("reads");
    assert!(before != between && between != after);
    assert_eq!(gateway.keys().await.expect("reads"), [made]);
    let told = gateway.admin_changes(9).await.expect("reads");
    let actions: Vec<&str> = told.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["key.revoke", "key.create"]);
}

async fn a_change_that_is_not_ended_was_none(home: &Home) {
    let store = home.open().await;
    let before = store.change_mark().await.expect("reads");
    let mut change = store.change().await.expect("begins");
    let key = key("key_1", "alice");
    change.put_key(&key.key).await.expect("puts");
    drop(change);
    assert!(store.keys().await.expect("reads").is_empty());
    assert!(store.admin_changes(9).await.expect("reads").is_empty());
    assert_eq!(store.change_mark().await.expect("reads"), before);
}

async fn two_changes_come_one_after_the_other(home: &Home) {
    let (one, two) = (home.open().await, home.open().await);
    let mut first = one.change().await.expect("begins");
    first
        .put_key(&key("key_1", "alice").key)
        .await
        .expect("puts");
    let second = async {
        let mut second = two.change().await.expect("begins");
        second.keys().await.expect("reads").len()
    };
    let ends = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        first.commit(&done("key.create")).await.expect("commits");
    };
    let (seen, ()) = tokio::join!(second, ends);
    assert_eq!(seen, 1, "the second waits for the first");
}
