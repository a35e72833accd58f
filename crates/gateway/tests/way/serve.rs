//! Answers go out as they come, and every request ends in one record.

use std::time::Duration;

use bytes::Bytes;
use domain::record::Outcome;
use domain::usage::UsageSource;
use testkit::openai::{chat_request, chunk, stream_request};
use testkit::{FakeProvider, Reply};

use crate::stage::{Ask, Stage, begun, play, usual};

fn streamed() -> Ask {
    Ask::chat(stream_request("m", "x"))
}

#[test]
fn a_chunk_can_be_read_while_the_upstream_holds_the_rest() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(begun("first").then_hang());
        let stage = Stage::open(usual(&fake));
        let mut answer = stage.begin(streamed()).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.headers["content-type"]
                .to_str()
                .expect("text")
                .starts_with("text/event-stream")
        );
        let piece = answer.piece().await.expect("a piece");
        assert!(String::from_utf8_lossy(&piece).contains("first"));
        assert_eq!(fake.running(), 1);
    });
}

#[test]
fn a_client_that_hangs_up_ends_the_upstream_and_makes_one_record() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(begun("some words of an answer").then_hang());
        let stage = Stage::open(usual(&fake));
        let mut answer = stage.begin(streamed()).await;
        answer.piece().await.expect("a piece");
        drop(answer);
        fake.until(|fake| fake.cancelled() == 1).await;
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::ClientLeft);
        assert_eq!(settled[0].status, 499);
        assert_eq!(settled[0].usage_source, UsageSource::Estimated);
        assert!(settled[0].usage.completion() > 0);
        assert!(settled[0].cost.is_some());
    });
}

#[test]
fn a_client_that_hangs_up_before_the_answer_ends_the_upstream_too() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::hang());
        let stage = Stage::open(usual(&fake));
        let waiting = stage.begin(Ask::chat(chat_request("m", "x")));
        assert!(
            tokio::time::timeout(Duration::from_secs(1), waiting)
                .await
                .is_err()
        );
        fake.until(|fake| fake.cancelled() == 1).await;
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::ClientLeft);
        assert_eq!(settled[0].attempts, 1);
    });
}

#[test]
fn a_silent_stream_shows_signs_of_life() {
    play(async || {
        let fake = FakeProvider::start().await;
        let reply = Reply::chat_stream(&["a", "b"]).delay_between(Duration::from_secs(5));
        fake.always(reply);
        let scene = usual(&fake).adjust(|s| s.keepalive = Some(Duration::from_secs(2)));
        let stage = Stage::open(scene);
        let answer = stage.ask(streamed()).await;
        assert!(answer.text().contains(": keep-alive\n\n"));
        let rest = answer.text().replace(": keep-alive\n\n", "");
        assert_eq!(testkit::openai::text_of_stream(rest.as_bytes()), "ab");
        assert!(rest.ends_with("data: [DONE]\n\n"));
    });
}

#[test]
fn a_client_that_does_not_read_holds_the_upstream_back() {
    play(async || {
        let fake = FakeProvider::start().await;
        let text = "x".repeat(64 << 10);
        let piece = chunk("m", &serde_json::json!({"content": text}), None);
        fake.always(Reply::sse(vec![piece; 1000]));
        let stage = Stage::open(usual(&fake));
        let mut answer = stage.begin(streamed()).await;
        answer.piece().await.expect("a piece");
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // 64 MB are on offer; the sockets between take a few of them.
        assert_eq!(fake.running(), 1);
    });
}

#[test]
fn a_client_that_never_reads_is_left_after_a_while() {
    play(async || {
        let fake = FakeProvider::start().await;
        let text = "x".repeat(64 << 10);
        let piece = chunk("m", &serde_json::json!({"content": text}), None);
        fake.always(Reply::sse(vec![piece; 1000]));
        let stage = Stage::open(usual(&fake));
        let mut answer = stage.begin(streamed()).await;
        answer.piece().await.expect("a piece");
        tokio::time::sleep(Duration::from_secs(70)).await;
        assert_eq!(fake.cancelled(), 1);
        let settled = stage.settled(1).await;
        assert_eq!(settled[0].outcome, Outcome::ClientLeft);
        drop(answer);
    });
}

#[test]
fn usage_and_cost_stand_in_the_record() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("x"), Reply::chat_stream(&["x"])]);
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.header("x-portcullis-request-cost"), "0.000025");
        assert_eq!(answer.header("x-portcullis-model"), "m");
        assert!(!answer.header("x-request-id").is_empty());
        stage.ask(streamed()).await;
        for record in stage.settled(2).await {
            // 11 tokens at 1 and 7 at 2 millionths of a dollar.
            assert_eq!(record.cost.expect("a price").0, 25_000);
            assert_eq!(record.usage_source, UsageSource::Provider);
            assert_eq!((record.usage.prompt(), record.usage.completion()), (11, 7));
            assert!(!record.price_missing);
            assert!(record.first_content_us.is_some());
            assert_eq!(record.answered_model.as_deref(), Some("m"));
        }
    });
}

#[test]
fn usage_that_the_upstream_kept_to_itself_is_estimated() {
    play(async || {
        let fake = FakeProvider::start().await;
        let body = "{\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":\"some words of an answer\"}}]}";
        let stream = [
            chunk(
                "m",
                &serde_json::json!({"content": "some words of an answer"}),
                None,
            ),
            chunk("m", &serde_json::json!({}), Some("stop")),
            Bytes::from_static(b"data: [DONE]\n\n"),
        ];
        fake.script(vec![Reply::json(body), Reply::sse(stream)]);
        let stage = Stage::open(usual(&fake));
        stage.ask(Ask::chat(chat_request("m", "a question"))).await;
        stage.ask(streamed()).await;
        for record in stage.settled(2).await {
            assert_eq!(record.usage_source, UsageSource::Estimated);
            assert!(record.usage.prompt() > 0 && record.usage.completion() > 0);
            assert!(record.cost.is_some());
        }
    });
}

#[test]
fn an_unknown_price_is_flagged_and_never_zero() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(usual(&fake).unpriced());
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.header("x-portcullis-request-cost"), "");
        let settled = stage.settled(1).await;
        assert!(settled[0].price_missing);
        assert_eq!(settled[0].cost, None);
        assert_eq!(settled[0].usage.total(), 18);
    });
}
