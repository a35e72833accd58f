//! Other operations, other HTTP, and a gateway that is busy or going away.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use testkit::openai::{chat_request, stream_request, text_of_stream};
use testkit::{FakeProvider, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Ask, KEY, Stage, play, play_live, usual};

fn to(path: &str, body: &'static str) -> Ask {
    Ask::to("POST", path, body).key(KEY)
}

#[test]
fn embeddings_and_legacy_completions_go_the_same_way() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::embeddings(4), Reply::completion("x")]);
        let stage = Stage::open(usual(&fake));
        let body = "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}";
        let answer = stage.ask(to("/v1/embeddings", body)).await;
        assert_eq!(answer.json()["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(fake.last_request().path, "/v1/embeddings");
        let body = "{\"model\":\"m\",\"prompt\":\"a\"}";
        let answer = stage.ask(to("/v1/completions", body)).await;
        assert_eq!(answer.json()["choices"][0]["text"], "x");
        let settled = stage.settled(2).await;
        assert_eq!(settled[0].operation, "embedding");
        assert_eq!(settled[0].usage.prompt(), 11);
        assert_eq!(settled[1].operation, "completion");
    });
}

#[test]
fn the_list_of_models_is_only_for_known_callers() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).alias("nick", "m"));
        stage
            .ask(Ask::to("GET", "/v1/models", ""))
            .await
            .refusal(401);
        let answer = stage.ask(Ask::to("GET", "/v1/models", "").key(KEY)).await;
        assert!(answer.text().contains("\"m\""), "{}", answer.text());
        let answer = stage
            .ask(Ask::to("GET", "/v1/models/none", "").key(KEY))
            .await;
        assert_eq!(answer.refusal(404), "model_not_found");
    });
}

#[test]
fn a_plain_answer_to_a_stream_request_becomes_a_stream() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("hello"));
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert!(
            answer
                .header("content-type")
                .starts_with("text/event-stream")
        );
        assert_eq!(text_of_stream(&answer.body), "hello");
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
    });
}

#[test]
fn what_a_server_says_of_a_request_in_a_form_of_its_own_reaches_the_client() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        for (status, body, said) in [
            (
                422,
                r#"{"detail":[{"msg":"Extra inputs"}]}"#,
                "Extra inputs",
            ),
            (
                400,
                r#"{"object":"error","message":"too large"}"#,
                "too large",
            ),
            (400, r#"{"detail":"nope"}"#, "nope"),
            (413, "<html>big</html>", ""),
            (400, "", ""),
        ] {
            fake.script(vec![Reply::json(body).with_status(status)]);
            let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
            assert_eq!(answer.status, status, "{}", answer.text());
            let told = answer.json()["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(
                told.contains(said) && !told.is_empty() && !told.contains('<'),
                "{told}"
            );
        }
        for body in ["{}", "null", r#"{"choices":null}"#] {
            fake.script(vec![Reply::json(body)]);
            let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
            assert_eq!(answer.status, 502, "{body}: {}", answer.text());
        }
    });
}

#[test]
fn nonsense_from_an_upstream_is_a_502() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).adjust(|s| {
            s.bounds.answer = 1000;
            s.retry.retries = 0;
        }));
        for (name, reply) in [
            ("no JSON", Reply::json("<html>")),
            (
                "compressed",
                Reply::chat("x").header("content-encoding", "gzip"),
            ),
            ("unasked stream", Reply::chat_stream(&["x"])),
            ("too large", Reply::chat(&"x".repeat(2000))),
            ("cut", Reply::chat("x").truncate_after(20)),
            (
                "redirect",
                Reply::status(302).header("location", "http://127.0.0.1:1/"),
            ),
        ] {
            fake.script(vec![reply]);
            let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
            assert_eq!(answer.status, 502, "{name}: {}", answer.text());
            answer.refusal(502);
        }
    });
}

#[test]
fn http_2_clients_are_served_on_the_same_socket() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat_stream(&["hel", "lo"]));
        let stage = Stage::open(usual(&fake));
        let stream = tokio::net::TcpStream::connect(stage.address)
            .await
            .expect("a gateway");
        let exec = gateway::accept::listen::LocalExec;
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(exec, TokioIo::new(stream))
                .await
                .expect("HTTP/2");
        tokio::task::spawn_local(connection);
        let request = http::Request::post(format!("http://{}/v1/chat/completions", stage.address))
            .header("x-api-key", KEY)
            .body(Full::new(stream_request("m", "x")))
            .expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        let body = answer.into_body().collect().await.expect("a body");
        let body = body.to_bytes();
        assert_eq!(text_of_stream(&body), "hello", "{body:?}");
    });
}

