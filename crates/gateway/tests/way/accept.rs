//! What is not well-formed is refused clearly, and nothing reaches the
//! upstream.

use std::io::Write as _;
use std::time::Duration;

use testkit::openai::chat_request;
use testkit::{FakeProvider, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Ask, Stage, play, usual};

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

/// A brotli stream of one stored block.
fn brotli(data: &[u8]) -> Vec<u8> {
    let head = ((data.len() - 1) << 4) | (1 << 20);
    let mut out = head.to_le_bytes()[..3].to_vec();
    out.extend_from_slice(data);
    out.push(3);
    out
}

fn zstd(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn compressed_bodies_arrive_plain() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("hello"));
        let stage = Stage::open(usual(&fake));
        let plain = chat_request("m", "hello");
        let all = [
            ("gzip", gzip(&plain)),
            ("br", brotli(&plain)),
            ("zstd", zstd(&plain)),
        ];
        for (name, body) in all {
            let ask = Ask::chat(body).with("content-encoding", name);
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(fake.last_request().body, plain);
            assert_eq!(fake.last_request().header("content-encoding"), "");
        }
    });
}

/// Asks all of these; each must be refused with this status and code.
fn all_are_refused(cases: Vec<(&str, Ask, u16, &str)>) {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).adjust(|s| s.bounds.body = 2 << 20));
        for (name, ask, status, code) in cases {
            let got = stage.ask(ask).await.refusal(status);
            assert!(code.is_empty() || got == code, "{name}: {got}");
        }
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn json_that_is_wrong_gets_a_clear_4xx_and_goes_nowhere() {
    let deep = format!(
        "{{\"model\":\"m\",\"x\":{}1{}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    let message = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]";
    let twice = format!("{{\"model\":\"m\",{message},\"model\":\"n\"}}");
    let escaped = format!("{{\"model\":\"m\",{message},\"m\\u006fdel\":\"n\"}}");
    let more = [&chat_request("m", "x")[..], b"{}"].concat();
    let nameless = Ask::chat(format!("{{{message}}}"));
    let form = Ask::chat("a=b").with("content-type", "application/x-www-form-urlencoded");
    all_are_refused(vec![
        ("twice", Ask::chat(twice), 400, "duplicate_key"),
        ("escaped twice", Ask::chat(escaped), 400, "duplicate_key"),
        ("deep", Ask::chat(deep), 400, "json_too_deep"),
        ("empty", Ask::chat(""), 400, "invalid_json"),
        ("prose", Ask::chat("hello"), 400, "invalid_json"),
        ("an array", Ask::chat("[1]"), 400, ""),
        ("no model", nameless, 400, "missing_required_parameter"),
        ("more than one", Ask::chat(more), 400, "invalid_json"),
        (
            "not utf-8",
            Ask::chat(&b"{\"model\":\"\xff\"}"[..]),
            400,
            "invalid_json",
        ),
        ("form", form, 415, "unsupported_media_type"),
    ]);
}

#[test]
fn a_body_that_is_damaged_or_too_large_gets_a_clear_4xx_and_goes_nowhere() {
    let coded = |name: &str, body: Vec<u8>| Ask::chat(body).with("content-encoding", name);
    let half = gzip(&chat_request("m", "x"))[..20].to_vec();
    let (bomb, large) = (gzip(&vec![b' '; 3 << 20]), vec![b' '; (2 << 20) + 1]);
    let unknown = "unsupported_content_encoding";
    all_are_refused(vec![
        (
            "bad gzip",
            coded("gzip", b"no".to_vec()),
            400,
            "invalid_content_encoding",
        ),
        (
            "half a gzip",
            coded("gzip", half),
            400,
            "invalid_content_encoding",
        ),
        ("compress", coded("compress", vec![1]), 415, unknown),
        ("two encodings", coded("gzip, gzip", vec![1]), 415, unknown),
        ("bomb", coded("gzip", bomb), 413, "request_too_large"),
        ("large", Ask::chat(large), 413, "request_too_large"),
    ]);
}

#[test]
fn a_chunked_body_is_bounded_while_it_comes() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).adjust(|s| s.bounds.body = 1000));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-test\r\ntransfer-encoding: chunked\r\n\r\n";
        raw.write_all(head.as_bytes()).await.expect("sent");
        let piece = format!("258\r\n{}\r\n", " ".repeat(600));
        raw.write_all(piece.repeat(2).as_bytes())
            .await
            .expect("sent");
        let mut answer = vec![0; 4096];
        let read = raw.read(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    });
}

#[test]
fn a_request_framed_in_two_ways_is_not_taken_for_two() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("x"));
        let stage = Stage::open(usual(&fake));
        let mut raw = TcpStream::connect(stage.address).await.expect("a gateway");
        let hidden = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-test\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        raw.write_all(format!("{head}{hidden}").as_bytes())
            .await
            .expect("sent");
        let mut answer = Vec::new();
        let reading = raw.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(5), reading).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn a_wrong_path_or_method_says_so() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(Ask::to("POST", "/v1/nothing", "")).await;
        assert_eq!(answer.refusal(404), "unknown_route");
        let answer = stage.ask(Ask::to("GET", "/v1/chat/completions", "")).await;
        assert_eq!(answer.refusal(405), "method_not_allowed");
        assert_eq!(answer.header("allow"), "POST");
    });
}
