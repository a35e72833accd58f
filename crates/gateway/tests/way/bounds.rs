//! Nobody can hold the gateway up or blow it up: slow bodies, connections
//! that say nothing, names that clients make up, guards that read no streams.

use std::sync::Arc;
use std::time::Duration;

use domain::guard::{Action, Direction, Finding, Guard, StreamGuard};
use domain::policy::Policy;
use testkit::openai::{chat_request, chunk, stream_request, text_of_stream};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::stage::{Ask, Stage, play, usual};

const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-test\r\n";

/// What the gateway says until it hangs up, and after how long.
async fn farewell(mut raw: TcpStream) -> (String, Duration) {
    let started = Instant::now();
    let mut answer = Vec::new();
    let reading = raw.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(600), reading).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    (text, started.elapsed())
}

#[test]
fn a_body_that_drips_is_cut_however_steadily_it_does() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let (mut read, mut write) = raw.into_split();
        let head = format!("{HEAD}content-length: 100000\r\n\r\n");
        write.write_all(head.as_bytes()).await.expect("sent");
        let drip = tokio::task::spawn_local(async move {
            while write.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        });
        let started = Instant::now();
        let mut answer = vec![0; 4096];
        let got = read.read(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..got]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(40));
        drip.abort();
        assert_eq!(fake.count(), 0);
        assert_eq!(stage.settled(1).await[0].status, 408);
    });
}

#[test]
fn bodies_that_are_announced_and_do_not_come_take_no_room_from_others() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(usual(&fake).adjust(|snapshot| snapshot.bounds.body = 4 << 30));
        // More than any machine has.
        let head = format!("{HEAD}content-length: {}\r\n\r\n{{", 3_u64 << 30);
        let mut all = Vec::new();
        for _ in 0..300 {
            let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
            raw.write_all(head.as_bytes()).await.expect("sent");
            all.push(raw);
        }
        for length in [1, 1 << 20] {
            let began = Instant::now();
            let answer = stage
                .ask(Ask::chat(chat_request("m", &"x".repeat(length))))
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(began.elapsed() < Duration::from_secs(1), "it waited");
        }
    });
}

#[test]
fn a_connection_that_brings_no_request_is_closed() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let half = "GET /livez HTTP/1.1\r\nhost:";
        for (greeting, is_told) in [
            ("", false),
            ("P", true),
            ("PRI * HTTP/2.0\r\n", false),
            (half, true),
        ] {
            let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
            raw.write_all(greeting.as_bytes()).await.expect("sent");
            let (said, after) = farewell(raw).await;
            assert!(after < Duration::from_secs(15), "{greeting:?}: {after:?}");
            let told = said.starts_with("HTTP/1.1 408 ") && said.contains("request_timeout");
            assert_eq!(told, is_told, "{greeting:?}: {said}");
        }
    });
}

#[test]
fn a_client_that_leaves_with_its_next_request_already_sent_ends_the_upstream() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::hang());
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let body = chat_request("m", "x");
        let head = format!("{HEAD}content-length: {}\r\n\r\n", body.len());
        let next = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
        let all = [head.as_bytes(), &body, next].concat();
        raw.write_all(&all).await.expect("sent");
        fake.until(|fake| fake.running() == 1).await;
        drop(raw);
        fake.until(|fake| fake.cancelled() == 1).await;
        assert_eq!(stage.settled(1).await[0].status, 499);
    });
}

#[test]
fn a_head_in_pieces_is_no_silence() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        for piece in [
            "P",
            "OS",
            "T /v1/nothing HTTP/1.1\r\n",
            "host: x\r\n",
            "\r\n",
        ] {
            raw.write_all(piece.as_bytes()).await.expect("sent");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let mut answer = vec![0; 4096];
        let got = raw.read(&mut answer).await.expect("an answer");
        assert!(answer[..got].starts_with(b"HTTP/1.1 404"));
    });
}

#[test]
fn a_head_that_others_may_read_differently_is_refused() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let odd = [
            "host: a\r\nhost: b\r\ncontent-length: 0\r\n",
            "content-length: 0\r\n",
            "host: a\r\ntransfer-encoding: gzip, chunked\r\n",
            "host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        ];
        for fields in odd {
            let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
            let head =
                format!("POST /v1/chat/completions HTTP/1.1\r\nx-api-key: sk-test\r\n{fields}\r\n");
            raw.write_all(head.as_bytes()).await.expect("sent");
            let mut answer = vec![0; 4096];
            let got = raw.read(&mut answer).await.expect("an answer");
            let answer = String::from_utf8_lossy(&answer[..got]).into_owned();
            assert!(answer.starts_with("HTTP/1.1 400"), "{fields}: {answer}");
        }
        assert!(stage.ended().is_empty());
    });
}

