//! Sums that are kept come to what the rows come to: while rows come, after rows are
//! deleted, and after the books of a time are closed.

use std::collections::BTreeMap;

use domain::calendar::Period;
use domain::money::NanoUsd;
use domain::record::{Outcome, Record, Settled, Who};
use domain::time::UnixMicros;
use domain::usage::{Usage, UsageSource};
use journal::Batch;
use store::{AdminChange, Dimension, Store, Sum};

use crate::home::{Home, on_both};
use crate::ledger::opened;

on_both![
    sums_are_those_of_the_rows_whenever_they_are_asked_for,
    sums_stay_when_rows_go,
    what_comes_after_the_books_are_closed_counts_from_then_on,
    the_last_use_of_a_key_is_known_with_and_without_its_rows,
];

const MINUTE: i64 = 60_000_000;
const QUARTER: i64 = 15 * MINUTE;
const DAY: i64 = 96 * QUARTER;
/// When the first request came: not at the beginning of anything.
const FIRST: i64 = 20_000 * DAY + 7 * MINUTE + 1;

/// A number that looks like chance, the same in every run.
fn chance(of: u64, below: u64) -> u64 {
    let mixed = (of + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 20) % below
}

fn row(sequence: u64) -> Settled {
    let pick = |salt: u64, below: u64| chance(sequence * 31 + salt, below);
    let who = Who {
        team: (pick(1, 3) > 0).then(|| format!("team_{}", pick(2, 2)).as_str().into()),
        end_user: (pick(3, 4) == 0).then(|| format!("user {}", pick(4, 3))),
        session: (pick(5, 4) == 0).then(|| format!("session {}", pick(6, 3))),
        tags: match pick(7, 3) {
            0 => vec![("env".to_owned(), format!("env {}", pick(8, 2)))],
            _ => Vec::new(),
        },
        ..Who::default()
    };
    Settled {
        outcome: [Outcome::Complete, Outcome::Refused][usize::from(pick(9, 5) == 0)],
        // About four days, and not in the order in which they are carried.
        opened: UnixMicros(FIRST + (pick(10, 4 * DAY as u64)) as i64),
        model: (pick(11, 9) > 0).then(|| format!("model {}", pick(12, 3)).as_str().into()),
        usage: Usage {
            input: pick(13, 1000),
            output: pick(14, 100),
            ..Usage::default()
        },
        usage_source: [UsageSource::Provider, UsageSource::Estimated][pick(15, 2) as usize],
        cost: Some(NanoUsd(pick(16, 10_000) as i64)),
        who: (pick(17, 2) == 0).then(|| Box::new(who)),
        ..journal::lost(&opened(7, sequence))
    }
}

async fn carry(store: &Store, rows: &[Settled]) {
    let records = rows.iter().cloned().map(Box::new).map(Record::Settled);
    let batch = Batch {
        records: records.collect(),
        ..Batch::default()
    };
    store.carry(&batch).await.expect("carries");
}

/// One of a row's values, by a dimension's name.
fn told(row: &Settled, by: &str) -> Option<String> {
    let who = row.who.as_deref();
    match by {
        "team" => who?.team.as_ref().map(ToString::to_string),
        "end_user" => who?.end_user.clone(),
        "session" => who?.session.clone(),
        "model" => row.model.as_ref().map(ToString::to_string),
        "outcome" => Some(row.outcome.as_str().to_owned()),
        "tag:env" => who?.tags.iter().map(|(_, value)| value.clone()).next(),
        other => panic!("{other}"),
    }
}

type Rows = BTreeMap<Vec<Option<String>>, Sum>;

/// What the rows of a time come to.
fn expected(rows: &[Settled], period: Period, by: &[&str]) -> Rows {
    let mut all = Rows::new();
    for row in rows {
        if row.opened < period.start || row.opened >= period.end {
            continue;
        }
        let key = by.iter().map(|by| told(row, by)).collect();
        all.entry(key).or_default().add(&Sum {
            requests: 1,
            usage: row.usage,
            cost: row.cost.unwrap_or_default(),
            estimated: u64::from(row.usage_source == UsageSource::Estimated),
            ..Sum::default()
        });
    }
    all
}

