//! What passes through unread: `/providers/{name}/…`.

use std::time::Duration;

use bytes::Bytes;
use domain::model::PassThrough;
use domain::record::{Outcome, Passed};
use domain::usage::UsageSource;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, play_live, usual};

/// Bytes that are no text in any encoding.
const SPEECH: &[u8] = &[0xff, 0xfb, 0x90, 0x00, 0x80, b'\r', b'\n', 0x00];

/// The usual scene, open.
pub(crate) fn open(fake: &FakeProvider) -> Scene {
    usual(fake).with(|provider| provider.pass_through = PassThrough::All)
}

/// A request to the fake with the usual key.
pub(crate) fn ask(method: &'static str, path: &str, body: impl Into<Bytes>) -> Ask {
    Ask::to(method, &format!("/providers/fake{path}"), body).key(KEY)
}

fn speech() -> Reply {
    Reply::json(SPEECH).header("content-type", "audio/mpeg")
}

#[test]
fn bytes_pass_both_ways_as_they_are() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![speech()]);
        let stage = Stage::open(open(&fake));
        let body: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
        let asked = ask("POST", "/v1/audio/transcriptions?a=%20b&c", body.clone())
            .with("content-type", "multipart/form-data; boundary=x\"y");
        let answer = stage.ask(asked).await;
        assert_eq!((answer.status, &answer.body[..]), (200, SPEECH));
        assert_eq!(answer.header("content-type"), "audio/mpeg");
        assert_eq!(answer.header("content-length"), SPEECH.len().to_string());
        assert_eq!(answer.header("x-portcullis-provider"), "fake");
        let seen = fake.last_request();
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.path, "/v1/audio/transcriptions?a=%20b&c");
        assert_eq!(
            seen.header("content-type"),
            "multipart/form-data; boundary=x\"y"
        );
        assert!(seen.body == body, "not the same bytes");
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.operation, "pass_through");
        assert_eq!((record.outcome, record.status), (Outcome::Complete, 200));
        assert_eq!(record.provider.as_ref().map(|p| p.as_str()), Some("fake"));
        assert_eq!(record.model, None);
        assert_eq!(record.usage_source, UsageSource::Unmetered);
        assert!(record.price_missing);
        let passed = Passed {
            bytes_in: 3 << 20,
            bytes_out: SPEECH.len() as u64,
        };
        assert_eq!(record.passed, Some(passed));
    });
}

#[test]
fn every_method_passes_but_those_that_show_headers_or_tunnel() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let stage = Stage::open(open(&fake));
        for method in ["GET", "DELETE", "PATCH", "PUT", "OPTIONS", "POST"] {
            assert_eq!(stage.ask(ask(method, "/files/f", "")).await.status, 200);
            let seen = fake.last_request();
            assert_eq!((seen.method.as_str(), &*seen.path), (method, "/v1/files/f"));
            assert_eq!(seen.header("content-type"), "");
        }
        for method in ["TRACE", "PURGE"] {
            let answer = stage.ask(ask(method, "/files", "")).await;
            assert_eq!(answer.refusal(405), "method_not_allowed");
        }
        assert_eq!(fake.count(), 6);
    });
}

#[test]
fn a_head_says_how_long_it_would_be() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{\"a\":1}"));
        let stage = Stage::open(open(&fake));
        let answer = stage.ask(ask("HEAD", "/files/f", "")).await;
        assert_eq!((answer.status, answer.header("content-length")), (200, "7"));
        assert_eq!(fake.last_request().method, "HEAD");
        assert!(answer.body.is_empty());
        assert_eq!(stage.settled(1).await[0].outcome, Outcome::Complete);
    });
}

#[test]
fn events_pass_as_they_come() {
    play(async || {
        let fake = FakeProvider::start().await;
        let events = ["data: {\"a\":1}\n\n", "data: {\"a\":2}\n\n"];
        fake.script(vec![
            Reply::sse(events).delay_between(Duration::from_secs(5)),
        ]);
        let stage = Stage::open(open(&fake));
        let mut begun = stage.begin(ask("POST", "/responses", "{}")).await;
        assert_eq!(begun.headers["content-type"], "text/event-stream");
        for event in events {
            assert_eq!(begun.piece().await.as_deref(), Some(event.as_bytes()));
        }
        assert_eq!(begun.piece().await, None);
        let record = stage.settled(1).await.remove(0);
        assert!(record.streamed);
        assert_eq!(record.outcome, Outcome::Complete);
    });
}

