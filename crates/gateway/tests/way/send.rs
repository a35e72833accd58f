//! Whom the gateway asks, how often, and what it tells them.

use std::time::Duration;

use domain::record::Outcome;
use testkit::fake::closed_address;
use testkit::openai::{chat_request, stream_request};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};
use tokio::time::Instant;

use crate::stage::{Ask, KEY, Stage, begun, play, usual};

fn ask() -> Ask {
    Ask::chat(chat_request("m", "x"))
}

/// The model `m` at `a`, then at `b`.
fn two(a: &FakeProvider, b: &FakeProvider) -> Scene {
    Scene::new()
        .provider_at("a", a.address())
        .provider_at("b", b.address())
        .key(KEY, Limits::default())
        .model_at("m", &["a", "b"])
}

#[test]
fn an_alias_and_a_providers_name_find_their_model() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(usual(&fake).alias("nick", "m"));
        for (name, upstream) in [("nick", "m"), ("fake/any/thing", "any/thing")] {
            let answer = stage.ask(Ask::chat(chat_request(name, "x"))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(fake.last_request().json()["model"], upstream);
            assert_eq!(answer.header("x-portcullis-provider"), "fake");
        }
        assert_eq!(fake.last_request().path, "/v1/chat/completions");
    });
}

#[test]
fn a_retry_keeps_to_retry_after_and_makes_one_record() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::status(500),
            Reply::status(429).retry_after(2),
            Reply::chat("x"),
        ]);
        let scene = usual(&fake).adjust(|s| s.retry.max_backoff = Duration::from_secs(5));
        let stage = Stage::open(scene);
        let started = Instant::now();
        let answer = stage.ask(ask()).await;
        assert_eq!(answer.status, 200);
        assert!(started.elapsed() >= Duration::from_secs(2));
        assert!(started.elapsed() < Duration::from_secs(3));
        assert_eq!(answer.header("x-portcullis-attempts"), "3");
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].attempts, 3);
        assert_eq!(settled[0].outcome, Outcome::Complete);
        assert_eq!(settled[0].usage.total(), 18);
    });
}

#[test]
fn a_failing_deployment_hands_over_to_the_next_at_once() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.always(Reply::status(503));
        b.always(Reply::chat("x"));
        let stage = Stage::open(two(&a, &b));
        let answer = stage.ask(ask()).await;
        assert_eq!(answer.header("x-portcullis-provider"), "b");
        assert_eq!((a.count(), b.count()), (1, 1));
    });
}

#[test]
fn a_failing_model_hands_over_to_its_fallback() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.always(Reply::status(500));
        b.always(Reply::chat("x"));
        let scene = Scene::new()
            .provider_at("a", a.address())
            .key(KEY, Limits::default())
            .model("m")
            .fallback("spare")
            .provider_at("b", b.address())
            .model("spare");
        let stage = Stage::open(scene);
        let answer = stage.ask(ask()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(b.last_request().json()["model"], "spare");
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].model.as_ref().expect("a model").as_str(), "m");
        assert_eq!(settled[0].provider.as_ref().expect("one").as_str(), "b");
    });
}

#[test]
fn a_clients_own_mistake_is_asked_once_and_handed_on() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::status(400));
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(ask()).await;
        answer.refusal(400);
        assert!(answer.text().contains("the fake says no"));
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn a_refused_account_is_not_shown_to_the_client() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::status(401));
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(ask()).await;
        assert_eq!(answer.refusal(502), "upstream_authentication");
        assert!(!answer.text().contains("the fake says no"));
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn nothing_is_tried_again_once_content_has_come() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        let whole = Reply::chat_stream(&["one", "two"]);
        a.script(vec![whole.reset_after(400)]);
        let stage = Stage::open(two(&a, &b));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert!(answer.text().contains("one"));
        assert!(answer.text().contains("\"error\""), "{}", answer.text());
        assert!(!answer.text().contains("[DONE]"));
        assert_eq!((a.count(), b.count()), (1, 0));
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::UpstreamBroke);
        assert_eq!(settled[0].attempts, 1);
    });
}

#[test]
fn an_error_before_any_content_is_tried_elsewhere() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.script(vec![Reply::error_in_stream(&[])]);
        b.script(vec![Reply::chat_stream(&["x"])]);
        let stage = Stage::open(two(&a, &b));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        assert_eq!((a.count(), b.count()), (1, 1));
    });
}

#[test]
fn a_silent_upstream_is_left_for_the_next() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.always(Reply::hang());
        b.always(Reply::chat("x"));
        let stage = Stage::open(two(&a, &b));
        let started = Instant::now();
        assert_eq!(stage.ask(ask()).await.status, 200);
        assert!(started.elapsed() >= Duration::from_secs(10));
        assert!(started.elapsed() < Duration::from_secs(14));
        a.until(|a| a.cancelled() == 1).await;
        assert_eq!(stage.settled(1).await[0].attempts, 2);
    });
}

#[test]
fn all_attempts_together_end_at_the_total_deadline() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::hang());
        let scene = usual(&fake).adjust(|s| s.retry.retries = 100);
        let stage = Stage::open(scene);
        let started = Instant::now();
        let answer = stage.ask(ask()).await;
        assert_eq!(answer.refusal(504), "upstream_timeout");
        assert!(started.elapsed() <= Duration::from_millis(30_100));
        fake.until(|fake| fake.running() == 0).await;
        assert_eq!(stage.settled(1).await[0].status, 504);
    });
}

