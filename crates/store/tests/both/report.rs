//! Reports: however they are told apart, they come to what the rows come to.

use domain::calendar::Period;
use domain::money::NanoUsd;
use domain::record::{Outcome, Record, Settled, Who};
use domain::time::UnixMicros;
use domain::usage::{Usage, UsageSource};
use journal::Batch;
use store::{Dimension, Sum};

use crate::home::{Home, on_both};
use crate::ledger::opened;

on_both![
    every_grouping_comes_to_the_same_sum,
    a_tag_is_told_apart_whatever_stands_beside_it,
    nothing_in_a_time_is_nothing,
];

fn by(names: &str) -> Vec<Dimension> {
    let names = names.split(',').filter(|it| !it.is_empty());
    names.map(|it| it.parse().expect(it)).collect()
}

fn row(sequence: u64) -> Settled {
    let who = Who {
        team: (!sequence.is_multiple_of(3))
            .then(|| format!("team_{}", sequence % 3).as_str().into()),
        end_user: sequence
            .is_multiple_of(2)
            .then(|| format!("user {}", sequence % 5)),
        tags: vec![
            (
                "env".to_owned(),
                ["test", "prod"][(sequence % 2) as usize].to_owned(),
            ),
            ("ticket".to_owned(), sequence.to_string()),
        ],
        overrun: sequence.is_multiple_of(7),
        ..Who::default()
    };
    Settled {
        outcome: Outcome::Complete,
        opened: UnixMicros(1_000 + sequence as i64),
        model: Some(["a", "b"][(sequence % 2) as usize].into()),
        provider: Some("p".into()),
        usage: Usage {
            input: sequence,
            cached_input: 2 * sequence,
            cache_write_1h: 3,
            output: 5,
            ..Usage::default()
        },
        usage_source: [UsageSource::Provider, UsageSource::Estimated][(sequence % 2) as usize],
        cost: (!sequence.is_multiple_of(4)).then_some(NanoUsd(100 + sequence as i64)),
        price_missing: sequence.is_multiple_of(4),
        saved: sequence.is_multiple_of(5).then_some(NanoUsd(7)),
        who: Some(Box::new(who)),
        ..journal::lost(&opened(7, sequence))
    }
}

async fn kept(home: &Home) -> store::Store {
    let store = home.open().await;
    let records = (1..=60).map(|it| Record::Settled(Box::new(row(it))));
    let batch = Batch {
        records: records.collect(),
        ..Batch::default()
    };
    store.carry(&batch).await.expect("carries");
    store
}

fn of(start: i64, end: i64) -> Period {
    Period {
        start: UnixMicros(start),
        end: UnixMicros(end),
    }
}

async fn every_grouping_comes_to_the_same_sum(home: &Home) {
    let store = kept(home).await;
    let mut expected = Sum::default();
    for row in (1..=60).map(row) {
        expected.add(&Sum {
            requests: 1,
            usage: row.usage,
            cost: row.cost.unwrap_or_default(),
            saved: row.saved.unwrap_or_default(),
            unpriced: u64::from(row.price_missing),
            estimated: u64::from(row.usage_source == UsageSource::Estimated),
            overrun: u64::from(row.who.is_some_and(|who| who.overrun)),
        });
    }
    for names in [
        "",
        "tenant",
        "team",
        "end_user,model",
        "key,provider,tag:env",
        "tag:ticket",
        "outcome,usage_source",
    ] {
        let report = store
            .report(of(0, 10_000), &by(names))
            .await
            .expect("reads");
        let mut sum = Sum::default();
        report.rows.iter().for_each(|(_, one)| sum.add(one));
        assert_eq!(sum, expected, "{names}");
    }
    let teams = store
        .report(of(0, 10_000), &by("team"))
        .await
        .expect("reads")
        .rows;
    assert_eq!(teams.len(), 3, "two, and those of none");
    assert!(teams.iter().any(|(key, _)| key[0].is_none()));
}

async fn a_tag_is_told_apart_whatever_stands_beside_it(home: &Home) {
    let store = kept(home).await;
    let report = store
        .report(of(0, 10_000), &by("tag:env"))
        .await
        .expect("reads")
        .rows;
    let counts: Vec<_> = report
        .iter()
        .map(|(key, sum)| (key[0].as_deref(), sum.requests))
        .collect();
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!(counts.contains(&(Some("test"), 30)) && counts.contains(&(Some("prod"), 30)));
    let none = store
        .report(of(0, 10_000), &by("tag:none"))
        .await
        .expect("reads")
        .rows;
    assert_eq!((none.len(), none[0].0[0].clone()), (1, None));
}

async fn nothing_in_a_time_is_nothing(home: &Home) {
    let store = kept(home).await;
    for names in ["", "team"] {
        let report = store
            .report(of(5_000, 10_000), &by(names))
            .await
            .expect("reads");
        assert_eq!(report.rows, []);
    }
    let one = store
        .report(of(1_001, 1_002), &by(""))
        .await
        .expect("reads");
    assert_eq!(
        one.rows[0].1.requests, 1,
        "the end of a period is not in it"
    );
}
