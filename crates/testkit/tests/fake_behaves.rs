//! The fake does what its script says, on the wire.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by a panic"
)]

use std::time::Duration;

use testkit::openai::{self, read_sse, text_of_stream};
use testkit::{FakeProvider, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn ask(fake: &FakeProvider, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(fake.address()).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// Everything until the end or the break, and whether it was a break.
async fn read(mut stream: TcpStream) -> (String, bool) {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await {
            Ok(0) => return (String::from_utf8(all).unwrap(), false),
            Ok(n) => all.extend_from_slice(&piece[..n]),
            Err(_) => return (String::from_utf8(all).unwrap(), true),
        }
    }
}

/// The data of a chunked body, read the short way: the fake's events hold no
/// line that is a number alone.
fn events(answer: &str) -> String {
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let lines = body
        .split("\r\n")
        .filter(|l| usize::from_str_radix(l, 16).is_err());
    lines.collect()
}

#[tokio::test]
async fn it_answers_in_the_order_of_its_script_and_remembers() {
    let fake = FakeProvider::start().await;
    fake.script(vec![Reply::chat("one"), Reply::status(429).retry_after(7)]);
    let request = openai::chat_request("m", "hello");
    let (first, _) = read(ask(&fake, &request).await).await;
    let (second, _) = read(ask(&fake, &request).await).await;
    let (third, _) = read(ask(&fake, &request).await).await;
    assert!(
        first.starts_with("HTTP/1.1 200") && first.contains("\"one\""),
        "{first}"
    );
    assert!(first.contains("\"model\":\"m\""));
    assert!(second.starts_with("HTTP/1.1 429") && second.contains("retry-after: 7"));
    assert!(third.contains("script is over"));
    assert_eq!(fake.count(), 3);
    assert_eq!(fake.last_request().body, request);
    assert_eq!(fake.last_request().path, "/v1/chat/completions");
    assert_eq!((fake.finished(), fake.cancelled()), (3, 0));
}

#[tokio::test]
async fn a_stream_has_usage_only_if_it_was_asked_for() {
    let fake = FakeProvider::start().await;
    fake.always(Reply::chat_stream(&["Hel", "lo"]));
    let (plain, _) = read(ask(&fake, &openai::stream_request("m", "x")).await).await;
    let (asked, _) = read(ask(&fake, &openai::stream_request_with_usage("m", "x")).await).await;
    let (plain, asked) = (events(&plain), events(&asked));
    assert_eq!(text_of_stream(plain.as_bytes()), "Hello");
    assert_eq!(read_sse(plain.as_bytes()).last().unwrap(), "[DONE]");
    assert!(!plain.contains("prompt_tokens"));
    assert!(asked.contains("\"prompt_tokens\":11"));
}

#[tokio::test]
async fn a_reset_comes_after_exactly_so_many_bytes() {
    let fake = FakeProvider::start().await;
    fake.script(vec![Reply::json("0123456789").reset_after(4)]);
    let (answer, broke) = read(ask(&fake, b"{}").await).await;
    assert!(answer.ends_with("\r\n\r\n0123"), "{answer}");
    assert!(broke);
    assert_eq!((fake.finished(), fake.cancelled()), (1, 0));
}

#[tokio::test]
async fn a_truncated_answer_promises_more_than_it_sends() {
    let fake = FakeProvider::start().await;
    fake.script(vec![Reply::json("0123456789").truncate_after(4)]);
    let (answer, broke) = read(ask(&fake, b"{}").await).await;
    assert!(answer.contains("content-length: 10") && answer.ends_with("\r\n\r\n0123"));
    assert!(!broke);
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted_before_and_in_the_answer() {
    let fake = FakeProvider::start().await;
    fake.script(vec![Reply::hang(), Reply::chat_stream(&["a"]).then_hang()]);
    let first = ask(&fake, b"{}").await;
    fake.until(|f| f.count() == 1).await;
    drop(first);
    fake.until(|f| f.cancelled() == 1).await;
    let mut second = ask(&fake, b"{}").await;
    let mut piece = [0; 16];
    second.read_exact(&mut piece).await.unwrap();
    assert_eq!(fake.running(), 1);
    drop(second);
    fake.until(|f| f.cancelled() == 2).await;
    assert_eq!((fake.running(), fake.finished()), (0, 0));
}

#[tokio::test]
async fn delays_pass_on_the_paused_clock() {
    let fake = FakeProvider::start().await;
    let hour = Duration::from_secs(3600);
    fake.script(vec![
        Reply::chat_stream(&["a", "b"])
            .delay_head(hour)
            .delay_between(hour),
    ]);
    let stream = ask(&fake, b"{}").await;
    fake.until(|f| f.count() == 1).await;
    tokio::time::pause();
    let (answer, _) = read(stream).await;
    assert_eq!(text_of_stream(events(&answer).as_bytes()), "ab");
}
