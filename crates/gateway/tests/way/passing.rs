//! What passes through unread: `/providers/{name}/…`.

use std::time::Duration;

use bytes::Bytes;
use domain::credential::Key;
use domain::guard::Action;
use domain::model::PassThrough;
use domain::policy::{Policy, SystemRule};
use domain::principal::Limits;
use domain::record::{Outcome, Passed};
use domain::secret::Secret;
use domain::usage::UsageSource;
use testkit::scene::principal;
use testkit::{FakeProvider, Reply, Scene};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::doubles::{BOTH, guarded};
use crate::stage::{Ask, KEY, Stage, play, play_live, usual};

/// Bytes that are no text in any encoding.
const SPEECH: &[u8] = &[0xff, 0xfb, 0x90, 0x00, 0x80, b'\r', b'\n', 0x00];

fn open(fake: &FakeProvider) -> Scene {
    usual(fake).with(|provider| provider.pass_through = PassThrough::All)
}

fn ask(method: &'static str, path: &str, body: impl Into<Bytes>) -> Ask {
    Ask::to(method, &format!("/providers/fake{path}"), body).key(KEY)
}

/// Sends these bytes and reads what comes until the connection's end.
async fn raw(stage: &Stage, text: &str) -> String {
    let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
    raw.write_all(text.as_bytes()).await.expect("sent");
    let mut said = String::new();
    raw.read_to_string(&mut said).await.expect("text");
    said
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
fn it_is_off_until_switched_on_and_strangers_learn_nothing() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let to = |name: &str| Ask::to("GET", &format!("/providers/{name}/v1/files"), "");
        for name in ["fake", "nobody"] {
            let stranger = stage.ask(to(name)).await;
            assert_eq!(stranger.refusal(401), "missing_api_key");
            let known = stage.ask(to(name).key(KEY)).await;
            assert_eq!(known.refusal(404), "pass_through_off");
            let other = known.text().replace(name, "");
            let same = stage.ask(to("x").key(KEY)).await;
            assert_eq!(other, same.text().replace("`x`", "``"));
            assert!(other.contains("`pass_through`"), "{other}");
        }
        assert_eq!(fake.count(), 0);
        let records = stage.settled(4).await;
        assert!(records.iter().all(|it| it.outcome == Outcome::Refused));
    });
}

#[test]
fn some_paths_may_be_open_and_others_not() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let paths = ["/v1/images/*".to_owned(), "/v1/audio/speech".to_owned()];
        let scene = usual(&fake).with(|it| it.pass_through = PassThrough::Paths(paths.into()));
        let stage = Stage::open(scene);
        for open in [
            "/v1/images/generations",
            "/images/edits",
            "/v1/audio/speech?x",
        ] {
            assert_eq!(
                stage.ask(ask("POST", open, "{}")).await.status,
                200,
                "{open}"
            );
        }
        for shut in [
            "/v1/files",
            "/v1/audio/speech/",
            "/v1/%69mages/x",
            "/v1/images",
        ] {
            let answer = stage.ask(ask("POST", shut, "{}")).await;
            assert_eq!(answer.refusal(404), "pass_through_off", "{shut}");
        }
        assert_eq!(fake.count(), 3);
    });
}

#[test]
fn no_path_leads_out_of_the_base_url() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(open(&fake));
        for path in [
            "/../admin",
            "/v1/../../admin",
            "/%2e%2e/admin",
            "/..%2fadmin",
            "//evil.example/x",
            "/https://evil.example/x",
            "/%5c..%5cadmin",
        ] {
            let answer = stage.ask(ask("GET", path, "")).await;
            assert_eq!(answer.refusal(400), "invalid_path", "{path}");
        }
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn whom_a_policy_or_limit_binds_passes_nothing_and_is_told_why() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let named = |id: &str| principal(id, Limits::default());
        let only = |policy: Policy, key: &str| Policy {
            name: format!("for-{key}"),
            keys: vec![key.to_owned()],
            models: vec!["some-model".to_owned()],
            ..policy
        };
        let system = Policy {
            system: vec![SystemRule::Append("Be kind.".to_owned())],
            ..Policy::default()
        };
        let cached = Policy {
            cache: Some(Duration::from_secs(60)),
            ..Policy::default()
        };
        let counted = Limits {
            tokens_per_minute: Some(1_000_000),
            ..Limits::default()
        };
        let models = |id: &str, models: &[&str]| {
            let mut principal = named(id);
            principal.models = Some(models.iter().map(ToString::to_string).collect());
            principal
        };
        let scene = open(&fake)
            .policy(only(guarded("bad", Action::Block, BOTH), "guarded"))
            .policy(only(system, "ruled"))
            .policy(only(cached, "cached"))
            .principal("sk-guarded", named("guarded"))
            .principal("sk-ruled", named("ruled"))
            .principal("sk-cached", named("cached"))
            .principal("sk-counted", principal("counted", counted))
            .principal("sk-some", models("some", &["m", "fake/m"]))
            .principal("sk-all", models("all", &["m", "fake/*"]));
        let stage = Stage::open(scene);
        for (key, named) in [
            ("sk-guarded", "`for-guarded`"),
            ("sk-ruled", "`for-ruled`"),
            ("sk-counted", "`tokens_per_minute`"),
            ("sk-some", "`models`"),
        ] {
            let answer = stage.ask(ask("GET", "/files", "").key(key)).await;
            assert_eq!(answer.refusal(403), "pass_through_forbidden", "{key}");
            assert!(answer.text().contains(named), "{}", answer.text());
        }
        assert_eq!(fake.count(), 0);
        for key in [KEY, "sk-cached", "sk-all"] {
            let answer = stage.ask(ask("GET", "/files", "").key(key)).await;
            assert_eq!(answer.status, 200, "{key}: {}", answer.text());
        }
        let records = stage.settled(7).await;
        let refused = records.iter().filter(|it| it.outcome == Outcome::Refused);
        assert_eq!(refused.count(), 4);
    });
}

