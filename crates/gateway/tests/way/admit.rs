//! Who may ask, and how much.

use std::time::Duration;

use domain::record::Outcome;
use domain::time::UnixMicros;
use testkit::openai::{chat_request, stream_request};
use testkit::scene::Limits;
use testkit::scene::principal;
use testkit::{FakeProvider, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Ask, Stage, begun, play, usual};

fn anonymous() -> Ask {
    Ask::to("POST", "/v1/chat/completions", chat_request("m", "x"))
}

#[test]
fn a_stranger_is_refused_before_any_byte_of_the_body() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-wrong\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n";
        raw.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = vec![0; 4096];
        let read = raw.read(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(answer.contains("invalid_api_key"), "{answer}");
    });
}

#[test]
fn a_key_is_taken_from_any_of_its_places_but_two_different_ones_never() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(usual(&fake));
        for (name, value) in [
            ("authorization", "Bearer sk-test"),
            ("x-api-key", "sk-test"),
            ("api-key", "sk-test"),
        ] {
            let answer = stage.ask(anonymous().with(name, value)).await;
            assert_eq!(answer.status, 200, "{name}");
        }
        let both = anonymous().key("sk-test").with("api-key", "sk-test");
        assert_eq!(stage.ask(both).await.status, 200);
        let two = anonymous().key("sk-test").with("api-key", "sk-other");
        assert_eq!(stage.ask(two).await.refusal(401), "conflicting_credentials");
        assert_eq!(stage.ask(anonymous()).await.refusal(401), "missing_api_key");
    });
}

#[test]
fn expired_revoked_and_unknown_keys_read_the_same() {
    play(async || {
        let fake = FakeProvider::start().await;
        let past = Some(UnixMicros(1));
        let mut expired = principal("key_e", Limits::default());
        expired.expires = past;
        let mut revoked = principal("key_r", Limits::default());
        revoked.revoked = past;
        let scene = usual(&fake)
            .principal("sk-e", expired)
            .principal("sk-r", revoked);
        let stage = Stage::open(scene);
        let mut bodies = Vec::new();
        for key in ["sk-e", "sk-r", "sk-unknown"] {
            let answer = stage.ask(anonymous().key(key)).await;
            assert_eq!(answer.refusal(401), "invalid_api_key");
            bodies.push(answer.body);
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    });
}

#[test]
fn a_model_that_is_not_there_is_a_404_and_one_not_allowed_a_403() {
    play(async || {
        let fake = FakeProvider::start().await;
        let mut narrow = principal("key_n", Limits::default());
        narrow.models = vec![vec!["other*".to_owned()]];
        let stage = Stage::open(usual(&fake).principal("sk-n", narrow));
        let answer = stage.ask(Ask::chat(chat_request("none", "x"))).await;
        assert_eq!(answer.refusal(404), "model_not_found");
        let answer = stage.ask(anonymous().key("sk-n")).await;
        assert_eq!(answer.refusal(403), "model_not_allowed");
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn a_full_limit_says_when_and_how_much() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let requests = Limits {
            requests_per_minute: Some(2),
            ..Limits::default()
        };
        let tokens = Limits {
            tokens_per_minute: Some(1100),
            ..Limits::default()
        };
        let stage = Stage::open(usual(&fake).key("sk-r", requests).key("sk-t", tokens));
        let first = stage.ask(anonymous().key("sk-r")).await;
        assert_eq!(first.header("x-ratelimit-limit-requests"), "2");
        assert_eq!(first.header("x-ratelimit-remaining-requests"), "1");
        assert_eq!(stage.ask(anonymous().key("sk-r")).await.status, 200);
        let full = stage.ask(anonymous().key("sk-r")).await;
        assert_eq!(full.refusal(429), "rate_limit_exceeded");
        assert_eq!(full.header("retry-after"), "60");
        assert_eq!(full.header("x-ratelimit-remaining-requests"), "0");
        // What was reserved and not used is given back: 18 tokens each.
        for _ in 0..3 {
            assert_eq!(stage.ask(anonymous().key("sk-t")).await.status, 200);
        }
        let full = loop {
            let answer = stage.ask(anonymous().key("sk-t")).await;
            if answer.status != 200 {
                break answer;
            }
        };
        assert_eq!(full.refusal(429), "rate_limit_exceeded");
        assert_eq!(full.header("x-ratelimit-limit-tokens"), "1100");
        assert!(!full.header("retry-after").is_empty());
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(stage.ask(anonymous().key("sk-r")).await.status, 200);
    });
}

#[test]
fn who_comes_back_when_told_is_let_in() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let one = Limits {
            requests_per_minute: Some(1),
            ..Limits::default()
        };
        for later in [1, 999, 1_000, 12_345, 59_998_765] {
            let stage = Stage::open(usual(&fake).key("sk-r", one));
            assert_eq!(stage.ask(anonymous().key("sk-r")).await.status, 200);
            tokio::time::advance(Duration::from_micros(later)).await;
            let full = stage.ask(anonymous().key("sk-r")).await;
            assert_eq!(full.refusal(429), "rate_limit_exceeded");
            let wait = full.header("retry-after-ms").parse().expect("a number");
            tokio::time::advance(Duration::from_millis(wait)).await;
            let again = stage.ask(anonymous().key("sk-r")).await;
            assert_eq!(again.status, 200, "{later} µs later, told {wait} ms");
        }
    });
}

#[test]
fn a_parallel_slot_comes_back_when_the_client_hangs_up() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![begun("a").then_hang()]);
        fake.always(Reply::chat("x"));
        let limits = Limits {
            parallel_requests: Some(1),
            ..Limits::default()
        };
        let stage = Stage::open(usual(&fake).key("sk-p", limits));
        let mut first = stage
            .begin(Ask::chat(stream_request("m", "x")).key("sk-p"))
            .await;
        first.piece().await.expect("a piece");
        let second = stage.ask(anonymous().key("sk-p")).await;
        assert_eq!(second.refusal(429), "rate_limit_exceeded");
        assert!(!second.header("retry-after").is_empty());
        drop(first);
        fake.until(|fake| fake.cancelled() == 1).await;
        assert_eq!(stage.ask(anonymous().key("sk-p")).await.status, 200);
        let settled = stage.settled(3).await;
        assert!(settled.iter().any(|s| s.outcome == Outcome::ClientLeft));
    });
}
