//! What passes through and goes wrong: at the provider, on the way, or because
//! the client has left.

use std::sync::Arc;
use std::time::Duration;

use domain::credential::{Absent, Credential, Key, KeySource, Renewing};
use domain::model::PassThrough;
use domain::record::{Outcome, Passed};
use domain::secret::Secret;
use domain::usage::UsageSource;
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::aws_errors::Ending;
use crate::passing::{ask, open};
use crate::stage::{KEY, Stage, play};

#[test]
fn errors_of_the_provider_pass_as_they_are_but_those_of_its_account() {
    play(async || {
        let fake = FakeProvider::start().await;
        let broke =
            r#"{"error":{"message":"Your account org-secret","code":"insufficient_quota"}}"#;
        fake.script(vec![
            Reply::json("<no json>").with_status(404),
            Reply::json("oops").with_status(500),
            Reply::status(401),
            Reply::json(broke).with_status(429).retry_after(7),
        ]);
        let stage = Stage::open(open(&fake));
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!((answer.status, answer.text()), (404, "<no json>"));
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!((answer.status, answer.text()), (500, "oops"));
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(answer.refusal(502), "upstream_authentication");
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(answer.status, 502);
        assert!(!answer.text().contains("org-secret"));
        assert_eq!(fake.count(), 4, "nothing was tried again");
        stage.settled(4).await;
    });
}

#[test]
fn keys_rest_and_only_what_changes_nothing_is_asked_again() {
    play(async || {
        let fake = FakeProvider::start().await;
        let keys = || ["a", "b"].map(|key| Key::fixed(key, Secret::new(key)));
        let scene = open(&fake).with(|provider| provider.keys = keys().into());
        let stage = Stage::open(scene);
        fake.script(vec![Reply::status(429).retry_after(60)]);
        fake.always(Reply::json("{}"));
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(answer.refusal(429), "upstream_rate_limit");
        assert_eq!(fake.count(), 1, "its body is gone");
        let limited = fake.last_request().header("authorization").to_owned();
        for _ in 0..10 {
            assert_eq!(stage.ask(ask("POST", "/files", "x")).await.status, 200);
            assert_ne!(fake.last_request().header("authorization"), limited);
        }
        fake.script(vec![Reply::status(401)]);
        tokio::time::advance(Duration::from_secs(61)).await;
        let answer = stage.ask(ask("GET", "/files", "")).await;
        assert_eq!(answer.status, 200, "the other key is asked at once");
        assert_eq!(answer.header("x-portcullis-attempts"), "2");
    });
}

#[derive(Debug)]
struct Nothing;

impl Renewing for Nothing {
    fn current(&self) -> Result<Credential, Absent> {
        Err(Absent("the vault is away".to_owned()))
    }
}

#[test]
fn a_credential_that_ended_early_is_fetched_anew_for_the_next_one() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::status(401)]);
        fake.always(Reply::json("{}"));
        let key = Key {
            id: "k".into(),
            source: KeySource::Renewed(Arc::new(Ending::default())),
        };
        let scene = open(&fake).with(|provider| provider.keys = vec![key]);
        let stage = Stage::open(scene);
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(answer.refusal(502), "upstream_authentication");
        stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(fake.last_request().header("authorization"), "Bearer t-1");
    });
}

#[test]
fn a_fault_of_the_account_that_only_a_header_names_is_not_handed_on() {
    play(async || {
        let fake = FakeProvider::start().await;
        let long = Reply::json("x".repeat(2 << 20)).with_status(400);
        fake.always(long.header("x-amzn-errortype", "ThrottlingException"));
        let stage = Stage::open(open(&fake));
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(answer.refusal(429), "upstream_rate_limit");
    });
}

#[test]
fn a_key_that_is_not_there_is_no_reason_to_fail_what_was_not_sent() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let scene = open(&fake).with(|provider| {
            let away = Key {
                id: "away".into(),
                source: KeySource::Renewed(Arc::new(Nothing)),
            };
            provider.keys = vec![away, Key::fixed("b", Secret::new("b"))];
        });
        let stage = Stage::open(scene);
        for _ in 0..10 {
            assert_eq!(stage.ask(ask("POST", "/files", "x")).await.status, 200);
            assert_eq!(fake.last_request().header("authorization"), "Bearer b");
        }
        assert_eq!(fake.count(), 10);
    });
}