#[test]
fn limits_on_requests_hold() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let limits = Limits {
            requests_per_minute: Some(1),
            parallel_requests: Some(5),
            tokens_per_minute: None,
        };
        let scene = Scene::new().provider(&fake).key(KEY, limits);
        let stage = Stage::open(scene.with(|it| it.pass_through = PassThrough::All));
        let first = stage.ask(ask("GET", "/files", "")).await;
        assert_eq!(first.header("x-ratelimit-remaining-requests"), "0");
        let second = stage.ask(ask("GET", "/files", "")).await;
        assert_eq!(second.refusal(429), "rate_limit_exceeded");
        assert!(!second.header("retry-after").is_empty());
        assert_eq!(fake.count(), 1);
        assert_eq!(stage.settled(2).await[1].operation, "pass_through");
    });
}

#[test]
fn a_body_above_the_bound_is_refused_announced_or_not() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let scene = open(&fake).adjust(|snapshot| snapshot.bounds.body = 1000);
        let stage = Stage::open(scene);
        let answer = stage.ask(ask("POST", "/files", vec![b'x'; 1001])).await;
        assert_eq!(answer.refusal(413), "request_too_large");
        assert_eq!(fake.connections(), 0, "nobody was asked");
        let head = "POST /providers/fake/files HTTP/1.1\r\nhost: g\r\nauthorization: Bearer sk-test\r\n\
                    connection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("258\r\n{}\r\n", "x".repeat(600));
        let said = raw(&stage, &format!("{head}{chunk}{chunk}0\r\n\r\n")).await;
        assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
        let said = raw(&stage, &format!("{head}{chunk}0\r\n\r\n")).await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
        assert_eq!(fake.last_request().body.len(), 600);
        assert_eq!(fake.last_request().header("transfer-encoding"), "chunked");
        stage.settled(3).await;
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
fn redirects_are_not_followed_and_websockets_not_opened() {
    play(async || {
        let fake = FakeProvider::start().await;
        let away = Reply::json("")
            .with_status(307)
            .header("location", "http://evil.example/");
        fake.script(vec![
            away,
            Reply::json("").with_status(304).header("etag", "\"1\""),
        ]);
        let stage = Stage::open(open(&fake));
        let answer = stage.ask(ask("GET", "/files", "")).await;
        assert_eq!(answer.refusal(502), "upstream_error");
        assert_eq!(answer.header("location"), "");
        let answer = stage.ask(ask("GET", "/files", "")).await;
        assert_eq!((answer.status, answer.header("etag")), (304, "\"1\""));
        let upgrade = ask("GET", "/realtime?model=m", "")
            .with("connection", "Upgrade")
            .with("upgrade", "websocket");
        assert_eq!(
            stage.ask(upgrade).await.refusal(501),
            "upgrade_not_supported"
        );
        let rehearsal = ask("POST", "/files", "x").with("x-portcullis-dry-run", "true");
        assert_eq!(stage.ask(rehearsal).await.refusal(400), "invalid_header");
        assert_eq!(fake.count(), 2);
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
    });
}

#[test]
fn anthropics_clients_are_refused_in_their_dialect() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let asked = Ask::to("POST", "/providers/fake/v1/files", "x")
            .with("x-api-key", KEY)
            .with("anthropic-version", "2023-06-01");
        let answer = stage.ask(asked).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["type"], "error");
    });
}
