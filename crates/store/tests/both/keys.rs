//! Keys, for every process that asks.

use domain::principal::{Limits, Principal};
use domain::time::UnixMicros;
use store::{StoreError, StoredKey};

use crate::home::{Home, on_both};

on_both![
    a_key_comes_back_as_it_was_kept,
    another_process_sees_that_keys_changed,
    a_name_belongs_to_one_valid_key,
];

pub(crate) fn key(id: &str, name: &str) -> StoredKey {
    let mut digest = [0; 32];
    digest[..id.len()].copy_from_slice(id.as_bytes());
    StoredKey {
        principal: Principal {
            key: id.into(),
            tenant: "default".into(),
            name: name.to_owned(),
            expires: Some(UnixMicros(9_000)),
            revoked: None,
            models: Some(vec!["gpt-*".to_owned()]),
            limits: Limits {
                tokens_per_minute: Some(5),
                ..Limits::default()
            },
        },
        digest,
        created: UnixMicros(1_000),
    }
}

async fn a_key_comes_back_as_it_was_kept(home: &Home) {
    let made = key("key_1", "alice");
    let store = home.open().await;
    store.add_key(&made).await.expect("adds");
    store.close().await;
    let again = home.open().await;
    assert_eq!(again.keys().await.expect("reads"), [made]);
}

async fn another_process_sees_that_keys_changed(home: &Home) {
    let gateway = home.open().await;
    let command = home.open().await;
    let before = gateway.change_mark().await.expect("reads");
    command.add_key(&key("key_1", "alice")).await.expect("adds");
    let between = gateway.change_mark().await.expect("reads");
    let revoked = command
        .revoke_key("alice", UnixMicros(2_000))
        .await
        .expect("revokes");
    assert_eq!(revoked, Some("key_1".into()));
    let after = gateway.change_mark().await.expect("reads");
    assert!(before != between && between != after);
    let kept = gateway.keys().await.expect("reads");
    assert_eq!(kept[0].principal.revoked, Some(UnixMicros(2_000)));
}

async fn a_name_belongs_to_one_valid_key(home: &Home) {
    let store = home.open().await;
    store.add_key(&key("key_1", "alice")).await.expect("adds");
    let second = store.add_key(&key("key_2", "alice")).await;
    assert!(matches!(second, Err(StoreError::NameTaken(id)) if id.as_str() == "key_1"));
    store
        .revoke_key("key_1", UnixMicros(900))
        .await
        .expect("revokes");
    store
        .add_key(&key("key_2", "alice"))
        .await
        .expect("the name is free again");
    assert_eq!(
        store
            .revoke_key("nobody", UnixMicros(900))
            .await
            .expect("reads"),
        None
    );
}
