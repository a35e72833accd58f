//! Answers: what real servers send, and what nobody may.

use http::{Method, StatusCode};
use http1::Fault::{self, *};
use http1::{Answer, Length};

use super::{answer, answer_to, expect};

fn good(text: &str) -> Answer {
    answer(text.as_bytes()).expect("valid").expect("complete")
}

#[test]
fn an_answer_with_two_readings_is_refused() {
    let cases: &[(&[u8], Fault)] = &[
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
            TwoLengths,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
            ContentLengthRepeated,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6",
            ContentLengthRepeated,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5,", ContentLength),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +5", ContentLength),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616",
            ContentLength,
        ),
        (b"HTTP/1.1 200 OK\r\nContent_Length: 5", Lookalike),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
            TransferEncoding,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip",
            TransferEncoding,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity",
            TransferEncoding,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            TransferEncodingRepeated,
        ),
        (
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
            TransferEncodingVersion,
        ),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c",
            Switched,
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5",
            InterimBody,
        ),
        (
            b"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked",
            InterimBody,
        ),
        (b"HTTP/1.1 200 OK\nX: y", LineEnd),
        (b"HTTP/1.1 200 O\rK", LineEnd),
        (b"HTTP/1.1 200 O\x00K", StatusLine),
        (b"HTTP/1.1 200OK", StatusLine),
        (b"HTTP/1.1  200 OK", StatusLine),
        (b"HTTP/1.1 20 OK", StatusLine),
        (b"HTTP/1.1 2000 OK", StatusLine),
        (b"HTTP/1.1 099 OK", StatusLine),
        (b"HTTP/1.1 +20 OK", StatusLine),
        (b"HTTP/1.1\t200 OK", StatusLine),
        (b"HTTP/1.1", StatusLine),
        (b"http/1.1 200 OK", StatusLine),
        (b"ICY 200 OK", StatusLine),
        (b"HTTP/2.0 200 OK", Version),
        (b"HTTP/1.1 200 OK\r\nX : y", FieldName),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n z", Folded),
        (b"HTTP/1.1 200 OK\r\nX: y\x00", FieldValue),
        (b"\r\nHTTP/1.1 200 OK", BlankLines),
    ];
    expect(cases, |head| {
        answer(&[head, &b"\r\n\r\n"[..]].concat()).err()
    });
}

#[test]
fn what_real_servers_send_is_read() {
    assert_eq!(good("HTTP/1.1 200\r\n\r\n").status, StatusCode::OK);
    assert_eq!(good("HTTP/1.1 200 \r\n\r\n").status, StatusCode::OK);
    assert_eq!(good("HTTP/1.1 599 Über\tall\r\n\r\n").status.as_u16(), 599);
    let twice = good("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 05, 5\r\n\r\n");
    assert_eq!(twice.length, Length::Exact(5));
    let lengths: Vec<_> = twice.fields.texts("content-length").collect();
    assert_eq!(lengths, ["5"]);
    assert!(!good("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: a b\r\n\r\n").keep_alive);
}

type Ending = (&'static str, &'static str, Length, bool);

/// Version and status, fields, then the length that they mean and whether the
/// connection stays.
#[rustfmt::skip]
const TO_A_GET: &[Ending] = &[
    ("1.1 200", "", Length::UntilClose, false),
    ("1.0 200", "", Length::UntilClose, false),
    ("1.0 200", "Connection: keep-alive\r\n", Length::UntilClose, false),
    ("1.0 200", "Content-Length: 5\r\n", Length::Exact(5), false),
    ("1.0 200", "Content-Length: 5\r\nConnection: keep-alive\r\n", Length::Exact(5), true),
    ("1.1 200", "Content-Length: 5\r\n", Length::Exact(5), true),
    ("1.1 200", "Content-Length: 5\r\nConnection: close\r\n", Length::Exact(5), false),
    ("1.1 200", "Transfer-Encoding: chunked\r\n", Length::Chunked, true),
    ("1.1 204", "", Length::None, true),
    ("1.1 204", "Content-Length: 0\r\n", Length::None, true),
    ("1.1 204", "Transfer-Encoding: chunked\r\n", Length::None, false),
    ("1.1 204", "Content-Length: 5\r\n", Length::None, false),
    ("1.1 304", "Content-Length: 5\r\n", Length::None, true),
    ("1.1 100", "", Length::None, true),
    ("1.1 103", "Link: <x>\r\n", Length::None, true),
];

const TO_A_HEAD: &[Ending] = &[
    ("1.1 200", "Content-Length: 5\r\n", Length::None, true),
    (
        "1.1 200",
        "Transfer-Encoding: chunked\r\n",
        Length::None,
        true,
    ),
    ("1.1 200", "", Length::None, true),
];

#[test]
fn an_answers_end_follows_method_status_and_fields() {
    for (method, endings) in [(Method::GET, TO_A_GET), (Method::HEAD, TO_A_HEAD)] {
        for (start, fields, length, stays) in endings {
            let text = format!("HTTP/{start} X\r\n{fields}\r\n");
            let answer = answer_to(&method, text.as_bytes())
                .expect("valid")
                .expect("complete");
            assert_eq!(
                (answer.length, answer.keep_alive),
                (*length, *stays),
                "{text}"
            );
        }
    }
}
