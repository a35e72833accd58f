//! The ledger keeps each request once.

use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use journal::Batch;

use crate::home::{Home, on_both};

on_both![
    a_batch_that_comes_twice_is_kept_once,
    a_record_that_says_something_else_than_the_ledger_is_an_alarm,
    what_was_in_flight_when_its_process_ended_is_lost_once,
    a_segment_that_is_gone_is_forgotten,
    a_row_of_another_version_keeps_nothing_else_out_of_the_ledger,
];

/// How each request ended, by ticket.
pub(crate) async fn outcomes(home: &Home) -> Vec<String> {
    home.texts("SELECT outcome FROM requests ORDER BY ticket")
        .await
}

pub(crate) fn opened(generation: u64, sequence: u64) -> Opened {
    Opened {
        ticket: TicketId {
            generation,
            core: 0,
            sequence,
        },
        at: UnixMicros(1_000_000),
        tenant: "default".into(),
        key: "key_1".into(),
        operation: "chat".into(),
        model: "demo".into(),
        reserved_tokens: 10,
        asked: None,
        who: None,
        from: None,
    }
}

pub(crate) fn settled(opened: &Opened) -> Record {
    Record::Settled(Box::new(Settled {
        outcome: Outcome::Complete,
        status: 200,
        ..journal::lost(opened)
    }))
}

pub(crate) fn batch(records: Vec<Record>, mark: u64) -> Batch {
    Batch {
        records,
        marks: vec![("0000000000000007-0000-000001".to_owned(), mark)],
        ..Batch::default()
    }
}

async fn a_batch_that_comes_twice_is_kept_once(home: &Home) {
    let store = home.open().await;
    let first = opened(7, 1);
    let all = batch(vec![Record::Opened(first.clone()), settled(&first)], 64);
    store.carry(&all).await.expect("carries");
    store.carry(&all).await.expect("carries");
    let marks = store.marks().await.expect("marks");
    assert_eq!(marks.values().copied().collect::<Vec<_>>(), [64]);
    assert_eq!(outcomes(home).await, ["complete"]);
    assert_eq!(store.conflicts(), 0, "it says the same");
}

async fn a_record_that_says_something_else_than_the_ledger_is_an_alarm(home: &Home) {
    let store = home.open().await;
    let [first, second] = [1, 2].map(|sequence| opened(7, sequence));
    let ended = batch(vec![settled(&first), settled(&second)], 64);
    store.carry(&ended).await.expect("carries");
    let lost = Record::Settled(Box::new(journal::lost(&second)));
    let again = batch(vec![settled(&first), lost], 128);
    store.carry(&again).await.expect("carries");
    assert_eq!(outcomes(home).await, ["complete", "complete"]);
    assert_eq!(store.conflicts(), 1);
}

async fn what_was_in_flight_when_its_process_ended_is_lost_once(home: &Home) {
    let store = home.open().await;
    let (first, second, alive) = (opened(7, 1), opened(7, 2), opened(8, 3));
    let open = [&first, &second, &alive].map(|o| Record::Opened(o.clone()));
    store
        .carry(&batch(open.to_vec(), 1))
        .await
        .expect("carries");
    store
        .carry(&batch(vec![settled(&second)], 2))
        .await
        .expect("carries");
    let end = Batch {
        alive: Some(8),
        ..Batch::default()
    };
    store.carry(&end).await.expect("carries");
    store.carry(&end).await.expect("carries");
    assert_eq!(outcomes(home).await, ["lost", "complete"]);
    store
        .carry(&batch(vec![settled(&alive)], 3))
        .await
        .expect("carries");
    assert_eq!(outcomes(home).await, ["lost", "complete", "complete"]);
}

async fn a_segment_that_is_gone_is_forgotten(home: &Home) {
    let store = home.open().await;
    store.carry(&batch(Vec::new(), 5)).await.expect("carries");
    let gone = Batch {
        gone: store.marks().await.expect("marks").into_keys().collect(),
        ..Batch::default()
    };
    store.carry(&gone).await.expect("carries");
    assert!(store.marks().await.expect("marks").is_empty());
}

async fn a_row_of_another_version_keeps_nothing_else_out_of_the_ledger(home: &Home) {
    let store = home.open().await;
    let (first, second) = (opened(7, 1), opened(8, 1));
    let open = [&first, &second].map(|o| Record::Opened(o.clone()));
    store.carry(&batch(open.to_vec(), 64)).await.expect("opens");
    let (ticket, node) = (home.bytes(&[0]), home.node());
    home.run(&format!(
        "INSERT INTO open_requests (ticket, record, node) VALUES ({ticket}, '{{\"new\": 1}}', '{node}')"
    ))
    .await;
    let ended = Batch {
        alive: Some(9),
        ..Batch::default()
    };
    store.carry(&ended).await.expect("carries");
    assert_eq!(outcomes(home).await, ["lost", "lost"]);
}