#[test]
fn a_stream_that_falls_silent_ends_with_an_error() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(begun("a").then_hang());
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert!(answer.text().contains("\"error\""), "{}", answer.text());
        fake.until(|fake| fake.cancelled() == 1).await;
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::UpstreamBroke);
    });
}

#[test]
fn an_upstream_that_is_not_there_is_a_502() {
    play(async || {
        let scene = Scene::new()
            .provider_at("gone", closed_address())
            .key(KEY, Limits::default())
            .model("m");
        let stage = Stage::open(scene);
        let answer = stage.ask(ask()).await;
        assert_eq!(answer.refusal(502), "upstream_unreachable");
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::UpstreamFailed);
        assert_eq!(settled[0].error.as_deref(), Some("upstream_unreachable"));
        assert_eq!(settled[0].usage.total(), 0);
    });
}

#[test]
fn a_deployment_that_keeps_failing_rests() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.always(Reply::status(500));
        b.always(Reply::chat("x"));
        let stage = Stage::open(two(&a, &b));
        for _ in 0..10 {
            assert_eq!(stage.ask(ask()).await.status, 200);
        }
        assert_eq!((a.count(), b.count()), (3, 10));
        tokio::time::sleep(Duration::from_secs(31)).await;
        stage.ask(ask()).await;
        assert_eq!(a.count(), 4);
    });
}

#[test]
fn a_fallback_that_cannot_does_not_speak_for_the_resting_model() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        let long = "{\"error\":{\"message\":\"long\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}";
        a.script(vec![Reply::status(500); 3]);
        a.always(Reply::chat("x"));
        b.script(vec![Reply::chat("x"); 3]);
        b.always(Reply::json(long).with_status(400));
        let scene = Scene::new()
            .provider_at("a", a.address())
            .key(KEY, Limits::default())
            .model("m")
            .fallback("spare")
            .provider_at("b", b.address())
            .model("spare");
        let stage = Stage::open(scene);
        for _ in 0..4 {
            assert_eq!(stage.ask(ask()).await.status, 200);
        }
        assert_eq!((a.count(), b.count()), (4, 4));
    });
}

#[test]
fn weights_decide_how_often_a_deployment_is_first() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        a.always(Reply::chat("x"));
        b.always(Reply::chat("x"));
        let scene = two(&a, &b);
        let stage = Stage::open(scene);
        let mut snapshot = (**stage.shared.snapshot.load()).clone();
        for model in snapshot.models.values_mut() {
            let model = std::sync::Arc::make_mut(model);
            for (deployment, weight) in model.deployments.iter_mut().zip([3, 1]) {
                let deployment = std::sync::Arc::make_mut(deployment);
                (deployment.order, deployment.weight) = (0, weight);
            }
        }
        stage.shared.snapshot.store(snapshot.into());
        for _ in 0..100 {
            stage.ask(ask()).await;
        }
        assert!((60..90).contains(&a.count()), "{}", a.count());
        assert_eq!(a.count() + b.count(), 100);
    });
}

fn telling() -> Ask {
    ask()
        .with(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .with("baggage", "user=secret")
        .with("cookie", "a=b")
        .with("x-forwarded-for", "10.0.0.1")
        .with("connection", "x-hop")
        .with("x-hop", "1")
        .with("openai-organization", "org")
        .with("openai-beta", "assistants=v2")
}

#[test]
fn only_what_may_leave_the_house_reaches_the_upstream() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(
            Reply::chat("x")
                .header("set-cookie", "c=d")
                .header("connection", "close"),
        );
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(telling().with("x-api-key", KEY)).await;
        assert_eq!(answer.header("set-cookie"), "");
        assert_eq!(answer.header("connection"), "");
        let seen = fake.last_request();
        assert_eq!(seen.header("authorization"), "Bearer sk-upstream");
        assert_eq!(seen.header("openai-beta"), "assistants=v2");
        for name in [
            "traceparent",
            "baggage",
            "cookie",
            "x-forwarded-for",
            "x-hop",
            "x-api-key",
            "openai-organization",
        ] {
            assert_eq!(seen.header(name), "", "{name}");
        }
        assert!(!format!("{:?}", seen.headers).contains(KEY));
    });
}

#[test]
fn a_trace_goes_along_where_policy_says_so_and_baggage_never() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let scene = Scene::new()
            .provider(&fake)
            .with(|provider| provider.trace = true)
            .key(KEY, Limits::default())
            .model("m");
        let stage = Stage::open(scene);
        stage.ask(telling()).await;
        let seen = fake.last_request();
        assert!(seen.header("traceparent").starts_with("00-0af7"));
        assert_eq!(seen.header("baggage"), "");
    });
}

#[test]
fn a_connection_is_used_again_once_its_answer_was_read() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            Reply::chat("x"),
            Reply::chat_stream(&["x"]),
            Reply::chat("x"),
        ]);
        let stage = Stage::open(usual(&fake));
        stage.ask(ask()).await;
        stage.ask(Ask::chat(stream_request("m", "x"))).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
        stage.ask(ask()).await;
        assert_eq!((fake.count(), fake.connections()), (3, 1));
    });
}
