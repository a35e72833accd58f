//! The store as the index of the audit log: each row says which record it is, and is
//! found different from it if anybody changed it.

use domain::audit::{Entry, Strangers};
use domain::record::{Outcome, Record, Settled, Who};
use domain::time::UnixMicros;
use journal::Batch;
use store::{LogIndex, LogPlace, Search, Store, Written};

use crate::home::{Home, on_both};
use crate::keys::done;
use crate::ledger::{batch, opened, outcomes, settled};

on_both![
    rows_say_which_record_they_are,
    every_column_that_was_changed_is_found,
    lost_requests_are_told_before_they_are_kept,
    a_change_belongs_to_the_log_that_takes_it_first,
    a_batch_that_the_log_has_may_come_twice,
    calls_are_found_by_who_and_what,
];

const ORIGIN: &str = "log.example/a";

fn calls(records: &[Record]) -> Vec<Entry> {
    let calls = records.iter().filter_map(|record| match record {
        Record::Settled(call) => Some(Entry::Call(call.clone())),
        Record::Opened(_) => None,
    });
    calls.collect()
}

/// Keeps calls as the next records of a log.
async fn keep(store: &Store, records: Vec<Record>) -> Vec<(LogPlace, Settled)> {
    let LogIndex { log, size } = store.audit_log(ORIGIN).await.expect("a log");
    let entries = calls(&records);
    let written = Written {
        log,
        first: size,
        entries: &entries,
    };
    store
        .carry_logged(&batch(records, size + 1), &written)
        .await
        .expect("carries");
    let placed = (size..).zip(entries).filter_map(|(record, it)| match it {
        Entry::Call(call) => Some((LogPlace { log, record }, *call)),
        _ => None,
    });
    placed.collect()
}

async fn differences(store: &Store, calls: &[(LogPlace, Settled)]) -> Vec<(u64, &'static str)> {
    let calls: Vec<_> = calls.iter().map(|(place, call)| (*place, call)).collect();
    let found = store.differences(&calls).await.expect("reads");
    let told = found.iter().map(|it| (it.record, it.column.unwrap_or("-")));
    told.collect()
}

fn call(sequence: u64) -> Record {
    let Record::Settled(plain) = settled(&opened(7, sequence)) else {
        unreachable!()
    };
    Record::Settled(Box::new(Settled {
        from: Some([192, 0, 2, 7].into()),
        findings: vec![("names_1".to_owned(), 2)],
        who: Some(Box::new(Who {
            end_user: Some(format!("user-{sequence}\0")),
            ..Who::default()
        })),
        ..*plain
    }))
}

async fn rows_say_which_record_they_are(home: &Home) {
    let store = home.open().await;
    assert_eq!(store.unlogged().await.expect("counts"), 0);
    let before = batch(vec![settled(&opened(7, 99))], 1);
    store.carry(&before).await.expect("carries");
    let kept = keep(&store, (1..=40).map(call).collect()).await;
    let more = keep(&store, (41..=50).map(call).collect()).await;
    assert_eq!(store.unlogged().await.expect("counts"), 1);
    let index = store.audit_log(ORIGIN).await.expect("a log");
    assert_eq!(index.size, 50);
    assert_eq!(more[0].0.record, 40);
    assert_eq!(differences(&store, &kept).await, []);
    assert_eq!(differences(&store, &more).await, []);
    let counts = async |size| store.logged_calls(index.log, size).await.expect("counts");
    assert_eq!((counts(50).await.within, counts(50).await.beyond), (50, 0));
    assert_eq!(counts(45).await.within, 45);
    home.run("UPDATE requests SET audit_record = 50 WHERE audit_record = 49")
        .await;
    assert_eq!((counts(50).await.within, counts(50).await.beyond), (49, 1));
    home.run("UPDATE requests SET audit_record = 49 WHERE audit_record = 50")
        .await;
    let all = store.logged_calls_after(index.log, None).await;
    let all = all.expect("reads");
    assert_eq!(all.len(), 50);
    let rest = store.logged_calls_after(index.log, Some(all[44].0)).await;
    assert_eq!(rest.expect("reads"), all[45..]);
    let other = store.audit_log("log.example/b").await.expect("a log");
    assert!(other.log != index.log && other.size == 0);
}

