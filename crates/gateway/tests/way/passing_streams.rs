//! Bodies that pass through while they come: what moves when, and who notices
//! that the other one has stopped.

use std::time::Duration;

use bytes::Bytes;
use domain::model::{HttpVersion, PassThrough};
use domain::record::Outcome;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::stage::{KEY, Stage, play, play_live};

const MANY: usize = 4 << 20;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn open(scene: Scene) -> Stage {
    let scene = scene.key(KEY, Limits::default());
    Stage::open(scene.with(|provider| provider.pass_through = PassThrough::All))
}

/// An upstream that the test plays itself.
async fn upstream() -> (TcpListener, Stage) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stage = open(Scene::new().provider_at("fake", address));
    (listener, stage)
}

/// Begins an upload of so many bytes.
async fn begin(stage: &Stage, length: usize) -> TcpStream {
    let mut client = TcpStream::connect(stage.address).await.expect("a gateway");
    let head = format!(
        "POST /providers/fake/files HTTP/1.1\r\nhost: g\r\nx-api-key: {KEY}\r\n\
         content-length: {length}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.expect("sent");
    client
}

/// Reads at least so many bytes, or up to the end.
async fn read(stream: &mut TcpStream, least: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < least && stream.read_buf(&mut bytes).await.expect("bytes") > 0 {}
    bytes
}

#[test]
fn a_provider_has_the_beginning_before_the_end_was_sent() {
    play_live(async || {
        let (listener, stage) = upstream().await;
        let mut client = begin(&stage, MANY).await;
        client.write_all(&vec![b'x'; MANY / 2]).await.expect("sent");
        let (mut provider, _) = listener.accept().await.expect("asked");
        let seen = read(&mut provider, MANY / 2).await.len();
        assert!(seen >= MANY / 2);
        client.write_all(&vec![b'y'; MANY / 2]).await.expect("sent");
        let rest = read(&mut provider, MANY + 100 - seen).await.len();
        assert!(seen + rest > MANY);
        provider.write_all(OK).await.expect("answered");
        let said = read(&mut client, 15).await;
        assert!(said.starts_with(b"HTTP/1.1 200 "));
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.passed.map(|it| it.bytes_in), Some(MANY as u64));
    });
}

/// What is said of the bytes on their way is not worth another request's room.
#[test]
fn what_has_passed_is_said_only_while_the_journal_has_room_for_others() {
    play_live(async || {
        let (listener, stage) = upstream().await;
        let mut client = begin(&stage, MANY).await;
        client.write_all(&vec![b'x'; MANY / 2]).await.expect("sent");
        let (mut provider, _) = listener.accept().await.expect("asked");
        let seen = read(&mut provider, MANY / 2).await.len();
        let said = stage.records().len();
        assert!(said > 5, "{said}");
        let journal = &stage.shared.journal;
        let slots: Vec<_> = std::iter::from_fn(|| journal.reserve()).collect();
        client.write_all(&vec![b'y'; MANY / 2]).await.expect("sent");
        read(&mut provider, MANY + 100 - seen).await;
        assert_eq!(stage.records().len(), said);
        provider.write_all(OK).await.expect("answered");
        read(&mut client, 15).await;
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.passed.map(|it| it.bytes_in), Some(MANY as u64));
        drop(slots);
    });
}

#[test]
fn who_leaves_within_a_body_ends_the_exchange() {
    play_live(async || {
        let (listener, stage) = upstream().await;
        let mut client = begin(&stage, MANY).await;
        client.write_all(&vec![b'x'; MANY / 2]).await.expect("sent");
        let (mut provider, _) = listener.accept().await.expect("asked");
        read(&mut provider, MANY / 4).await;
        drop(client);
        let rest = read(&mut provider, MANY).await;
        assert!(rest.len() < MANY, "no end that looks like one");
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.outcome, Outcome::Refused);
        assert_eq!(record.error.as_deref(), Some("request_incomplete"));
    });
}

#[test]
fn a_provider_that_stops_reading_stops_its_client() {
    play_live(async || {
        let (listener, stage) = upstream().await;
        let stalled = 30 << 20;
        let mut client = begin(&stage, stalled).await;
        let sending = async {
            let mut sent = 0;
            while client.write_all(&vec![b'x'; 1 << 16]).await.is_ok() {
                sent += 1 << 16;
                if sent == stalled {
                    break;
                }
            }
        };
        let stops = timeout(Duration::from_secs(1), sending).await;
        assert!(stops.is_err(), "somebody holds all of it");
        let (mut provider, _) = listener.accept().await.expect("asked");
        assert!(!read(&mut provider, 1000).await.is_empty());
    });
}

