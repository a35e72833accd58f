//! What is known of a request that was upstream when its process ended.

use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Asked, Opened, Outcome, Passed, Record, Settled};
use domain::time::UnixMicros;
use domain::usage::UsageSource;
use journal::Batch;
use store::Store;

use crate::home::{Home, on_both};

on_both![
    its_row_says_whom_it_was_sent_to_last_and_counts_the_prompt,
    what_passed_through_says_how_much_of_it_had_passed,
    one_that_passed_through_and_ended_is_open_no_more,
    one_that_was_sent_to_two_and_ended_is_open_no_more,
    a_row_that_did_not_say_it_yet_is_ended_too,
];

struct Scene<'a> {
    home: &'a Home,
    store: Store,
}

impl<'a> Scene<'a> {
    async fn new(home: &'a Home) -> Self {
        let store = home.open().await;
        Self { home, store }
    }

    async fn carry(&self, records: Vec<Record>) {
        let batch = Batch {
            records,
            ..Batch::default()
        };
        self.store.carry(&batch).await.expect("carries");
    }

    /// Ends what earlier processes left open.
    async fn restart(&self) {
        let batch = Batch {
            alive: Some(9),
            ..Batch::default()
        };
        self.store.carry(&batch).await.expect("carries");
    }
}

fn opened(provider: &str, attempts: u32) -> Opened {
    Opened {
        ticket: TicketId {
            generation: 7,
            core: 0,
            sequence: 1,
        },
        at: UnixMicros(1),
        tenant: "default".into(),
        key: "key_1".into(),
        operation: "chat".into(),
        model: "m".into(),
        reserved_tokens: 10,
        who: None,
        from: None,
        asked: Some(Asked {
            streamed: true,
            provider: provider.into(),
            deployment: format!("{provider}/m").into(),
            attempts,
            prompt: 12,
            usage_source: UsageSource::Estimated,
            cost: Some(NanoUsd(34)),
            passed: None,
        }),
    }
}

const FACTS: &str = "SELECT outcome || ' ' || provider || ' ' || deployment || ' ' || attempts \
     || ' ' || streamed || ' ' || input || ' ' || usage_source || ' ' || cost || ' ' \
     || price_missing FROM requests";

async fn its_row_says_whom_it_was_sent_to_last_and_counts_the_prompt(home: &Home) {
    let scene = Scene::new(home).await;
    scene.carry(vec![Record::Opened(opened("a", 1))]).await;
    scene.carry(vec![Record::Opened(opened("b", 2))]).await;
    scene.restart().await;
    let rows = scene.home.texts(FACTS).await;
    assert_eq!(rows, ["lost b b/m 2 1 12 estimated 34 0"]);
}

async fn what_passed_through_says_how_much_of_it_had_passed(home: &Home) {
    let scene = Scene::new(home).await;
    for (bytes_in, bytes_out) in [(0, 0), (5, 0), (5, 9)] {
        let mut record = opened("a", 1);
        record.asked.as_mut().expect("asked").passed = Some(Passed {
            bytes_in,
            bytes_out,
        });
        scene.carry(vec![Record::Opened(record)]).await;
    }
    scene.restart().await;
    let facts =
        "SELECT outcome || ' ' || provider || ' ' || bytes_in || ' ' || bytes_out FROM requests";
    assert_eq!(scene.home.texts(facts).await, ["lost a 5 9"]);
}

async fn one_that_passed_through_and_ended_is_open_no_more(home: &Home) {
    let scene = Scene::new(home).await;
    let mut record = opened("a", 1);
    record.asked.as_mut().expect("asked").passed = Some(Passed::default());
    scene.carry(vec![Record::Opened(record.clone())]).await;
    let end = Record::Settled(Box::new(Settled {
        outcome: Outcome::Complete,
        ..journal::lost(&record)
    }));
    scene.carry(vec![Record::Opened(record), end]).await;
    let open = scene.home.texts("SELECT record FROM open_requests").await;
    assert_eq!(open, [""; 0]);
}

async fn one_that_was_sent_to_two_and_ended_is_open_no_more(home: &Home) {
    let scene = Scene::new(home).await;
    scene.carry(vec![Record::Opened(opened("a", 1))]).await;
    let again = opened("b", 2);
    let settled = Settled {
        outcome: Outcome::Complete,
        ..journal::lost(&again)
    };
    let end = Record::Settled(Box::new(settled));
    scene.carry(vec![Record::Opened(again), end]).await;
    let open = scene.home.texts("SELECT record FROM open_requests").await;
    assert_eq!(open, [""; 0]);
}

async fn a_row_that_did_not_say_it_yet_is_ended_too(home: &Home) {
    let scene = Scene::new(home).await;
    let record = Opened {
        asked: None,
        who: None,
        from: None,
        ..opened("a", 1)
    };
    let text = serde_json::to_string(&record).expect("a text");
    let ticket = home.bytes(&record.ticket.to_bytes());
    let insert = format!("INSERT INTO open_requests (ticket, record) VALUES ({ticket}, '{text}')");
    home.run(&insert).await;
    // Written before there were nodes: of the only one there was.
    home.run(&format!(
        "UPDATE open_requests SET node = '{}'",
        home.node()
    ))
    .await;
    scene.restart().await;
    let rows = scene
        .home
        .texts("SELECT outcome || model || input FROM requests")
        .await;
    assert_eq!(rows, ["lostm0"]);
}
