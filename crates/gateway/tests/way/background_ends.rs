//! Responses in the background that are refused, fail, or are lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use domain::guard::Action;
use domain::ids::KeyId;
use domain::record::Outcome;
use domain::time::UnixMicros;
use domain::turns::{Turn, Turns as _, Work};
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply};

use crate::background::{about, asked, begun, once};
use crate::doubles::{BOTH, Remembers, guarded};
use crate::responses::create;
use crate::stage::{Stage, play_live, usual};

#[test]
fn what_cannot_be_kept_is_refused_before_anybody_is_asked() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::keeping(usual(&fake));
        let refused = stage.ask(asked(&json!({"store":false}))).await;
        refused.refusal(400);
        assert_eq!(refused.json()["error"]["param"], "store");
        let nothing = usual(&fake).adjust(|s| s.turns.keep = Duration::ZERO);
        let refused = Stage::keeping(nothing).ask(asked(&json!({}))).await;
        refused.refusal(400);
        assert_eq!(refused.json()["error"]["param"], "background");
        let none = usual(&fake).adjust(|s| s.turns.background = 0);
        let refused = Stage::keeping(none).ask(asked(&json!({}))).await;
        refused.refusal(400);
        assert_eq!(refused.json()["error"]["param"], "background");
        let small = usual(&fake).adjust(|s| s.turns.max_bytes = 10);
        let refused = Stage::keeping(small).ask(asked(&json!({}))).await;
        assert_eq!(refused.refusal(413), "request_too_large");
        let stage = Stage::open(usual(&fake));
        let away = stage.ask(asked(&json!({"stream":true}))).await;
        assert_eq!(away.refusal(503), "server_is_overloaded");
        assert_eq!(away.header("retry-after"), "1");
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::Refused);
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn as_many_run_as_may_and_no_more() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::hang());
        let stage = Stage::keeping(usual(&fake).adjust(|s| s.turns.background = 1));
        let id = begun(&stage, &json!({})).await;
        let refused = stage.ask(asked(&json!({}))).await;
        assert_eq!(refused.refusal(503), "server_is_overloaded");
        assert!(!refused.header("retry-after").is_empty());
        let gone = stage.ask(about("DELETE", &id, "")).await.json();
        assert_eq!(gone["deleted"], true);
        fake.until(|fake| fake.cancelled() == 1).await;
        assert_eq!(stage.ask(about("GET", &id, "")).await.status, 404);
        begun(&stage, &json!({})).await;
    });
}

#[test]
fn a_failure_is_an_answer_that_says_why() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::status(401),
            Reply::status(401),
            Reply::error_in_stream(&["One."]),
        ]);
        let stage = Stage::keeping(usual(&fake));
        let id = begun(&stage, &json!({})).await;
        let failed = once(&stage, &id, "failed").await;
        assert_eq!(failed["id"], json!(id));
        assert!(failed["error"]["code"].is_string(), "{failed}");
        assert!(failed["error"]["message"].is_string(), "{failed}");
        let next = json!({"model":"m","input":"And?","previous_response_id":id});
        let refused = stage.ask(create(&next)).await;
        refused.refusal(400);
        assert!(refused.text().contains("is failed"), "{}", refused.text());
        for broken in [json!({"stream":true}), json!({"stream":true})] {
            let stream = stage.ask(asked(&broken)).await;
            let events = testkit::openai::read_sse(&stream.body);
            let event = |at: usize| -> Value { serde_json::from_str(&events[at]).expect("JSON") };
            let last = event(events.len() - 1);
            assert_eq!(last["type"], "response.failed", "{last}");
            assert_eq!(last["sequence_number"], json!(events.len() - 1));
            let id = last["response"]["id"].as_str().expect("an id");
            assert_eq!(once(&stage, id, "failed").await, last["response"]);
            assert!(!stream.text().contains("event: error"), "{}", stream.text());
        }
        for record in stage.settled(4).await {
            assert_ne!(record.outcome, Outcome::Complete);
        }
    });
}

#[test]
fn guards_read_it_on_both_ways() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("secret"),
            Reply::chat_stream(&["sec", "ret"]),
        ]);
        let scene = usual(&fake).policy(guarded("secret", Action::Block, BOTH));
        let stage = Stage::keeping(scene);
        let refused = stage.ask(asked(&json!({"input":"a secret"}))).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert_eq!(fake.count(), 0);
        let id = begun(&stage, &json!({})).await;
        let failed = once(&stage, &id, "failed").await;
        assert!(!failed.to_string().contains("secret"), "{failed}");
        let stream = stage.ask(asked(&json!({"stream":true}))).await;
        assert!(
            stream.text().contains("event: response.failed\n"),
            "{}",
            stream.text()
        );
        assert!(!stream.text().contains("\"sec"), "{}", stream.text());
    });
}

