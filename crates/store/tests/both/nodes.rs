//! Several gateways on one server.

use domain::record::Record;
use domain::time::UnixMicros;
use domain::turns::{Turn, Wanted, Work};
use journal::Batch;
use store::{Store, StoredKey};

use crate::home::{Home, on_both};
use crate::keys::{done, key};
use crate::ledger::{batch, opened, outcomes, settled};
use crate::server::Database;
use crate::turns::turn;

on_both![of_two_who_want_a_name_at_once_one_gets_it];

async fn node(database: &Database, name: &str) -> Store {
    let store = Store::open_server(&database.server(), name).await;
    store.expect("opens")
}

fn starts(generation: u64) -> Batch {
    Batch {
        alive: Some(generation),
        ..Batch::default()
    }
}

#[tokio::test]
async fn a_node_that_starts_ends_what_it_left_and_nothing_of_another() {
    let home = Home::server().await;
    let Home::Server(database) = &home else {
        unreachable!("a server");
    };
    let (one, other) = (node(database, "one").await, node(database, "other").await);
    let (ours, theirs) = (opened(7, 1), opened(8, 1));
    let open = |it: &domain::record::Opened| vec![Record::Opened(it.clone())];
    one.carry(&batch(open(&ours), 1)).await.expect("carries");
    let of_the_other = Batch {
        marks: vec![("0000000000000008-0000-000001".to_owned(), 5)],
        ..batch(open(&theirs), 0)
    };
    other.carry(&of_the_other).await.expect("carries");
    let runs = |id, generation| Turn {
        work: Work::Runs(generation),
        ..turn(id, None, 100)
    };
    one.keep_turns(&[runs("a", 7)], &[]).await.expect("keeps");
    other.keep_turns(&[runs("b", 8)], &[]).await.expect("keeps");
    assert_eq!(one.marks().await.expect("marks").len(), 1, "its own");

    one.carry(&starts(9)).await.expect("carries");

    assert_eq!(outcomes(&home).await, ["lost"]);
    let work = async |id: &str| {
        let wanted = Wanted {
            owner: "key_1".into(),
            id: id.to_owned(),
            now: UnixMicros(5),
        };
        let turn = other.turn(&wanted).await.expect("reads");
        turn.expect("a turn").work
    };
    assert_eq!(work("a").await, Work::Lost);
    assert_eq!(work("b").await, Work::Runs(8));
    let end = batch(vec![settled(&theirs)], 6);
    other.carry(&end).await.expect("carries");
    assert_eq!(outcomes(&home).await, ["lost", "complete"]);
    assert_eq!(one.conflicts() + other.conflicts(), 0);
}

#[tokio::test]
async fn nodes_that_start_at_once_make_the_schema_once() {
    let database = Database::new().await;
    let all = ["a", "b", "c", "d"].map(|name| node(&database, name));
    let [a, b, c, d] = all;
    let (a, ..) = tokio::join!(a, b, c, d);
    assert!(a.keys().await.expect("reads").is_empty());
}

async fn of_two_who_want_a_name_at_once_one_gets_it(home: &Home) {
    let (one, other) = (home.open().await, home.open().await);
    for round in 0..20 {
        let name = format!("alice-{round}");
        let ids = [0, 1].map(|side| format!("key_{round}_{side}"));
        let [first, second] = ids.each_ref().map(|id| key(id, &name));
        let (first, second) = tokio::join!(named(&one, &first), named(&other, &second));
        assert!(first != second, "{first} {second}");
    }
}

/// Keeps a key if nobody has its name. Whether it did.
async fn named(store: &Store, key: &StoredKey) -> bool {
    let mut change = store.change().await.expect("begins");
    let all = change.keys().await.expect("reads");
    if all.iter().any(|it| it.key.name == key.key.name) {
        return false;
    }
    change.put_key(&key.key).await.expect("puts");
    change.commit(&done("key.create")).await.expect("commits");
    true
}
