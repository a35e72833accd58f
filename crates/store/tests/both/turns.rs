//! Conversations that are kept for clients.

use domain::time::UnixMicros;
use domain::turns::{Reach, Turn, Turns as _, Unkept, Wanted, Work};
use store::keeper::Keeper;

use crate::home::{Home, on_both};

on_both![
    a_conversation_comes_back_whole_and_only_to_its_owner,
    of_an_id_that_comes_again_the_newest_counts_and_never_goes_on_from_itself,
    what_has_expired_or_is_deleted_is_gone_and_swept,
    a_conversation_is_read_within_its_bounds_even_where_it_bites_its_tail,
    what_the_keeper_says_is_kept_is_there_after_a_restart,
];

const ALL: Reach = Reach {
    turns: 10,
    bytes: 1 << 20,
};

pub(crate) fn turn(id: &str, previous: Option<&str>, expires: i64) -> Turn {
    Turn {
        id: id.to_owned(),
        owner: "key_1".into(),
        previous: previous.map(str::to_owned),
        created: UnixMicros(0),
        expires: UnixMicros(expires),
        provider: "p".to_owned(),
        deployment: "p/m".to_owned(),
        is_there: true,
        input: "[]".into(),
        answer: format!(r#"{{"id":"{id}"}}"#).into(),
        work: Work::Over,
        events: "".into(),
    }
}

pub(crate) fn wanted(id: &str, now: i64) -> Wanted {
    Wanted {
        owner: "key_1".into(),
        id: id.to_owned(),
        now: UnixMicros(now),
    }
}

async fn a_conversation_comes_back_whole_and_only_to_its_owner(home: &Home) {
    let store = home.open().await;
    let turns = [turn("a", None, 10), turn("b", Some("a"), 20)];
    store.keep_turns(&turns, &[]).await.expect("a disk");
    let found = store
        .conversation(&wanted("b", 5), ALL)
        .await
        .expect("read");
    let mut first = turns[0].clone();
    first.expires = UnixMicros(20);
    assert_eq!(
        found,
        Ok(vec![first, turns[1].clone()]),
        "the oldest first, kept as long"
    );
    let other = Wanted {
        owner: "key_2".into(),
        ..wanted("b", 5)
    };
    assert_eq!(store.turn(&other).await.expect("read"), None);
    assert!(!store.forget_turn(&other).await.expect("a disk"));
    assert_eq!(
        store.conversation(&other, ALL).await.expect("read"),
        Ok(Vec::new())
    );
}

async fn of_an_id_that_comes_again_the_newest_counts_and_never_goes_on_from_itself(home: &Home) {
    let store = home.open().await;
    let first = [turn("a", None, 10), turn("b", Some("a"), 10)];
    store.keep_turns(&first, &[]).await.expect("a disk");
    let again = turn("b", Some("b"), 30);
    store.keep_turns(&[again], &[]).await.expect("a disk");
    let found = store.conversation(&wanted("b", 5), ALL).await;
    let found = found.expect("read").expect("a conversation");
    let ids: Vec<&str> = found.iter().map(|turn| turn.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(found[1].expires, UnixMicros(30));
}

async fn what_has_expired_or_is_deleted_is_gone_and_swept(home: &Home) {
    let store = home.open().await;
    let turns = [
        turn("a", None, 10),
        turn("b", Some("a"), 10),
        turn("c", None, 99),
    ];
    store.keep_turns(&turns, &[]).await.expect("a disk");
    assert_eq!(store.turn(&wanted("a", 10)).await.expect("read"), None);
    assert!(store.forget_turn(&wanted("a", 5)).await.expect("a disk"));
    let gap = store
        .conversation(&wanted("b", 5), ALL)
        .await
        .expect("read");
    assert_eq!(gap, Err(Unkept::Gap));
    assert!(!store.sweep_turns(UnixMicros(10)).await.expect("a disk"));
    assert_eq!(store.turn(&wanted("b", 5)).await.expect("read"), None);
    assert!(store.turn(&wanted("c", 5)).await.expect("read").is_some());
}

async fn a_conversation_is_read_within_its_bounds_even_where_it_bites_its_tail(home: &Home) {
    let store = home.open().await;
    let turns = [turn("a", Some("b"), 10), turn("b", Some("a"), 10)];
    store.keep_turns(&turns, &[]).await.expect("a disk");
    let found = store
        .conversation(&wanted("b", 5), ALL)
        .await
        .expect("read");
    assert_eq!(found, Err(Unkept::TooLong));
    let few = Reach { turns: 9, bytes: 3 };
    let found = store
        .conversation(&wanted("b", 5), few)
        .await
        .expect("read");
    assert_eq!(found, Err(Unkept::TooLong));
}

async fn what_the_keeper_says_is_kept_is_there_after_a_restart(home: &Home) {
    let store = home.open().await;
    let (keeper, keeping) = Keeper::new(store.clone());
    let running = tokio::spawn(keeping.run());
    keeper.keep(turn("a", None, 10)).get().await.expect("kept");
    running.abort();
    assert!(running.await.is_err());
    let late = keeper.keep(turn("b", None, 10)).get().await;
    assert!(matches!(late, Err(Unkept::Failed(_))), "{late:?}");
    store.close().await;
    let store = home.open().await;
    let (keeper, keeping) = Keeper::new(store);
    let running = tokio::spawn(keeping.run());
    let found = keeper.turn(wanted("a", 5)).get().await.expect("read");
    assert_eq!(found, Some(turn("a", None, 10)));
    let gone = keeper.forget(wanted("a", 5)).get().await.expect("a disk");
    assert!(gone);
    running.abort();
}
