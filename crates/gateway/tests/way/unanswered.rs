//! What is booked of a request that nobody answered: its prompt, where somebody
//! may have worked on it, and nothing where nobody can have.

use std::time::Duration;

use bytes::Bytes;
use domain::record::{Outcome, Settled};
use domain::usage::UsageSource;
use testkit::fake::closed_address;
use testkit::openai::{chat_request, stream_request};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::passing;
use crate::stage::{Ask, KEY, Stage, begun, play, usual};

/// A prompt of some tokens, plain and streamed.
const PROMPT: &str = "How many tokens are these?";

fn once(scene: Scene) -> Stage {
    Stage::open(scene.adjust(|snapshot| snapshot.retry.retries = 0))
}

/// The record of a request to an upstream that replies like this, once.
async fn record(reply: Reply, request: Bytes) -> Settled {
    let fake = FakeProvider::start().await;
    fake.always(reply);
    let stage = once(usual(&fake));
    let answer = stage.ask(Ask::chat(request)).await;
    assert!(answer.status >= 500, "{}", answer.text());
    stage.settled(1).await.remove(0)
}

#[track_caller]
fn has_prompt(record: &Settled) {
    let usage = record.usage;
    assert!(usage.input > 0 && usage.completion() == 0, "{record:?}");
    assert_eq!(record.usage_source, UsageSource::Estimated, "{record:?}");
    // A dollar for a million tokens.
    let cost = record.cost.map(|cost| cost.0);
    assert_eq!(cost, Some(usage.input as i64 * 1_000), "{record:?}");
}

#[track_caller]
fn has_nothing(record: &Settled) {
    assert_eq!(record.usage.total(), 0, "{record:?}");
    assert_eq!(record.usage_source, UsageSource::None, "{record:?}");
    assert_eq!(record.cost, None, "{record:?}");
}

#[test]
fn who_fell_silent_or_broke_has_the_prompt() {
    play(async || {
        let plain = [
            Reply::hang(),
            Reply::chat("x").then_hang(),
            Reply::chat("x").reset_after(0),
            Reply::chat("x").reset_after(20),
            Reply::chat("x").truncate_after(20),
            Reply::json("no JSON"),
            Reply::json("{}"),
            Reply::chat("x").header("content-encoding", "gzip"),
        ];
        for reply in plain {
            has_prompt(&record(reply, chat_request("m", PROMPT)).await);
        }
        for reply in [
            Reply::hang(),
            Reply::sse([""; 0]),
            Reply::sse([r#"{"id": oops"#]),
            Reply::sse(["[DONE]"]),
            begun("x").reset_after(10),
        ] {
            has_prompt(&record(reply, stream_request("m", PROMPT)).await);
        }
    });
}

#[test]
fn who_refused_or_was_not_reached_has_nothing() {
    play(async || {
        let error = r#"{"error":{"message":"no","type":"server_error","code":null}}"#;
        for reply in [
            Reply::status(500),
            Reply::status(503),
            Reply::status(307).header("location", "/"),
            Reply::json(error),
        ] {
            has_nothing(&record(reply, chat_request("m", PROMPT)).await);
        }
        has_nothing(&record(Reply::error_in_stream(&[]), stream_request("m", PROMPT)).await);
        let scene = Scene::new().provider_at("gone", closed_address());
        let stage = once(scene.key(KEY, Limits::default()).model("m"));
        let answer = stage.ask(Ask::chat(chat_request("m", PROMPT))).await;
        assert_eq!(answer.status, 502);
        has_nothing(&stage.settled(1).await[0]);
    });
}

/// The model `m` at `a`, then at an address where nobody listens.
fn then_nobody(a: &FakeProvider) -> Scene {
    Scene::new()
        .provider_at("a", a.address())
        .provider_at("gone", closed_address())
        .key(KEY, Limits::default())
        .model_at("m", &["a", "gone"])
}

#[test]
fn the_prompt_stays_booked_when_others_cannot_be_reached_and_is_not_beside_an_answer() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::json("no JSON"),
            Reply::json("no JSON"),
            Reply::chat("x"),
        ]);
        let scene = then_nobody(&fake).adjust(|snapshot| snapshot.retry.retries = 1);
        let stage = Stage::open(scene);
        let failed = stage.ask(Ask::chat(chat_request("m", PROMPT))).await;
        assert_eq!(failed.status, 502);
        has_prompt(&stage.settled(1).await[0]);
        stage.shared.snapshot.rcu(|snapshot| {
            let mut snapshot = (**snapshot).clone();
            snapshot.retry.retries = 2;
            snapshot
        });
        let answer = stage.ask(Ask::chat(chat_request("m", PROMPT))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let ended = stage.settled(2).await;
        assert_eq!(ended[1].usage_source, UsageSource::Provider);
        let said = &answer.json()["usage"];
        assert_eq!(said["prompt_tokens"], ended[1].usage.input);
        assert_eq!(ended[1].attempts, 3);
    });
}

#[test]
fn who_leaves_between_two_attempts_leaves_the_prompt() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("no JSON"));
        let scene = usual(&fake).adjust(|snapshot| {
            snapshot.retry.retries = 3;
            snapshot.retry.backoff = Duration::from_secs(60);
            snapshot.retry.max_backoff = Duration::from_secs(60);
        });
        let stage = Stage::open(scene.with(|it| it.timeouts.total = Duration::from_secs(600)));
        let asking = stage.ask(Ask::chat(chat_request("m", PROMPT)));
        let left = tokio::time::timeout(Duration::from_secs(5), asking).await;
        assert!(left.is_err(), "it waits");
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.outcome, Outcome::ClientLeft);
        has_prompt(&record);
    });
}

#[test]
fn nobody_counts_what_passed_through_to_one_who_broke() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("x").reset_after(0), Reply::status(401)]);
        let stage = Stage::open(passing::open(&fake));
        for _ in 0..2 {
            let ask = Ask::to("POST", "/providers/fake/v1/images", "x").key(KEY);
            assert_eq!(stage.ask(ask).await.status, 502);
        }
        let ended = stage.settled(2).await;
        let sources: Vec<_> = ended.iter().map(|it| it.usage_source).collect();
        assert_eq!(sources, [UsageSource::Unmetered, UsageSource::None]);
    });
}
