//! What heads cost: `cargo bench -p portcullis-http1`. The figure is the best
//! of many rounds: on a shared machine the mean measures the neighbours.
#![expect(clippy::print_stdout, reason = "a measurement talks to the terminal")]

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use http::{Method, StatusCode, Version};
use http1::{AnswerFraming, Bounds, Fields, Length, Reader, write_answer, write_ask};

const ASK: &[u8] = b"POST /v1/chat/completions HTTP/1.1\r\n\
    Host: 127.0.0.1:8080\r\n\
    Authorization: Bearer sk-pc-0123456789abcdef0123456789abcdef\r\n\
    Content-Type: application/json\r\n\
    Accept: application/json\r\n\
    User-Agent: OpenAI/Python 1.99.1\r\n\
    Accept-Encoding: gzip, deflate\r\n\
    Connection: keep-alive\r\n\
    Content-Length: 312\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    Content-Type: application/json\r\n\
    Content-Length: 512\r\n\
    x-request-id: req_0123456789abcdef\r\n\r\n";
const FIELDS: [(&str, &str); 12] = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-request-id", "req_0123456789abcdef0123"),
    ("x-ratelimit-limit-requests", "1000"),
    ("x-ratelimit-remaining-requests", "999"),
    ("x-ratelimit-reset-requests", "60ms"),
    ("x-ratelimit-limit-tokens", "100000"),
    ("x-ratelimit-remaining-tokens", "99000"),
    ("x-ratelimit-reset-tokens", "60ms"),
    ("x-portcullis-model", "model-name"),
    ("x-portcullis-cost", "0.000012"),
    ("server-timing", "upstream;dur=12"),
];
const HEADS: usize = 32;

/// The least time of a head, over rounds of [`HEADS`] whose buffers `prepare`
/// makes outside of the measurement.
fn measure(what: &str, prepare: impl Fn() -> BytesMut, mut step: impl FnMut(&mut BytesMut)) {
    let mut best = f64::INFINITY;
    for _ in 0..4000 {
        let mut buffer = prepare();
        let start = Instant::now();
        for _ in 0..HEADS {
            step(&mut buffer);
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / HEADS as f64);
    }
    println!("{what}: {best:.0} ns");
}

fn main() {
    let bounds = Bounds::default();
    let mut reader = Reader::default();
    let full = |head: &[u8]| BytesMut::from(&head.repeat(HEADS)[..]);
    measure(
        "read a request's head of 8 fields",
        || full(ASK),
        |buffer| {
            black_box(
                reader
                    .ask(buffer, &bounds)
                    .expect("valid")
                    .expect("complete"),
            );
        },
    );
    measure(
        "read an answer's head of 4 fields",
        || full(ANSWER),
        |buffer| {
            let answer = reader.answer(buffer, &bounds, &Method::GET);
            black_box(answer.expect("valid").expect("complete"));
        },
    );
    let mut fields = Fields::default();
    for (name, value) in FIELDS {
        fields.add(name, value);
    }
    let framing = AnswerFraming {
        keep_alive: true,
        version: Version::HTTP_11,
        date: b"Sun, 06 Nov 1994 08:49:37 GMT",
    };
    let room = || BytesMut::with_capacity(4096);
    measure("write an answer's head of 12 fields", room, |out| {
        out.clear();
        let length = Length::Exact(512);
        write_answer(out, StatusCode::OK, black_box(&fields), &length, framing);
    });
    fields.add("host", "api.example");
    measure("write a request's head of 12 fields", room, |out| {
        out.clear();
        let length = Length::Exact(512);
        write_ask(out, &Method::POST, "/v1/chat", black_box(&fields), &length);
    });
}
