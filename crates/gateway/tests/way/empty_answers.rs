//! Answers in which a model says that it gave none: what they cost, whom they lay
//! off, and what is none of them.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use domain::record::{Outcome, Settled};
use domain::usage::UsageSource;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

const WHOLE: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Hi."}]},"finishReason":"STOP"}],
    "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}"#;

/// A model that thought, and said nothing.
fn empty() -> String {
    let usage = r#"{"promptTokenCount":3,"thoughtsTokenCount":40,"totalTokenCount":43}"#;
    format!(r#"{{"candidates":[{{"finishReason":"OTHER"}}],"usageMetadata":{usage}}}"#)
}

fn as_event(answer: &str) -> String {
    format!("data: {answer}\r\n\r\n")
}

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

fn tries(fake: &FakeProvider, dialect: Dialect, retries: u32) -> Scene {
    let scene = usual(fake).with(speaks(dialect));
    scene.adjust(move |snapshot| snapshot.retry.retries = retries)
}

fn googles(word: &str) -> Ask {
    let body = r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;
    let path = format!("/v1beta/models/m:{word}");
    Ask::to("POST", &path, body).with("x-goog-api-key", KEY)
}

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;

fn chat() -> Ask {
    Ask::chat(CHAT)
}

fn streamed_chat() -> Ask {
    Ask::chat(CHAT.replacen('{', r#"{"stream":true,"#, 1))
}

#[track_caller]
fn has(record: &Settled, prompt: u64, answer: u64) {
    let usage = record.usage;
    assert_eq!((usage.prompt(), usage.completion()), (prompt, answer));
    assert_eq!(record.usage_source, UsageSource::Provider, "{record:?}");
    assert!(record.cost.is_some_and(|cost| cost.0 > 0), "{record:?}");
}

#[test]
fn what_a_model_used_to_say_nothing_is_booked_each_time() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(tries(&fake, Dialect::Gemini, 2));
        let plain = || Reply::json(empty());
        let streamed = || Reply::sse([as_event(&empty())]);
        for (reply, ask) in [
            (plain(), chat()),
            (streamed(), streamed_chat()),
            (plain(), googles("generateContent")),
            (streamed(), googles("streamGenerateContent?alt=sse")),
        ] {
            fake.always(reply);
            stage.ask(ask).await;
        }
        let ended = stage.settled(4).await;
        for record in &ended {
            assert_eq!(
                (record.outcome, record.attempts),
                (Outcome::UpstreamFailed, 3)
            );
            has(record, 9, 120);
        }
        fake.script(vec![plain(), Reply::json(WHOLE)]);
        assert_eq!(stage.ask(chat()).await.status, 200);
        has(&stage.settled(5).await[4], 6, 42);
    });
}

#[test]
fn a_prompt_that_leaves_a_model_silent_lays_off_no_deployment() {
    play(async || {
        let (silent, other) = (FakeProvider::start().await, FakeProvider::start().await);
        silent.always(Reply::json(empty()));
        other.always(Reply::chat("Hi."));
        let scene = Scene::new()
            .provider_at("a", silent.address())
            .with(speaks(Dialect::Gemini))
            .provider_at("b", other.address())
            .key(KEY, testkit::scene::Limits::default())
            .model_at("m", &["a", "b"])
            .adjust(|snapshot| snapshot.retry.allowed_fails = 1);
        let stage = Stage::open(scene);
        for _ in 0..20 {
            assert_eq!(stage.ask(chat()).await.status, 200);
        }
        assert!(silent.count() > 1, "it is still asked: {}", silent.count());
    });
}

/// Claude's stream that is one error, whose blank line did not come.
fn cut_off(kind: &str) -> Reply {
    Reply::sse([format!(
        "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"No.\"}}}}\n"
    )])
}

#[test]
fn an_error_in_an_event_that_ends_too_soon_is_an_error() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(tries(&fake, Dialect::Anthropic, 0));
        let body = r#"{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
        for (kind, status) in [
            ("rate_limit_error", 429),
            ("overloaded_error", 529),
            ("permission_error", 502),
            ("invalid_request_error", 400),
            ("api_error", 502),
        ] {
            fake.always(cut_off(kind));
            let ask = Ask::to("POST", "/v1/messages", body).with("x-api-key", KEY);
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, status, "{kind}: {}", answer.text());
            assert_eq!(answer.json()["type"], "error", "{kind}");
        }
        // Google's, where a stream may end without a word.
        let stage = Stage::open(tries(&fake, Dialect::Gemini, 0));
        let limit = r#"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}"#;
        fake.always(Reply::sse([format!("data: {limit}\r\n")]));
        let answer = stage.ask(googles("streamGenerateContent?alt=sse")).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        // And one that ends so, its blank line not there either.
        let event = format!("data: {}\r\n", empty());
        fake.always(Reply::sse([event.clone()]));
        let answer = stage.ask(googles("streamGenerateContent?alt=sse")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().starts_with(&event), "{}", answer.text());
    });
}
