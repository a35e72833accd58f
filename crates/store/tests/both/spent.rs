//! What was spent in a time, by whom.

use domain::calendar::Period;
use domain::counters::Used;
use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Outcome, Record, Settled, Who};
use domain::time::UnixMicros;
use domain::usage::Usage;
use journal::Batch;

use crate::home::{Home, on_both};
use crate::ledger::opened;

on_both![
    sums_are_of_a_time_by_key_and_what_is_counted_apart,
    sums_of_windows_are_apart_by_their_steps,
    a_budget_counts_from_when_it_was_first_seen,
];

const OWN: u64 = 0xffff_ffff_0000_0001;

fn row(generation: u64, sequence: u64, change: impl FnOnce(&mut Settled)) -> Record {
    let mut settled = Settled {
        outcome: Outcome::Complete,
        usage: Usage {
            input: 10,
            reasoning: 2,
            ..Usage::default()
        },
        cost: Some(NanoUsd(7)),
        ..journal::lost(&opened(generation, sequence))
    };
    settled.ticket = TicketId {
        generation,
        core: 0,
        sequence,
    };
    settled.opened = UnixMicros(1_000);
    change(&mut settled);
    Record::Settled(Box::new(settled))
}

async fn sums_are_of_a_time_by_key_and_what_is_counted_apart(home: &Home) {
    let store = home.open().await;
    let tagged = |settled: &mut Settled| {
        settled.who = Some(Box::new(Who {
            end_user: Some("ana".to_owned()),
            tags: vec![("env".to_owned(), "test".to_owned())],
            ..Who::default()
        }));
        settled.cost = None;
    };
    let batch = Batch {
        records: vec![
            row(7, 1, |_| {}),
            row(7, 2, |_| {}),
            row(8, 1, tagged),
            row(8, 2, |it| it.outcome = Outcome::Refused),
            row(8, 3, |it| it.opened = UnixMicros(999)),
            row(8, 4, |it| it.opened = UnixMicros(2_000)),
            row(OWN, 1, |_| {}),
        ],
        ..Batch::default()
    };
    store.carry(&batch).await.expect("carries");
    let period = Period {
        start: UnixMicros(1_000),
        end: UnixMicros(2_000),
    };
    let mut spent = store.spent(period, OWN).await.expect("reads");
    spent.sort_by_key(|it| it.requests);
    assert_eq!(spent.len(), 2, "{spent:?}");
    let used = |tokens, cost| Used { tokens, cost };
    assert_eq!((spent[0].requests, spent[0].used), (1, used(12, 0)));
    assert_eq!(spent[0].end_user.as_deref(), Some("ana"));
    assert_eq!(spent[0].tags, [("env".to_owned(), "test".to_owned())]);
    assert_eq!((spent[1].requests, spent[1].used), (2, used(24, 14)));
    assert_eq!(
        (spent[1].key.as_str(), spent[1].model.as_str()),
        ("key_1", "demo")
    );
}

async fn sums_of_windows_are_apart_by_their_steps(home: &Home) {
    let store = home.open().await;
    let at = |sequence, opened| row(7, sequence, |it| it.opened = UnixMicros(opened));
    let owned = row(7, 9, |it| {
        it.opened = UnixMicros(1_250);
        it.who = Some(Box::new(Who {
            team: Some("team_1".into()),
            ..Who::default()
        }));
    });
    let batch = Batch {
        records: vec![at(1, 1_010), at(2, 1_090), at(3, 1_100), owned],
        ..Batch::default()
    };
    store.carry(&batch).await.expect("carries");
    let period = Period {
        start: UnixMicros(1_000),
        end: UnixMicros(2_000),
    };
    let mut spent = store.spent_by(period, 100, OWN).await.expect("reads");
    spent.sort_by_key(|it| it.latest);
    let told = spent.iter().map(|it| (it.requests, it.latest.0));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(2, 1_090), (1, 1_100), (1, 1_250)]
    );
    assert_eq!(spent[0].owners, ["default"]);
    assert_eq!(spent[2].owners, ["default", "team_1"]);
}

async fn a_budget_counts_from_when_it_was_first_seen(home: &Home) {
    let store = home.open().await;
    let first = store
        .budget_starts(&["a"], UnixMicros(5))
        .await
        .expect("notes");
    assert_eq!(first["a"], UnixMicros(5));
    let later = store
        .budget_starts(&["a", "b"], UnixMicros(9))
        .await
        .expect("notes");
    assert_eq!((later["a"], later["b"]), (UnixMicros(5), UnixMicros(9)));
}