async fn report(store: &Store, period: Period, by: &[&str]) -> Rows {
    let dimensions: Vec<Dimension> = by.iter().map(|it| it.parse().expect(it)).collect();
    let report = store.report(period, &dimensions).await.expect("reads");
    report.rows.into_iter().collect()
}

fn period(start: i64, end: i64) -> Period {
    Period {
        start: UnixMicros(start),
        end: UnixMicros(end),
    }
}

const GROUPINGS: [&[&str]; 6] = [
    &[],
    &["team"],
    &["model", "outcome"],
    &["tag:env"],
    &["end_user", "model"],
    &["session", "tag:env", "team"],
];

/// What requests come to that are read one by one, for other prices.
async fn read_one_by_one(store: &Store, period: Period) -> (u64, NanoUsd) {
    let mut all = (0, NanoUsd(0));
    let by: Vec<Dimension> = vec!["team".parse().expect("one")];
    let each = |alike: store::Alike| {
        all.0 += alike.requests;
        all.1 = all.1 + alike.cost;
    };
    store.used(period, &by, each).await.expect("reads");
    all
}

/// Times of every kind: within a quarter of an hour, over days, to the microsecond.
fn periods() -> Vec<Period> {
    let mut all = vec![
        period(0, i64::MAX / 2),
        period(i64::MIN, i64::MAX),
        period(FIRST, FIRST + 3 * MINUTE),
        period(FIRST + MINUTE, FIRST + 40 * MINUTE),
        period(20_001 * DAY, 20_003 * DAY),
        period(20_001 * DAY - 2 * QUARTER, 20_002 * DAY + 5 * QUARTER),
    ];
    for at in 0..6 {
        let start = FIRST + chance(at, 2 * DAY as u64) as i64;
        let length = 1 + chance(at + 100, 2 * DAY as u64) as i64;
        all.push(period(start, start + length));
    }
    all
}

async fn sums_are_those_of_the_rows_whenever_they_are_asked_for(home: &Home) {
    let store = home.open().await;
    let rows: Vec<Settled> = (1..=900).map(row).collect();
    for (at, part) in rows.chunks(300).enumerate() {
        carry(&store, part).await;
        let so_far = &rows[..(at + 1) * 300];
        // None is in a sum yet; then some; then all.
        for period in periods() {
            let all = expected(so_far, period, &[]);
            let all = all.get(&Vec::new()).map(|sum| (sum.requests, sum.cost));
            let found = read_one_by_one(&store, period).await;
            assert_eq!(found, all.unwrap_or_default(), "{at} {period:?}");
            for by in GROUPINGS {
                let found = report(&store, period, by).await;
                assert_eq!(
                    found,
                    expected(so_far, period, by),
                    "{at} {period:?} {by:?}"
                );
            }
        }
        if at != 1 {
            assert!(
                !store.roll_up().await.expect("rolls up"),
                "one heap is enough"
            );
        }
    }
    assert!(!store.roll_up().await.expect("nothing is left"));
    for by in GROUPINGS {
        let found = report(&store, periods()[0], by).await;
        assert_eq!(found, expected(&rows, periods()[0], by));
    }
}