/// A turn of this key as another process left it.
fn left(owner: &KeyId, id: &str, work: Work) -> Turn {
    let answer = json!({"id":id,"object":"response","status":"in_progress","error":null,
        "background":true,"output":[]});
    Turn {
        id: id.to_owned(),
        owner: owner.clone(),
        previous: None,
        created: UnixMicros(0),
        expires: UnixMicros(i64::MAX),
        provider: String::new(),
        deployment: String::new(),
        is_there: false,
        input: "[]".into(),
        answer: answer.to_string().into(),
        work,
        events: Bytes::new(),
    }
}

#[test]
fn what_another_process_works_on_is_told_stopped_or_failed_as_it_stands() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("One.")]);
        let turns = Arc::new(Remembers::default());
        let stage = Stage::with(usual(&fake), Arc::clone(&turns) as _);
        let own = begun(&stage, &json!({})).await;
        once(&stage, &own, "completed").await;
        let owner = turns.owner(&own);
        // The stage's generation is 1.
        for (id, work) in [
            ("resp_runs", Work::Runs(2)),
            ("resp_lost", Work::Lost),
            ("resp_forgotten", Work::Runs(1)),
        ] {
            let kept = turns.keep(left(&owner, id, work)).get().await;
            kept.expect("kept");
        }
        once(&stage, "resp_runs", "in_progress").await;
        let following = stage.ask(about("GET", "resp_runs", "?stream=true&starting_after=40"));
        let cancelling = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            stage.ask(about("POST", "resp_runs", "/cancel")).await
        };
        let (followed, cancelled) = tokio::join!(following, cancelling);
        assert_eq!(cancelled.json()["status"], "cancelled");
        assert!(
            followed.text().contains("\"sequence_number\":41"),
            "{}",
            followed.text()
        );
        for id in ["resp_lost", "resp_forgotten"] {
            let failed = once(&stage, id, "failed").await;
            let message = failed["error"]["message"].as_str().expect("a sentence");
            assert!(message.contains("stopped"), "{message}");
            let same = stage.ask(about("POST", id, "/cancel")).await.json();
            assert_eq!(same, failed);
            let stream = stage.ask(about("GET", id, "?stream=true")).await;
            assert!(stream.text().contains("event: response.failed\n"));
        }
    });
}

#[test]
fn one_that_another_process_has_ended_is_worked_on_no_more() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::hang()]);
        let turns = Arc::new(Remembers::default());
        let stage = Stage::with(usual(&fake), Arc::clone(&turns) as _);
        let id = begun(&stage, &json!({})).await;
        fake.until(|fake| fake.running() == 1).await;
        turns.cancelled_elsewhere(&id);
        fake.until(|fake| fake.cancelled() == 1).await;
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::ClientLeft);
        once(&stage, &id, "cancelled").await;
    });
}

#[test]
fn an_answer_that_cannot_be_kept_at_once_is_kept_later() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("One.")]);
        let turns = Arc::new(Remembers::default());
        turns.refuses.store(2, Ordering::SeqCst);
        let stage = Stage::with(usual(&fake), Arc::clone(&turns) as _);
        let id = begun(&stage, &json!({})).await;
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::Complete);
        let done = once(&stage, &id, "completed").await;
        assert_eq!(done["output"][0]["content"][0]["text"], "One.");
        assert_eq!(turns.refuses.load(Ordering::SeqCst), 0);
        assert_eq!(fake.count(), 1, "nobody is asked again");
    });
}

#[test]
fn who_leaves_before_it_has_an_id_has_asked_for_nothing() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let turns = Arc::new(Remembers::slowly(Duration::from_secs(1)));
        let stage = Stage::with(usual(&fake), Arc::clone(&turns) as _);
        let brief = Duration::from_millis(50);
        let left = tokio::time::timeout(brief, stage.ask(asked(&json!({})))).await;
        assert!(left.is_err(), "it has an answer");
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::ClientLeft);
        assert_eq!((fake.count(), turns.count()), (0, 0));
    });
}