async fn every_column_that_was_changed_is_found(home: &Home) {
    let store = home.open().await;
    let kept = keep(&store, (1..=3).map(call).collect()).await;
    let columns = home.rows("SELECT * FROM requests LIMIT 1").await.remove(0);
    let columns = columns
        .split(' ')
        .filter_map(|pair| pair.split_once('='))
        .map(|(column, value)| (column.to_owned(), value.parse::<i64>().is_ok()));
    let mut changed = 0;
    home.run("CREATE TABLE spare AS SELECT * FROM requests")
        .await;
    // The row's own, and when its cost counts: no part of the record.
    let others = ["ticket", "seq", "booked_at"];
    for (column, is_number) in columns.filter(|(it, _)| !others.contains(&&**it)) {
        let nullable = home
            .rows(&format!(
                "SELECT {column} FROM requests WHERE opened_at = 1000000"
            ))
            .await;
        let is_null = nullable[0].ends_with("=NULL");
        // Numbers are one more, texts longer, and what holds nothing holds something.
        let change = match (is_number, is_null) {
            (true, _) => format!("{column} + 1"),
            (_, true) => "'1'".to_owned(),
            _ => format!("{column} || 'x'"),
        };
        home.run(&format!(
            "UPDATE requests SET {column} = {change} WHERE audit_record = 1"
        ))
        .await;
        let found = differences(&store, &kept).await;
        assert_eq!(found.len(), 1, "{column}: {found:?}");
        assert_eq!(found[0].0, 1, "{column}");
        changed += 1;
        home.run(&format!(
            "UPDATE requests SET {column} = (SELECT s.{column} FROM spare s \
             WHERE s.ticket = requests.ticket)"
        ))
        .await;
        assert_eq!(differences(&store, &kept).await, [], "{column}");
    }
    assert!(changed > 40, "{changed} columns");
    home.run("DELETE FROM requests WHERE audit_record = 2")
        .await;
    assert_eq!(differences(&store, &kept).await, [(2, "-")]);
}

async fn lost_requests_are_told_before_they_are_kept(home: &Home) {
    let store = home.open().await;
    let [first, second, third] = [1, 2, 3].map(|sequence| opened(7, sequence));
    let here = opened(8, 1);
    let earlier = batch(
        vec![
            Record::Opened(first.clone()),
            Record::Opened(second.clone()),
        ],
        64,
    );
    store.carry(&earlier).await.expect("carries");
    let last = Batch {
        alive: Some(8),
        ..batch(
            vec![
                settled(&second),
                Record::Opened(third.clone()),
                Record::Opened(here),
            ],
            128,
        )
    };
    let lost = store.lost(&last).await.expect("reads");
    let tickets: Vec<_> = lost.iter().map(|it| (it.ticket, it.outcome)).collect();
    assert_eq!(
        tickets,
        [first.ticket, third.ticket].map(|it| (it, Outcome::Lost))
    );
    let mut entries = calls(&last.records);
    entries.extend(lost.into_iter().map(|it| Entry::Call(Box::new(it))));
    let log = store.audit_log(ORIGIN).await.expect("a log").log;
    let written = Written {
        log,
        first: 0,
        entries: &entries,
    };
    store.carry_logged(&last, &written).await.expect("carries");
    assert_eq!(outcomes(home).await, ["lost", "complete", "lost"]);
    let later = Batch {
        alive: Some(8),
        ..Batch::default()
    };
    assert!(store.lost(&later).await.expect("reads").is_empty(), "once");
    let open = home.rows("SELECT ticket FROM open_requests").await;
    assert_eq!(open.len(), 1, "this process' own");
}