#[test]
fn names_that_clients_make_up_bloat_neither_metrics_nor_records() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let limits = Limits {
            requests_per_minute: Some(1),
            ..Limits::default()
        };
        let scene = testkit::Scene::new().provider(&fake).key("sk-test", limits);
        let stage = Stage::open(scene);
        let long = format!("fake/{}", "x".repeat(300));
        let answer = stage.ask(Ask::chat(chat_request(&long, "x"))).await;
        assert_eq!(answer.refusal(404), "model_not_found");
        for status in [200, 429, 429] {
            let name = format!("fake/made-up-{status}");
            let answer = stage.ask(Ask::chat(chat_request(&name, "x"))).await;
            assert_eq!(answer.status, status, "{}", answer.text());
        }
        let mut registry = prometheus_client::registry::Registry::default();
        stage.shared.metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        assert!(text.contains("\"fake/*\""), "{text}");
        assert!(!text.contains("made-up"), "{text}");
    });
}

/// Finds a word, but only in whole texts.
#[derive(Debug)]
struct Slow;

impl Guard for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn reads(&self, direction: Direction) -> bool {
        direction == Direction::Answer
    }

    fn screen(&self, _: Direction, texts: &[&str]) -> Vec<Finding> {
        let found = texts.iter().filter_map(|text| text.find("secret"));
        let finding = |at| Finding {
            guard: "slow".into(),
            kind: "deny",
            span: at..at + 6,
            action: Action::Block,
        };
        found.map(finding).collect()
    }

    fn stream(&self) -> Option<Box<dyn StreamGuard>> {
        None
    }
}

#[test]
fn a_guard_that_reads_no_streams_reads_the_whole_answer_before_any_of_it_leaves() {
    play(async || {
        let fake = FakeProvider::start().await;
        let policy = Policy {
            name: "p".to_owned(),
            guards: vec![Arc::new(Slow)],
            ..Policy::default()
        };
        let stage = Stage::open(usual(&fake).policy(policy));
        fake.script(vec![
            Reply::chat_stream(&["a sec", "ret"]),
            Reply::chat_stream(&["all ", "well"]),
        ]);
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert!(!answer.text().contains("sec"), "{}", answer.text());
        assert!(answer.text().contains("content_filter"));
        let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
        assert_eq!(text_of_stream(&answer.body), "all well");
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
    });
}

/// A stream of one word, and these bytes for its end.
fn ended_by(end: &str) -> Reply {
    let word = serde_json::json!({"content": "word"});
    let nothing = serde_json::json!({});
    Reply::sse([
        chunk("m", &word, None),
        chunk("m", &nothing, Some("stop")),
        end.to_owned().into(),
    ])
}

#[test]
fn an_end_mark_without_a_blank_line_ends_a_stream_and_its_absence_breaks_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        for (end, is_whole) in [
            ("data: [DONE]", true),
            ("data: [DONE]\r\n", true),
            ("data: [DON", false),
            ("", false),
        ] {
            fake.script(vec![ended_by(end)]);
            let answer = stage.ask(Ask::chat(stream_request("m", "x"))).await;
            assert_eq!(text_of_stream(&answer.body), "word");
            let says_error = answer.text().contains("\"error\"");
            assert_eq!(says_error, !is_whole, "{end:?}: {}", answer.text());
            assert_eq!(answer.text().ends_with("[DONE]\n\n"), end == "data: [DONE]");
        }
    });
}

#[test]
fn fewer_choices_than_asked_for_are_a_whole_answer() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat_stream(&["one"]));
        let stage = Stage::open(usual(&fake));
        let body = "{\"model\":\"m\",\"stream\":true,\"n\":2,\"messages\":[]}";
        let answer = stage.ask(Ask::chat(body)).await;
        assert!(
            answer.text().ends_with("data: [DONE]\n\n"),
            "{}",
            answer.text()
        );
    });
}

#[test]
fn a_client_says_how_old_a_kept_answer_may_be() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let policy = Policy {
            name: "c".to_owned(),
            cache: Some(Duration::from_secs(600)),
            ..Policy::default()
        };
        let stage = Stage::open(usual(&fake).policy(policy));
        let ask = || Ask::chat(chat_request("m", "x"));
        stage.ask(ask()).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        for (age, found) in [
            ("max-age=60", "hit"),
            ("max-age=20", "miss"),
            ("max-age=0", "miss"),
        ] {
            let answer = stage.ask(ask().with("cache-control", age)).await;
            assert_eq!(answer.header("x-portcullis-cache"), found, "{age}");
        }
    });
}

#[test]
fn a_refresh_on_request_keeps_the_new_answer() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::chat("old"), Reply::chat("new")]);
        let scene = usual(&fake).adjust(|s| s.cache_on_request = Some(Duration::from_secs(60)));
        let stage = Stage::open(scene);
        let ask = || Ask::chat(chat_request("m", "x")).with("x-portcullis-cache", "on");
        stage.ask(ask()).await;
        let answer = stage.ask(ask().with("cache-control", "no-cache")).await;
        assert_eq!(answer.header("x-portcullis-cache"), "miss");
        let answer = stage.ask(ask()).await;
        assert_eq!(answer.header("x-portcullis-cache"), "hit");
        assert!(answer.text().contains("new"));
    });
}

#[test]
fn the_list_of_models_has_a_request_id_and_may_be_looked_at_without_its_body() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        for method in ["GET", "HEAD"] {
            let ask = Ask::to(method, "/v1/models", "").key("sk-test");
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, 200);
            assert!(!answer.header("x-request-id").is_empty());
            assert_eq!(answer.body.is_empty(), method == "HEAD");
        }
    });
}