async fn sums_stay_when_rows_go(home: &Home) {
    let store = home.open().await;
    let rows: Vec<Settled> = (1..=300).map(row).collect();
    carry(&store, &rows).await;
    let middle = FIRST + 2 * DAY;
    assert!(!store.prune(UnixMicros(middle)).await.expect("prunes"));
    let count = || async { home.texts("SELECT COUNT(*) FROM requests").await[0].clone() };
    assert_eq!(count().await, "300", "what is in no sum stays");
    store.roll_up().await.expect("rolls up");
    while store.prune(UnixMicros(middle)).await.expect("prunes") {}
    let until = store.books().await.expect("reads").pruned_until;
    assert_eq!(until.0, middle - middle % QUARTER);
    let left = rows.iter().filter(|row| row.opened >= until).count();
    let found: usize = count().await.parse().expect("a number");
    // The last one stays, whenever it came: numbers go on from it.
    assert!((left..=left + 1).contains(&found), "{found} of {left}");
    for asked in periods() {
        let dimensions: Vec<Dimension> = vec!["model".parse().expect("one")];
        let found = store.report(asked, &dimensions).await.expect("reads");
        let (start, end) = (found.period.start.0, found.period.end.0);
        assert!(start <= asked.start.0 && end >= asked.end.0);
        assert!(asked.start.0 - start < QUARTER && end - asked.end.0 < QUARTER);
        for by in GROUPINGS {
            let rows = expected(&rows, found.period, by);
            assert_eq!(report(&store, asked, by).await, rows, "{asked:?} {by:?}");
        }
    }
    // Numbers go on: what comes now is in a sum later.
    let later: Vec<Settled> = (301..=340).map(row).collect();
    carry(&store, &later).await;
    store.roll_up().await.expect("rolls up");
    let all: Vec<Settled> = rows.into_iter().chain(later).collect();
    let found = report(&store, periods()[0], &["team"]).await;
    assert_eq!(found, expected(&all, periods()[0], &["team"]));
}

async fn what_comes_after_the_books_are_closed_counts_from_then_on(home: &Home) {
    let store = home.open().await;
    let rows: Vec<Settled> = (1..=200).map(row).collect();
    let (first, late) = rows.split_at(100);
    carry(&store, first).await;
    let locked = 20_002 * DAY + 1;
    let mut change = store.change().await.expect("begins");
    assert_eq!(change.books().await.expect("reads").locked_until.0, 0);
    let closed = change.lock_books(UnixMicros(locked)).await;
    closed.expect("closes");
    let record = AdminChange {
        at: UnixMicros(1),
        actor: "test".to_owned(),
        action: "books.lock".to_owned(),
        object: "books".to_owned(),
        tenant: "default".into(),
        before: None,
        after: None,
    };
    change.commit(&record).await.expect("commits");
    let before = period(0, locked);
    let told = report(&store, before, &["model"]).await;
    carry(&store, late).await;
    // Once more, as after a crash: it is the same record, and no conflict.
    carry(&store, late).await;
    assert_eq!(store.conflicts(), 0);
    for _ in 0..2 {
        assert_eq!(report(&store, before, &["model"]).await, told);
        let all = report(&store, period(0, i64::MAX / 2), &["team"]).await;
        assert_eq!(all, expected(&rows, period(0, i64::MAX / 2), &["team"]));
        let moved = period(locked, locked + 1);
        let count = late.iter().filter(|it| it.opened.0 < locked).count();
        let found = report(&store, moved, &[]).await;
        assert_eq!(found[&Vec::new()].requests, count as u64);
        store.roll_up().await.expect("rolls up");
    }
}

async fn the_last_use_of_a_key_is_known_with_and_without_its_rows(home: &Home) {
    let store = home.open().await;
    let key = "key_1".into();
    assert_eq!(store.last_use(&key).await.expect("reads"), None);
    let rows: Vec<Settled> = (1..=50).map(row).collect();
    let last = rows.iter().map(|row| row.opened).max();
    carry(&store, &rows).await;
    assert_eq!(store.last_use(&key).await.expect("reads"), last);
    store.roll_up().await.expect("rolls up");
    assert_eq!(store.last_use(&key).await.expect("reads"), last);
    while store.prune(UnixMicros(i64::MAX / 2)).await.expect("prunes") {}
    assert_eq!(store.last_use(&key).await.expect("reads"), last);
}