#[test]
fn usage_is_booked_where_events_tell_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        let told = "data: {\"response\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}}\n\n";
        fake.script(vec![Reply::sse(["data: {}\n\n", told])]);
        let stage = Stage::open(open(&fake));
        stage.ask(ask("POST", "/responses", "{}")).await;
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.usage_source, UsageSource::Provider);
        assert_eq!((record.usage.input, record.usage.output), (7, 3));
    });
}

#[test]
fn the_clients_key_is_taken_off_and_the_providers_put_on() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let stage = Stage::open(open(&fake));
        let to = |path: &str| Ask::to("GET", &format!("/providers/fake{path}"), "");
        for asked in [
            to("/files").with("authorization", "Bearer sk-test"),
            to("/files").with("x-api-key", KEY),
            to("/files").with("api-key", KEY),
            to("/files").with("x-goog-api-key", KEY),
            to("/files?key=sk-test&alt=media"),
        ] {
            let asked = asked
                .with("cookie", "session=1")
                .with("openai-organization", "org-1")
                .with("user-agent", "somebody")
                .with("x-forwarded-for", "10.0.0.1");
            assert_eq!(stage.ask(asked).await.status, 200);
            let seen = fake.last_request();
            assert_eq!(seen.header("authorization"), "Bearer sk-upstream");
            for gone in ["x-api-key", "api-key", "x-goog-api-key", "cookie"] {
                assert_eq!(seen.header(gone), "", "{gone}");
            }
            assert_eq!(seen.header("openai-organization"), "");
            assert_eq!(seen.header("x-forwarded-for"), "");
            assert!(seen.header("user-agent").starts_with("portcullis/"));
            assert!(!format!("{seen:?}").contains(KEY));
        }
        assert_eq!(fake.last_request().path, "/v1/files?alt=media");
    });
}

#[test]
fn headers_that_speak_of_the_body_pass_and_those_of_the_account_stay() {
    play(async || {
        let fake = FakeProvider::start().await;
        let file = Reply::json("part")
            .with_status(206)
            .header("content-disposition", "attachment; filename=\"a\"")
            .header("content-range", "bytes 0-3/10")
            .header("etag", "\"1\"")
            .header("set-cookie", "a=b")
            .header("openai-organization", "org-secret")
            .header("x-ratelimit-remaining-requests", "5");
        fake.script(vec![file]);
        let stage = Stage::open(open(&fake));
        let asked = ask("GET", "/files/f/content", "")
            .with("range", "bytes=0-3")
            .with("openai-beta", "assistants=v2")
            .with("accept", "application/binary");
        let answer = stage.ask(asked).await;
        assert_eq!(answer.status, 206);
        let seen = fake.last_request();
        assert_eq!(seen.header("range"), "bytes=0-3");
        assert_eq!(seen.header("openai-beta"), "assistants=v2");
        assert_eq!(seen.header("accept"), "application/binary");
        assert_eq!(answer.header("content-range"), "bytes 0-3/10");
        assert_eq!(answer.header("etag"), "\"1\"");
        assert!(answer.header("content-disposition").contains("filename"));
        for gone in [
            "set-cookie",
            "openai-organization",
            "x-ratelimit-remaining-requests",
        ] {
            assert_eq!(answer.header(gone), "", "{gone}");
        }
    });
}

#[test]
fn usage_is_booked_where_the_answer_tells_it_and_only_for_what_was_made() {
    play(async || {
        let fake = FakeProvider::start().await;
        let told = r#"{"data":[],"usage":{"input_tokens":7,"output_tokens":3}}"#;
        fake.script(vec![
            Reply::json(told),
            Reply::json(told),
            Reply::json(told).with_status(400),
        ]);
        let stage = Stage::open(open(&fake));
        for method in ["POST", "GET", "POST"] {
            stage.ask(ask(method, "/images/generations", "")).await;
        }
        let records = stage.settled(3).await;
        let sources: Vec<_> = records.iter().map(|it| it.usage_source).collect();
        let wanted = [
            UsageSource::Provider,
            UsageSource::Unmetered,
            UsageSource::None,
        ];
        assert_eq!(sources, wanted);
        assert_eq!((records[0].usage.input, records[0].usage.output), (7, 3));
        assert_eq!(records[2].outcome, Outcome::UpstreamFailed);
    });
}

#[test]
fn connections_without_a_body_are_used_again() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let stage = Stage::open(open(&fake));
        for _ in 0..3 {
            stage.ask(ask("GET", "/files", "")).await;
        }
        assert_eq!(fake.connections(), 1);
        stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(fake.connections(), 2, "a body is never sent twice");
        stage.ask(ask("POST", "/files/1/cancel", "")).await;
        assert_eq!(fake.connections(), 3, "nor what changes something");
    });
}