async fn a_change_belongs_to_the_log_that_takes_it_first(home: &Home) {
    let store = home.open().await;
    for action in ["key.create", "key.edit"] {
        let change = store.change().await.expect("begins");
        change.commit(&done(action)).await.expect("commits");
    }
    let [one, other] = [ORIGIN, "log.example/b"].map(|origin| store.audit_log(origin));
    let (one, other) = (
        one.await.expect("a log").log,
        other.await.expect("a log").log,
    );
    let taken = store.changes_for(one).await.expect("takes");
    assert_eq!(taken.len(), 2);
    assert_eq!(store.changes_for(other).await.expect("takes"), []);
    // Until it has them, they are handed out again.
    assert_eq!(store.changes_for(one).await.expect("takes"), taken);
    let entries: Vec<Entry> = taken
        .iter()
        .map(|it| Entry::Change(Box::new(it.clone())))
        .collect();
    let written = Written {
        log: one,
        first: 5,
        entries: &entries,
    };
    let nothing = Batch::default();
    store.carry_logged(&nothing, &written).await.expect("keeps");
    assert_eq!(store.changes_for(one).await.expect("takes"), []);
    let logged = store.logged_changes(one).await.expect("reads");
    let records: Vec<u64> = logged.iter().map(|(record, _)| *record).collect();
    assert_eq!(records, [5, 6]);
    assert_eq!(logged[1].1.change.action, "key.edit");
}

async fn a_batch_that_the_log_has_may_come_twice(home: &Home) {
    let store = home.open().await;
    let log = store.audit_log(ORIGIN).await.expect("a log").log;
    let all = batch(vec![call(1)], 64);
    let mut entries = calls(&all.records);
    entries.push(Entry::Strangers(Strangers {
        minute: UnixMicros(60_000_000),
        source: None,
        reason: "invalid_api_key".to_owned(),
        count: 3,
    }));
    let written = Written {
        log,
        first: 0,
        entries: &entries,
    };
    for _ in 0..2 {
        store.carry_logged(&all, &written).await.expect("carries");
    }
    assert_eq!(store.conflicts(), 0);
    assert_eq!(outcomes(home).await.len(), 1);
    let strangers = store.logged_strangers(log).await.expect("reads");
    assert_eq!(strangers.len(), 1);
    assert_eq!((strangers[0].0, strangers[0].1.count), (1, 3));
}

async fn calls_are_found_by_who_and_what(home: &Home) {
    let store = home.open().await;
    keep(&store, (1..=3).map(call).collect()).await;
    let other = batch(vec![settled(&opened(7, 9))], 9);
    store.carry(&other).await.expect("carries");
    let of = async |equal: &[(&'static str, &str)], guard: Option<&str>| {
        let search = Search {
            equal: equal.iter().map(|(c, v)| (*c, (*v).to_owned())).collect(),
            guard: guard.map(str::to_owned),
            most: 10,
            ..Search::default()
        };
        store.search(&search).await.expect("finds").len()
    };
    assert_eq!(of(&[], None).await, 4);
    assert_eq!(of(&[("from_address", "192.0.2.7")], None).await, 3);
    assert_eq!(
        of(&[("outcome", "complete"), ("key_id", "key_1")], None).await,
        4
    );
    assert_eq!(of(&[("outcome", "' OR 1=1 --")], None).await, 0);
    assert_eq!(of(&[], Some("names_1")).await, 3);
    assert_eq!(of(&[], Some("namesx1")).await, 0, "no wildcard");
    assert_eq!(of(&[], Some("%")).await, 0, "no wildcard");
    let late = Search {
        since: Some(UnixMicros(1_000_001)),
        most: 10,
        ..Search::default()
    };
    assert!(store.search(&late).await.expect("finds").is_empty());
}
