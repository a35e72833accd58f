//! Answers that are worked on in the background, and what becomes of them when
//! their process ends.

use domain::time::UnixMicros;
use domain::turns::{Finish, Reach, Turn, Turns as _, Wanted, Work};
use journal::Batch;
use store::Store;
use store::keeper::Keeper;

use crate::home::{Home, on_both};

on_both![
    the_first_end_of_an_answer_counts_and_is_read_back_with_its_events,
    what_is_deleted_or_another_keys_has_no_end,
    what_a_process_leaves_is_lost_once_no_other_one_lives,
    a_process_that_ends_leaves_nothing_that_runs,
];

const ALL: Reach = Reach {
    turns: 10,
    bytes: 1 << 20,
};

fn turn(id: &str, work: Work) -> Turn {
    Turn {
        id: id.to_owned(),
        owner: "key_1".into(),
        previous: None,
        created: UnixMicros(0),
        expires: UnixMicros(100),
        provider: String::new(),
        deployment: String::new(),
        is_there: false,
        input: "[]".into(),
        answer: r#"{"status":"in_progress"}"#.into(),
        work,
        events: "".into(),
    }
}

fn wanted(id: &str) -> Wanted {
    Wanted {
        owner: "key_1".into(),
        id: id.to_owned(),
        now: UnixMicros(5),
    }
}

fn finish(id: &str, answer: &'static str) -> Finish {
    Finish {
        owner: "key_1".into(),
        id: id.to_owned(),
        expires: UnixMicros(70),
        provider: "p".to_owned(),
        deployment: "p/m".to_owned(),
        answer: answer.into(),
        events: "event: x\n\n".into(),
    }
}

/// Whether it was worked on until this end.
async fn ended(store: &Store, finish: &Finish) -> bool {
    let were = store.keep_turns(&[], std::slice::from_ref(finish)).await;
    were.expect("a disk") == [true]
}

async fn found(store: &Store, id: &str) -> Turn {
    let turn = store.turn(&wanted(id)).await.expect("read");
    turn.expect("a turn")
}

/// The store, with what runs in these generations.
async fn running(home: &Home, turns: &[(&str, u64)]) -> Store {
    let store = home.open().await;
    let turns = turns.iter();
    let turns: Vec<Turn> = turns
        .map(|(id, generation)| turn(id, Work::Runs(*generation)))
        .collect();
    store.keep_turns(&turns, &[]).await.expect("a disk");
    store
}

async fn the_first_end_of_an_answer_counts_and_is_read_back_with_its_events(home: &Home) {
    let store = running(home, &[("a", u64::MAX)]).await;
    assert_eq!(found(&store, "a").await.work, Work::Runs(u64::MAX));
    let (keeper, keeping) = Keeper::new(store.clone());
    let running = tokio::spawn(keeping.run());
    assert_eq!(keeper.runs(wanted("a")).get().await, Ok(true));
    let first = finish("a", r#"{"status":"completed"}"#);
    assert_eq!(keeper.finish(first.clone()).get().await, Ok(true));
    let second = finish("a", r#"{"status":"cancelled"}"#);
    assert_eq!(keeper.finish(second).get().await, Ok(false));
    assert_eq!(keeper.runs(wanted("a")).get().await, Ok(false));
    running.abort();
    let turn = found(&store, "a").await;
    assert_eq!((turn.work, &turn.answer), (Work::Over, &first.answer));
    assert_eq!((&turn.events, turn.expires), (&first.events, first.expires));
    assert_eq!(
        (turn.provider, turn.deployment),
        (first.provider, first.deployment)
    );
    let whole = store.conversation(&wanted("a"), ALL).await.expect("read");
    let whole = whole.expect("a conversation");
    assert!(whole[0].events.is_empty(), "a conversation has none");
}

async fn what_is_deleted_or_another_keys_has_no_end(home: &Home) {
    let store = running(home, &[("a", 1)]).await;
    let other = Finish {
        owner: "key_2".into(),
        ..finish("a", "{}")
    };
    assert!(!ended(&store, &other).await);
    assert!(store.forget_turn(&wanted("a")).await.expect("a disk"));
    assert!(!ended(&store, &finish("a", "{}")).await);
    assert!(!store.turn_runs(&wanted("a")).await.expect("read"));
}

async fn what_a_process_leaves_is_lost_once_no_other_one_lives(home: &Home) {
    let store = running(home, &[("killed", 7), ("elder", 8), ("own", 9)]).await;
    assert!(ended(&store, &finish("elder", "{}")).await);
    let none_is_known = Batch::default();
    store.carry(&none_is_known).await.expect("a disk");
    assert_eq!(found(&store, "killed").await.work, Work::Runs(7));
    let alive = Batch {
        alive: Some(9),
        ..Batch::default()
    };
    store.carry(&alive).await.expect("a disk");
    assert_eq!(found(&store, "killed").await.work, Work::Lost);
    assert_eq!(found(&store, "elder").await.work, Work::Over);
    assert_eq!(found(&store, "own").await.work, Work::Runs(9));
    assert!(!ended(&store, &finish("killed", "{}")).await);
}

async fn a_process_that_ends_leaves_nothing_that_runs(home: &Home) {
    let store = running(home, &[("own", u64::MAX), ("heir", 9)]).await;
    store.lose_turns_of(u64::MAX).await.expect("a disk");
    assert_eq!(found(&store, "own").await.work, Work::Lost);
    assert_eq!(found(&store, "heir").await.work, Work::Runs(9));
}
