//! The connections themselves, with a hand on each end: what moves, when it
//! ends, and what is never done twice.

use std::time::Duration;

use domain::policy::RetryPolicy;
use testkit::openai::{chat_answer, chat_request, chunk, stream_request};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::stage::{Ask, KEY, Stage, play, play_live, usual};

const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-test\r\n";

fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{head}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A chat answer that keeps the connection.
fn answer() -> Vec<u8> {
    let message = serde_json::json!({"role": "assistant", "content": "x"});
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    request(head, &chat_answer("m", &message, "stop"))
}

/// An upstream that the test plays itself, never asked a second time by
/// policy.
async fn upstream() -> (TcpListener, Stage) {
    upstream_with(0).await
}

async fn upstream_with(retries: u32) -> (TcpListener, Stage) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let scene = Scene::new()
        .provider_at("fake", address)
        .key(KEY, Limits::default())
        .model("m");
    let stage = Stage::open(scene.adjust(|snapshot| {
        snapshot.retry = RetryPolicy {
            retries,
            ..snapshot.retry
        };
    }));
    (listener, stage)
}

/// Reads a request whole.
async fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.expect("a request");
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "{text}");
            continue;
        };
        let length = head.split("content-length: ").nth(1).expect("a length");
        let length: usize = length.lines().next().unwrap_or("").parse().expect("digits");
        if body.len() >= length {
            return bytes;
        }
    }
}

#[test]
fn an_http_1_0_client_sees_the_end_of_a_stream_although_it_keeps_connections() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat_stream(&["a", "b"]));
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let head = HEAD.replace("HTTP/1.1", "HTTP/1.0") + "connection: keep-alive\r\n";
        let sent = request(&head, &stream_request("m", "x"));
        raw.write_all(&sent).await.expect("sent");
        let started = Instant::now();
        let mut said = String::new();
        raw.read_to_string(&mut said).await.expect("an end");
        assert!(said.ends_with("data: [DONE]\n\n"), "{said}");
        assert!(said.contains("connection: close"), "{said}");
        assert!(started.elapsed() < Duration::from_secs(5), "waited");
    });
}

/// The client reads nothing until the connection is full; meanwhile the
/// upstream brings more. Whoever is woken by that must not be the last one.
#[test]
fn a_stream_goes_on_as_soon_as_its_client_reads_again() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let text = "x".repeat(30_000);
        let delta = serde_json::json!({"content": text});
        let piece = chunk("m", &delta, None);
        let end = chunk("m", &serde_json::json!({}), Some("stop"));
        let pieces =
            std::iter::repeat_n(piece, 600).chain([end, bytes::Bytes::from("data: [DONE]\n\n")]);
        let reply = Reply::sse(pieces).delay_between(Duration::from_micros(100));
        fake.always(reply);
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let sent = request(HEAD, &stream_request("m", "x"));
        raw.write_all(&sent).await.expect("sent");
        let mut said = Vec::new();
        let mut piece = vec![0; 1 << 20];
        while !said.ends_with(b"0\r\n\r\n") {
            // Now and then it takes nothing, and the connection fills up.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let reading = timeout(Duration::from_secs(1), raw.read(&mut piece));
            let read = reading.await.expect("it goes on").expect("bytes");
            assert!(read > 0, "it broke");
            said.extend_from_slice(&piece[..read]);
        }
        assert_eq!(count(&said, b"data: [DONE]"), 1);
    });
}

fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|w| *w == word).count()
}

/// Asks once, and keeps the connection.
async fn with_kept((listener, stage): &(TcpListener, Stage)) -> TcpStream {
    let first = stage.ask(Ask::chat(chat_request("m", "x")));
    let playing = async {
        let (mut kept, _) = listener.accept().await.expect("a connection");
        heard(&mut kept).await;
        kept.write_all(&answer()).await.expect("sent");
        kept
    };
    let (answered, kept) = tokio::join!(first, playing);
    assert_eq!(answered.status, 200);
    kept
}

/// Answers a request on a connection of its own.
async fn by_a_fresh_one(listener: &TcpListener) {
    let (mut fresh, _) = listener.accept().await.expect("a connection");
    heard(&mut fresh).await;
    fresh.write_all(&answer()).await.expect("sent");
}