#[test]
fn a_provider_that_cannot_be_reached_is_tried_again_and_then_told_of() {
    play(async || {
        let address = testkit::fake::closed_address();
        let scene = Scene::new()
            .provider_at("fake", address)
            .key(KEY, Limits::default());
        let stage = Stage::open(scene.with(|it| it.pass_through = PassThrough::All));
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(answer.refusal(502), "upstream_unreachable");
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.outcome, Outcome::UpstreamFailed);
        assert_eq!(record.attempts, 3);
        assert_eq!(record.passed.map(|it| it.bytes_in), Some(0));
    });
}

#[test]
fn a_client_that_hangs_up_midway_ends_the_exchange_and_is_settled_once() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::sse(["data: 1\n\n"]).then_hang()]);
        let stage = Stage::open(open(&fake));
        let mut begun = stage.begin(ask("POST", "/responses", "{}")).await;
        assert!(begun.piece().await.is_some());
        drop(begun);
        fake.until(|fake| fake.cancelled() == 1).await;
        let record = stage.settled(1).await.remove(0);
        assert_eq!((record.outcome, record.status), (Outcome::ClientLeft, 499));
        let passed = Passed {
            bytes_in: 2,
            bytes_out: 9,
        };
        assert_eq!(record.passed, Some(passed));
    });
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    play(async || {
        let fake = FakeProvider::start().await;
        let long = "x".repeat(5000);
        fake.script(vec![
            Reply::json(long.clone()).truncate_after(100),
            Reply::sse([long]).reset_after(100),
        ]);
        let stage = Stage::open(open(&fake));
        for _ in 0..2 {
            let begun = stage.begin(ask("GET", "/files/f/content", "")).await;
            assert_eq!(begun.status, 200);
            let body = http_body_util::BodyExt::collect(begun.body).await;
            assert!(body.is_err(), "a clean end");
        }
        for record in stage.settled(2).await {
            assert_eq!(record.outcome, Outcome::UpstreamBroke);
            assert_eq!(record.error.as_deref(), Some("upstream_error"));
        }
    });
}

/// To a client of HTTP/1.0, the end of the connection is the end of the answer.
#[test]
fn nor_is_it_whole_for_a_client_that_sees_its_end_by_the_connections_alone() {
    play(async || {
        let fake = FakeProvider::start().await;
        let whole = Reply::sse(["x".repeat(5000)]);
        fake.script(vec![whole.clone(), whole.reset_after(100)]);
        let stage = Stage::open(open(&fake));
        let head = format!("GET /providers/fake/files HTTP/1.0\r\nx-api-key: {KEY}\r\n\r\n");
        for is_whole in [true, false] {
            let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
            raw.write_all(head.as_bytes()).await.expect("sent");
            let mut said = Vec::new();
            let read = raw.read_to_end(&mut said).await;
            assert!(said.starts_with(b"HTTP/1.0 200 "));
            assert_eq!(read.is_ok(), is_whole, "{read:?}");
        }
    });
}

#[test]
fn a_provider_that_falls_silent_is_given_up() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::hang(), Reply::sse(["data: 1\n\n"]).then_hang()]);
        let stage = Stage::open(open(&fake));
        let answer = stage.ask(ask("POST", "/files", "x")).await;
        assert_eq!(answer.refusal(504), "upstream_timeout");
        let begun = stage.begin(ask("GET", "/files", "")).await;
        assert!(http_body_util::BodyExt::collect(begun.body).await.is_err());
        let records = stage.settled(2).await;
        assert_eq!(records[0].outcome, Outcome::UpstreamFailed);
        assert_eq!(records[1].outcome, Outcome::UpstreamBroke);
    });
}

#[test]
fn a_full_provider_is_not_asked() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::hang()]);
        let stage = Stage::open(open(&fake).with(|it| it.max_parallel = Some(1)));
        let waiting = stage.begin(ask("POST", "/files", "x"));
        let mut waiting = std::pin::pin!(waiting);
        tokio::select! {
            _ = &mut waiting => panic!("answered"),
            () = fake.until(|fake| fake.count() == 1) => {}
        }
        let answer = stage.ask(ask("GET", "/files", "")).await;
        assert_eq!(answer.refusal(503), "overloaded");
    });
}

#[test]
fn a_client_that_leaves_before_the_answer_ends_the_exchange() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::hang()]);
        let stage = Stage::open(open(&fake));
        {
            let waiting = stage.begin(ask("POST", "/files", "x"));
            let mut waiting = std::pin::pin!(waiting);
            tokio::select! {
                _ = &mut waiting => panic!("answered"),
                () = fake.until(|fake| fake.count() == 1) => {}
            }
        }
        // Its connection is a task of its own, which ends with the runtime's
        // next turn.
        fake.until(|fake| fake.cancelled() == 1).await;
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.outcome, Outcome::ClientLeft);
        assert_eq!(record.usage_source, UsageSource::Unmetered);
    });
}