#[test]
fn a_refusal_in_the_middle_of_a_body_comes_at_once() {
    play_live(async || {
        let (listener, stage) = upstream().await;
        let mut client = begin(&stage, MANY).await;
        client.write_all(&vec![b'x'; MANY / 2]).await.expect("sent");
        let (mut provider, _) = listener.accept().await.expect("asked");
        read(&mut provider, 1000).await;
        let no = b"HTTP/1.1 413 No\r\ncontent-length: 9\r\n\r\ntoo large";
        provider.write_all(no).await.expect("answered");
        let said = read(&mut client, 1000).await;
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
        assert!(said.ends_with("too large"), "{said}");
        assert!(said.contains("connection: close"), "{said}");
        // Nor does anybody else get a connection in the middle of a body.
        read(&mut provider, usize::MAX).await;
        stage.settled(1).await;
    });
}

#[test]
fn any_other_early_answer_waits_for_the_end_of_the_body() {
    play_live(async || {
        let (listener, stage) = upstream().await;
        let mut client = begin(&stage, MANY).await;
        client.write_all(&vec![b'x'; MANY / 2]).await.expect("sent");
        let (mut provider, _) = listener.accept().await.expect("asked");
        provider.write_all(OK).await.expect("answered");
        let early = timeout(Duration::from_millis(200), read(&mut client, 1));
        assert!(early.await.is_err());
        let sending = async {
            client.write_all(&vec![b'y'; MANY / 2]).await.expect("sent");
            read(&mut client, 15).await
        };
        let (said, seen) = tokio::join!(sending, read(&mut provider, MANY + 100));
        assert!(said.starts_with(b"HTTP/1.1 200 "));
        assert!(seen.len() > MANY);
    });
}

#[test]
fn a_client_is_told_to_go_on_once_the_provider_is_asked() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json("{}")]);
        let stage = open(Scene::new().provider(&fake));
        let mut client = TcpStream::connect(stage.address).await.expect("a gateway");
        let head = format!(
            "POST /providers/fake/files HTTP/1.1\r\nhost: g\r\nx-api-key: {KEY}\r\n\
             expect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await.expect("sent");
        assert_eq!(
            read(&mut client, 25).await,
            b"HTTP/1.1 100 Continue\r\n\r\n"
        );
        client.write_all(b"hello").await.expect("sent");
        assert!(read(&mut client, 15).await.starts_with(b"HTTP/1.1 200 "));
        assert_eq!(fake.last_request().body, "hello");
        assert_eq!(fake.last_request().header("expect"), "");
    });
}

#[test]
fn a_body_that_drips_is_cut_for_both() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let stage = open(Scene::new().provider(&fake));
        let mut client = begin(&stage, MANY).await;
        client.write_all(b"some").await.expect("sent");
        let said = read(&mut client, 15).await;
        assert!(said.starts_with(b"HTTP/1.1 408 "), "{said:?}");
        let record = stage.settled(1).await.remove(0);
        assert_eq!(record.error.as_deref(), Some("request_timeout"));
    });
}

/// Sends a request by HTTP/2.
async fn by_http2(stage: &Stage, body: Vec<u8>) -> Result<(u16, Bytes), hyper::Error> {
    let stream = TcpStream::connect(stage.address).await.expect("a gateway");
    let exec = gateway::accept::listen::LocalExec;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(exec, TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    let request = Request::post("http://gateway/providers/fake/files")
        .header("x-api-key", KEY)
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok((head.status.as_u16(), body.collect().await?.to_bytes()))
}

#[test]
fn clients_of_http2_pass_through_too_and_see_an_answer_break_off() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let file = Reply::json("x".repeat(3000)).header("content-type", "audio/mpeg");
        fake.script(vec![file.clone(), file.reset_after(100)]);
        let stage = open(Scene::new().provider(&fake));
        let body: Vec<u8> = (0..=255).cycle().take(MANY).collect();
        let (status, answer) = by_http2(&stage, body.clone()).await.expect("whole");
        assert_eq!((status, answer.len()), (200, 3000));
        assert!(fake.last_request().body == body, "not the same bytes");
        let broken = by_http2(&stage, body).await;
        assert!(broken.is_err(), "a clean end");
        let outcomes: Vec<_> = stage.settled(2).await.iter().map(|it| it.outcome).collect();
        assert_eq!(outcomes, [Outcome::Complete, Outcome::UpstreamBroke]);
    });
}

#[test]
fn a_provider_that_else_speaks_http2_is_asked_by_http1() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json("{}"));
        let scene = Scene::new().provider(&fake);
        let stage = open(scene.with(|provider| provider.http = HttpVersion::Http2));
        let answer = by_http2(&stage, b"x".to_vec()).await;
        assert_eq!(answer.expect("whole").0, 200);
        assert_eq!(fake.last_request().version, http::Version::HTTP_11);
    });
}