#[test]
fn what_somebody_may_have_worked_on_is_not_sent_again_without_a_policy() {
    for worked in [0, 300, 5_000] {
        play(async || {
            let scene = upstream().await;
            let mut kept = with_kept(&scene).await;
            let (listener, stage) = &scene;
            let second = stage.ask(Ask::chat(chat_request("m", "y")));
            let playing = async {
                heard(&mut kept).await;
                tokio::time::sleep(Duration::from_millis(worked)).await;
                drop(kept);
                timeout(Duration::from_secs(60), listener.accept()).await
            };
            let (answered, again) = tokio::join!(second, playing);
            assert!(again.is_err(), "asked again after {worked} ms");
            assert_eq!(answered.status, 502, "{answered:?}");
            let ended = stage.settled(2).await;
            assert_eq!(ended[1].attempts, 1);
        });
    }
}

#[test]
fn what_is_sent_again_by_policy_is_counted_and_goes_by_a_fresh_connection() {
    play(async || {
        let scene = upstream_with(1).await;
        let (listener, stage) = &scene;
        // Two connections are kept, and end as the upstream does.
        let both = [(); 2].map(|()| stage.ask(Ask::chat(chat_request("m", "x"))));
        let playing = async {
            let mut kept = Vec::new();
            for _ in 0..2 {
                kept.push(listener.accept().await.expect("a connection").0);
            }
            for one in &mut kept {
                heard(one).await;
            }
            for one in &mut kept {
                one.write_all(&answer()).await.expect("sent");
            }
            kept
        };
        let [first, second] = both;
        let (first, second, mut kept) = tokio::join!(first, second, playing);
        assert_eq!((first.status, second.status), (200, 200));
        let third = stage.ask(Ask::chat(chat_request("m", "y")));
        let playing = async {
            let mut newest = kept.pop().expect("two");
            heard(&mut newest).await;
            drop(newest);
            by_a_fresh_one(listener).await;
        };
        let (answered, ()) = tokio::join!(third, playing);
        assert_eq!(answered.status, 200, "{answered:?}");
        assert_eq!(stage.settled(3).await[2].attempts, 2);
    });
}

#[test]
fn a_kept_connection_that_has_ended_costs_no_attempt() {
    for is_reset in [false, true] {
        play(async || {
            let scene = upstream().await;
            let kept = with_kept(&scene).await;
            let (listener, stage) = &scene;
            if is_reset {
                let socket = socket2::SockRef::from(&kept);
                let done = socket.set_linger(Some(Duration::ZERO));
                done.expect("a reset");
            }
            drop(kept);
            let second = stage.ask(Ask::chat(chat_request("m", "y")));
            let (answered, ()) = tokio::join!(second, by_a_fresh_one(listener));
            assert_eq!(answered.status, 200, "{answered:?}");
            assert_eq!(stage.settled(2).await[1].attempts, 1);
        });
    }
}

#[test]
fn an_upstream_that_answers_early_still_gets_the_whole_request() {
    play_live(async || {
        let (listener, stage) = upstream().await;
        let large = chat_request("m", &"x".repeat(16 << 20));
        let length = large.len();
        let asked = stage.ask(Ask::chat(large));
        let playing = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let answer = answer();
            let (head, body) = answer.split_at(answer.len() - 10);
            stream.write_all(head).await.expect("sent");
            let mut got = 0;
            let mut piece = vec![0; 1 << 20];
            while got < length {
                let read = timeout(Duration::from_secs(5), stream.read(&mut piece));
                got += read.await.expect("it goes on").expect("bytes");
            }
            stream.write_all(body).await.expect("sent");
        };
        let (answered, ()) = tokio::join!(asked, playing);
        assert_eq!(answered.status, 200);
    });
}

#[test]
fn http_2_begins_a_connection_or_nothing() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let sent = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        raw.write_all(sent).await.expect("sent");
        let mut said = String::new();
        raw.read_to_string(&mut said).await.expect("text");
        let statuses: Vec<&str> = said.matches("HTTP/1.1 ").collect();
        assert_eq!(statuses.len(), 2, "{said}");
        assert!(said.contains("unsupported_http_version"), "{said}");
    });
}

#[test]
fn a_kept_connection_that_the_upstream_closes_is_closed_here_too() {
    play(async || {
        let (listener, stage) = upstream().await;
        let asked = stage.ask(Ask::chat(chat_request("m", "x")));
        let playing = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            heard(&mut stream).await;
            stream.write_all(&answer()).await.expect("sent");
            stream.shutdown().await.expect("half closed");
            let mut one = [0; 1];
            let closed = timeout(Duration::from_secs(15), stream.read(&mut one));
            closed.await.expect("closed in time").expect("the end")
        };
        let (answered, end) = tokio::join!(asked, playing);
        assert_eq!((answered.status, end), (200, 0));
    });
}
