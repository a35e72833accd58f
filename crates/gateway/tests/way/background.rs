//! Responses whose clients do not wait: begun, asked after, followed, stopped.

use std::time::Duration;

use domain::record::Outcome;
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, response, usual_of_responses};
use crate::stage::{Answer, Ask, KEY, Stage, play_live, usual};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(3600);

pub(crate) fn about(method: &'static str, id: &str, rest: &str) -> Ask {
    Ask::to(method, &format!("/v1/responses/{id}{rest}"), "").key(KEY)
}

pub(crate) fn asked(more: &Value) -> Ask {
    let mut body = json!({"model":"m","input":"Hi","background":true});
    for (key, value) in more.as_object().expect("members") {
        body[key] = value.clone();
    }
    create(&body)
}

/// Begins one; its id.
pub(crate) async fn begun(stage: &Stage, more: &Value) -> String {
    let answer = stage.ask(asked(more)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let queued = answer.json();
    assert_eq!(queued["status"], "queued", "{queued}");
    assert_eq!(
        (&queued["background"], &queued["output"]),
        (&json!(true), &json!([]))
    );
    queued["id"].as_str().expect("an id").to_owned()
}

/// How it stands once it stands so.
pub(crate) async fn once(stage: &Stage, id: &str, status: &str) -> Value {
    for _ in 0..500 {
        let answer = stage.ask(about("GET", id, "")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        if answer["status"] == status {
            return answer;
        }
        assert_eq!(answer["status"], "in_progress", "{answer}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} is never {status}");
}

/// The numbers of a stream's events, and the name of the last.
fn told(answer: &Answer) -> (Vec<u64>, String) {
    let events = testkit::openai::read_sse(&answer.body);
    let events: Vec<Value> = events
        .iter()
        .map(|data| serde_json::from_str(data).expect("JSON"))
        .collect();
    let numbers = events.iter().map(|event| event["sequence_number"].as_u64());
    let last = events.last().map(|event| event["type"].to_string());
    (
        numbers.map(|number| number.expect("a number")).collect(),
        last.unwrap_or_default().trim_matches('"').to_owned(),
    )
}

#[test]
fn it_is_queued_at_once_and_completed_under_the_same_id() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("One.").delay_head(Duration::from_millis(100)),
            Reply::chat("Two."),
        ]);
        let stage = Stage::keeping(usual(&fake));
        let id = begun(&stage, &json!({"metadata":{"a":"b"}})).await;
        let items = stage.ask(about("GET", &id, "/input_items")).await.json();
        assert_eq!(items["data"][0]["content"][0]["text"], "Hi");
        let next = json!({"model":"m","input":"And?","previous_response_id":id});
        let refused = stage.ask(create(&next)).await;
        refused.refusal(400);
        assert_eq!(refused.json()["error"]["param"], "previous_response_id");
        assert!(refused.text().contains("in progress"), "{}", refused.text());
        let done = once(&stage, &id, "completed").await;
        assert_eq!(done["output"][0]["content"][0]["text"], "One.");
        assert_eq!(
            (&done["id"], &done["background"]),
            (&json!(id), &json!(true))
        );
        assert_eq!(done["metadata"], json!({"a":"b"}));
        let sent = fake.last_request().json();
        assert!(
            sent.get("background").is_none() && sent.get("store").is_none(),
            "{sent}"
        );
        let second = stage.ask(create(&next)).await.json();
        assert_eq!(second["output"][0]["content"][0]["text"], "Two.");
        assert_eq!(
            fake.last_request().json()["messages"]
                .as_array()
                .map(Vec::len),
            Some(3)
        );
        let same = stage.ask(about("POST", &id, "/cancel")).await.json();
        assert_eq!(same, done, "what is over stays as it is");
        let records = stage.settled(3).await;
        let outcomes = records.iter().map(|record| record.outcome);
        let complete = outcomes.filter(|outcome| *outcome == Outcome::Complete);
        assert_eq!(complete.count(), 2);
    });
}

#[test]
fn cancelling_stops_the_upstream_at_once_and_twice_is_once() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::hang(),
            Reply::chat_stream(&["One", "two"]).delay_between(LONG),
        ]);
        let stage = Stage::keeping(usual(&fake));
        for (count, more) in [(1, json!({})), (2, json!({"stream":true}))] {
            let id = match count {
                1 => begun(&stage, &more).await,
                _ => {
                    let mut stream = stage.begin(asked(&more)).await;
                    let first = stream.piece().await.expect("events");
                    id_in(&first)
                }
            };
            fake.until(|fake| fake.running() == 1).await;
            let cancelled = stage.ask(about("POST", &id, "/cancel")).await;
            assert_eq!(cancelled.status, 200, "{}", cancelled.text());
            assert_eq!(cancelled.json()["status"], "cancelled");
            fake.until(|fake| fake.cancelled() == count).await;
            let again = stage.ask(about("POST", &id, "/cancel")).await;
            assert_eq!(again.json(), cancelled.json());
            assert_eq!(once(&stage, &id, "cancelled").await, cancelled.json());
            let stream = stage.ask(about("GET", &id, "?stream=true")).await;
            assert_eq!(told(&stream).1, "response.cancelled");
        }
        for record in stage.settled(2).await {
            assert_eq!((record.outcome, record.status), (Outcome::ClientLeft, 499));
        }
    });
}