#[test]
fn an_upstream_that_speaks_http_2_gets_all_requests_on_one_connection() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let scene = testkit::Scene::new()
            .provider(&fake)
            .with(|provider| provider.http = domain::model::HttpVersion::Http2)
            .key(KEY, testkit::scene::Limits::default())
            .model("m");
        let stage = Stage::open(scene);
        for _ in 0..3 {
            let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        assert_eq!(fake.last_request().version, http::Version::HTTP_2);
        assert_eq!((fake.count(), fake.connections()), (3, 1));
    });
}

#[test]
fn a_connection_that_idles_for_a_minute_is_still_good() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        for _ in 0..2 {
            raw.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .expect("sent");
            let mut answer = vec![0; 4096];
            let read = raw.read(&mut answer).await.expect("an answer");
            assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        raw.write_all(b"GET /livez HTTP/1.1\r\nhost:")
            .await
            .expect("sent");
        let mut rest = Vec::new();
        let reading = tokio::time::timeout(Duration::from_secs(120), raw.read_to_end(&mut rest));
        assert!(reading.await.is_ok());
    });
}

#[test]
fn without_room_in_the_journal_nobody_is_let_in() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let mut slots = Vec::new();
        while let Some(slot) = stage.shared.journal.reserve() {
            slots.push(slot);
        }
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.refusal(503), "accounting_unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        let ready = || Ask::to("GET", "/readyz", "");
        assert_eq!(stage.ask(ready()).await.status, 503);
        drop(slots);
        assert_eq!(stage.ask(ready()).await.status, 200);
        fake.always(Reply::chat("x"));
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.status, 200);
    });
}

#[test]
fn where_policy_says_so_requests_go_on_without_records_and_are_counted() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(usual(&fake));
        let journal = &stage.shared.journal;
        journal.set_when_full(journal::WhenFull::Continue);
        let slots: Vec<_> = std::iter::from_fn(|| journal.reserve()).collect();
        let before = journal.lag_records();
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.status, 200);
        assert_eq!((journal.lost_records(), journal.lag_records()), (1, before));
        assert_eq!(stage.ask(Ask::to("GET", "/readyz", "")).await.status, 200);
        drop(slots);
        assert_eq!(
            stage.ask(Ask::chat(chat_request("m", "x"))).await.status,
            200
        );
        assert_eq!(journal.lost_records(), 1, "there is room again");
    });
}

#[test]
fn an_endless_preamble_is_no_answer() {
    play(async || {
        let fake = FakeProvider::start().await;
        let comment = format!(": {}\n\n", "x".repeat(1 << 20));
        fake.script(vec![Reply::sse(vec![comment; 40])]);
        let stage = Stage::open(usual(&fake).adjust(|s| s.retry.retries = 0));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        answer.refusal(502);
        fake.until(|fake| fake.cancelled() == 1).await;
    });
}

#[test]
fn an_http_2_stream_whose_window_stays_shut_ends_at_the_total_deadline() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let delta = serde_json::json!({"content": "x".repeat(64 << 10)});
        let piece = testkit::openai::chunk("m", &delta, None);
        fake.always(Reply::sse(vec![piece; 1000]));
        let scene = testkit::Scene::new()
            .provider(&fake)
            .with(|provider| provider.timeouts.total = Duration::from_millis(100))
            .key(KEY, testkit::scene::Limits::default())
            .model("m");
        let stage = Stage::open(scene);
        let stream = TcpStream::connect(stage.address).await.expect("a gateway");
        let exec = gateway::accept::listen::LocalExec;
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(exec, TokioIo::new(stream))
                .await
                .expect("HTTP/2");
        tokio::task::spawn_local(connection);
        let request = http::Request::post(format!("http://{}/v1/chat/completions", stage.address))
            .header("x-api-key", KEY)
            .body(Full::new(stream_request("m", "x")))
            .expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        fake.until(|fake| fake.cancelled() == 1).await;
        let ended = stage.ended();
        assert_eq!(ended.len(), 1);
        // On a slow machine the deadline may come before the window is full.
        use domain::record::Outcome::{ClientLeft, UpstreamBroke};
        assert!(matches!(ended[0].outcome, ClientLeft | UpstreamBroke));
        drop(answer);
    });
}
