//! What does not pass through: to whom, where and how it is said.

use std::time::Duration;

use domain::guard::Action;
use domain::model::PassThrough;
use domain::policy::{Policy, SystemRule};
use domain::record::Outcome;
use testkit::scene::Limits;
use testkit::scene::principal;
use testkit::{FakeProvider, Reply, Scene};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::doubles::{BOTH, guarded};
use crate::passing::{ask, open};
use crate::stage::{Ask, KEY, Stage, play, usual};

/// Sends these bytes and reads what comes until the connection's end.
async fn raw(stage: &Stage, text: &str) -> String {
    let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
    raw.write_all(text.as_bytes()).await.expect("sent");
    let mut said = String::new();
    raw.read_to_string(&mut said).await.expect("text");
    said
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
            "/%c0%ae%c0%ae/admin",
            "/%252e%252e%252fadmin",
            "/%EF%BC%8E%EF%BC%8E/admin",
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
            principal.models = vec![models.iter().map(ToString::to_string).collect()];
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
            ("sk-counted", "1000000 tokens per minute"),
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
fn redirects_are_not_followed_and_websockets_not_opened() {
    play(async || {
        let fake = FakeProvider::start().await;
        let away = Reply::json("")
            .with_status(307)
            .header("location", "http://evil.example/?key=sk-upstream");
        fake.script(vec![
            away,
            Reply::json("").with_status(304).header("etag", "\"1\""),
        ]);
        let stage = Stage::open(open(&fake));
        let answer = stage.ask(ask("GET", "/files", "")).await;
        assert_eq!(answer.refusal(502), "upstream_error");
        assert!(
            answer.text().contains("redirect (status 307)"),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains("`base_url`") && !answer.text().contains("evil"));
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