/// The answer's id in the first events of a stream.
fn id_in(events: &[u8]) -> String {
    let data = testkit::openai::read_sse(events);
    let first: Value = serde_json::from_str(&data[0]).expect("JSON");
    assert_eq!(first["type"], "response.created");
    let id = first["response"]["id"].as_str();
    id.expect("an id").to_owned()
}

#[test]
fn who_leaves_a_stream_stops_nothing_and_goes_on_where_it_was() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let words = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let reply = Reply::chat_stream(&words).delay_between(Duration::from_millis(20));
        fake.script(vec![reply]);
        let stage = Stage::keeping(usual(&fake));
        let mut stream = stage.begin(asked(&json!({"stream":true}))).await;
        let id = id_in(&stream.piece().await.expect("events"));
        drop(stream);
        let live = stage
            .ask(about("GET", &id, "?stream=true&starting_after=1"))
            .await;
        let (numbers, last) = told(&live);
        assert_eq!(last, "response.completed");
        let wanted: Vec<u64> = (2..2 + numbers.len() as u64).collect();
        assert_eq!(numbers, wanted, "without a gap");
        let done = once(&stage, &id, "completed").await;
        assert_eq!(done["output"][0]["content"][0]["text"], words.concat());
        let whole = stage.ask(about("GET", &id, "?stream=true")).await;
        let (all, last) = told(&whole);
        assert_eq!(
            (all.len(), &*last),
            (numbers.len() + 2, "response.completed")
        );
        assert!(whole.text().ends_with(live.text()), "as it was");
        let rest = format!("?stream=true&starting_after={}", numbers.len());
        let rest = stage.ask(about("GET", &id, &rest)).await;
        assert_eq!(told(&rest).0, [numbers.len() as u64 + 1]);
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::Complete);
    });
}

#[test]
fn one_that_does_not_stream_can_be_followed_too() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("One.").delay_head(Duration::from_millis(50)),
        ]);
        let stage = Stage::keeping(usual(&fake));
        let id = begun(&stage, &json!({})).await;
        let live = stage.ask(about("GET", &id, "?stream=true")).await;
        let (numbers, last) = told(&live);
        assert_eq!(
            (numbers, &*last),
            (vec![0, 1, 2, 3, 4, 5], "response.completed")
        );
        let later = stage.ask(about("GET", &id, "?stream=true")).await;
        let ends = |answer: &Answer| {
            let events = testkit::openai::read_sse(&answer.body);
            events[3..].to_vec()
        };
        assert_eq!(ends(&later), ends(&live));
    });
}

#[test]
fn a_provider_of_the_same_dialect_is_asked_as_if_the_client_waited() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![response("resp_u1", "One.")]);
        let stage = Stage::keeping(usual_of_responses(&fake));
        let id = begun(&stage, &json!({})).await;
        assert_ne!(id, "resp_u1");
        let done = once(&stage, &id, "completed").await;
        assert_eq!((&done["id"], &done["store"]), (&json!(id), &json!(true)));
        assert_eq!(done["output"][0]["content"][0]["text"], "One.");
        let sent = fake.last_request().json();
        assert_eq!(sent["store"], false, "{sent}");
        assert!(sent.get("background").is_none(), "{sent}");
    });
}

#[test]
fn what_runs_counts_among_a_keys_parallel_requests_but_may_be_asked_after() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::hang(), Reply::chat("Two.")]);
        let limits = Limits {
            parallel_requests: Some(1),
            ..Limits::default()
        };
        let scene = Scene::new().provider(&fake).key(KEY, limits).model("m");
        let stage = Stage::keeping(scene);
        let id = begun(&stage, &json!({})).await;
        assert_eq!(stage.ask(asked(&json!({}))).await.status, 429);
        assert_eq!(stage.ask(about("GET", &id, "")).await.status, 200);
        let cancelled = stage.ask(about("POST", &id, "/cancel")).await;
        assert_eq!(cancelled.json()["status"], "cancelled");
        let second = begun(&stage, &json!({})).await;
        once(&stage, &second, "completed").await;
    });
}
