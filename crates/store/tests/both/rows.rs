//! A record comes out of the ledger as it went in, column by column.

use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Opened, Outcome, Passed, Record, Settled, Who};
use domain::time::UnixMicros;
use domain::usage::{Usage, UsageSource};
use journal::Batch;

use crate::home::{Home, on_both};

on_both![
    every_value_stands_in_its_column,
    a_zero_byte_in_a_name_keeps_nothing_out_of_the_ledger,
];

fn opened(sequence: u64) -> Opened {
    Opened {
        ticket: TicketId {
            generation: 1,
            core: 2,
            sequence,
        },
        at: UnixMicros(11),
        tenant: "a-tenant".into(),
        key: "a-key".into(),
        operation: "chat".into(),
        model: "a-model".into(),
        reserved_tokens: 0,
        asked: None,
        who: None,
        from: Some([192, 0, 2, 7].into()),
    }
}

fn plain(sequence: u64) -> Settled {
    Settled {
        duration_us: 12,
        first_content_us: Some(13),
        streamed: true,
        provider: Some("a-provider".into()),
        deployment: Some("a-deployment".into()),
        answered_model: Some("an-answered-model".into()),
        attempts: 14,
        outcome: Outcome::Complete,
        status: 200,
        usage: Usage {
            input: 15,
            output: 16,
            ..Usage::default()
        },
        usage_source: UsageSource::Estimated,
        cost: Some(NanoUsd(17)),
        ..journal::lost(&opened(sequence))
    }
}

fn special(sequence: u64) -> Settled {
    Settled {
        error: Some("an-error".to_owned()),
        usage: Usage {
            input: 21,
            cached_input: 22,
            cache_write: 23,
            audio_input: 24,
            output: 25,
            reasoning: 26,
            audio_output: 27,
            cache_write_1h: 30,
        },
        price_missing: true,
        cache_hit: true,
        saved: Some(NanoUsd(28)),
        findings: vec![("a-guard".to_owned(), 29)],
        passed: Some(Passed {
            bytes_in: 31,
            bytes_out: 32,
        }),
        who: Some(Box::new(Who {
            team: Some("a-team".into()),
            app: Some("an-app".into()),
            user: Some("a-user".into()),
            end_user: Some("an-end-user".to_owned()),
            session: Some("a-session".to_owned()),
            tags: vec![("a-tag".to_owned(), "a-value".to_owned())],
            degraded_from: Some("a-dear-model".into()),
            overrun: true,
        })),
        ..plain(sequence)
    }
}

/// The rows, each as `column=value …`, without tickets.
/// A row but for its number, which is the database's own.
fn without_number(row: String) -> String {
    let rest = row.split(' ').filter(|it| !it.starts_with("seq="));
    rest.collect::<Vec<_>>().join(" ")
}

async fn rows(home: &Home, records: Vec<Settled>) -> Vec<String> {
    let store = home.open().await;
    let batch = Batch {
        records: records
            .into_iter()
            .map(|record| Record::Settled(Box::new(record)))
            .collect(),
        ..Batch::default()
    };
    store.carry(&batch).await.expect("carries");
    store.close().await;
    let rows = home.rows("SELECT * FROM requests ORDER BY ticket").await;
    let rows = rows.into_iter().map(without_number);
    let rest = |row: String| row.split_once("] ").expect("a ticket").1.to_owned();
    rows.into_iter().map(rest).collect()
}

async fn every_value_stands_in_its_column(home: &Home) {
    // More than one statement of each kind, mixed.
    let mut records = Vec::new();
    for sequence in 0..300 {
        records.push(plain(2 * sequence));
        records.push(special(2 * sequence + 1));
    }
    let rows = rows(home, records).await;
    assert_eq!(rows.len(), 600);
    let head = "opened_at=11 duration_us=12 first_content_us=13 tenant=a-tenant key_id=a-key \
                operation=chat streamed=1 model=a-model provider=a-provider \
                deployment=a-deployment answered_model=an-answered-model attempts=14 \
                outcome=complete status=200";
    let plain = format!(
        "{head} error=NULL input=15 cached_input=0 cache_write=0 audio_input=0 output=16 \
         reasoning=0 audio_output=0 usage_source=estimated cost=17 price_missing=0 cache_hit=0 \
         saved=NULL findings=[] cache_write_1h=0 bytes_in=NULL bytes_out=NULL team=NULL app=NULL user_id=NULL \
         end_user=NULL session=NULL tags=NULL degraded_from=NULL overrun=0 booked_at=NULL \
         from_address=192.0.2.7 \
         audit_log=NULL audit_record=NULL"
    );
    let special = format!(
        "{head} error=an-error input=21 cached_input=22 cache_write=23 audio_input=24 output=25 \
         reasoning=26 audio_output=27 usage_source=estimated cost=17 price_missing=1 cache_hit=1 \
         saved=28 findings=[[\"a-guard\",29]] cache_write_1h=30 bytes_in=31 bytes_out=32 team=a-team app=an-app user_id=a-user \
         end_user=an-end-user session=a-session tags={{\"a-tag\":\"a-value\"}} \
         degraded_from=a-dear-model overrun=1 booked_at=NULL from_address=192.0.2.7 audit_log=NULL \
         audit_record=NULL"
    );
    for (at, row) in rows.iter().enumerate() {
        let expected = [&plain, &special][at % 2];
        assert_eq!(row, expected);
    }
}

async fn a_zero_byte_in_a_name_keeps_nothing_out_of_the_ledger(home: &Home) {
    let named = Settled {
        answered_model: Some("a\0b".into()),
        error: Some("c\0".to_owned()),
        ..plain(1)
    };
    let opened = Opened {
        model: "d\0".into(),
        ..opened(2)
    };
    let store = home.open().await;
    let batch = Batch {
        records: vec![Record::Settled(Box::new(named)), Record::Opened(opened)],
        ..Batch::default()
    };
    store.carry(&batch).await.expect("carries");
    store.carry(&batch).await.expect("carries");
    assert_eq!(store.conflicts(), 0, "it says the same");
}
