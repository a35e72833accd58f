//! What is written can be read, and says nothing that was not meant.

use bytes::BytesMut;
use http::{Method, StatusCode, Version};
use http1::{AnswerFraming, Fields, Length, write_answer, write_ask, write_chunk_head};

use super::{answer, ask};

const DATE: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";

fn fields(all: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in all {
        fields.add(name, value);
    }
    fields
}

fn written_ask(method: &Method, target: &str, fields: &Fields, length: Length) -> String {
    let mut out = BytesMut::new();
    write_ask(&mut out, method, target, fields, &length);
    String::from_utf8(out.to_vec()).expect("text")
}

fn written_answer(status: u16, fields: &Fields, length: Length, version: Version) -> String {
    let mut out = BytesMut::new();
    let framing = AnswerFraming {
        keep_alive: true,
        version,
        date: DATE,
    };
    let status = StatusCode::from_u16(status).expect("a status");
    write_answer(&mut out, status, fields, &length, framing);
    String::from_utf8(out.to_vec()).expect("text")
}

/// What belongs to one connection, and what the writers say themselves.
fn unwanted() -> Fields {
    fields(&[
        ("connection", "upgrade"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "x"),
        ("proxy-connection", "x"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("content-length", "99"),
        ("transfer-encoding", "gzip"),
        ("x", "kept"),
    ])
}

#[test]
fn a_request_begins_with_its_host_and_leaves_out_what_is_the_connections() {
    let mut fields = unwanted();
    fields.add("host", "a:80");
    assert_eq!(
        written_ask(&Method::POST, "/v1?x", &fields, Length::Exact(12)),
        "POST /v1?x HTTP/1.1\r\nhost: a:80\r\nx: kept\r\ncontent-length: 12\r\n\r\n"
    );
    assert_eq!(
        written_ask(&Method::POST, "/", &fields, Length::Chunked),
        "POST / HTTP/1.1\r\nhost: a:80\r\nx: kept\r\ntransfer-encoding: chunked\r\n\r\n"
    );
}

#[test]
fn a_request_without_a_body_says_so_where_one_is_awaited() {
    let fields = fields(&[("host", "a")]);
    let of = |method| written_ask(&method, "/", &fields, Length::None);
    assert_eq!(of(Method::GET), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(
        of(Method::PUT),
        "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"
    );
}

#[test]
fn a_target_injects_nothing() {
    let fields = fields(&[("host", "a")]);
    let target = "/x HTTP/1.1\r\nX: y\r\n\r\nGET /hidden\0#ä";
    let text = written_ask(&Method::GET, target, &fields, Length::None);
    assert_eq!(text.lines().count(), 3);
    let read = ask(text.as_bytes()).expect("valid").expect("complete");
    assert_eq!(
        read.uri,
        "/x%20HTTP/1.1%0D%0AX:%20y%0D%0A%0D%0AGET%20/hidden%00%23%C3%A4"
    );
}

#[test]
fn a_date_injects_nothing() {
    let mut out = BytesMut::new();
    let framing = AnswerFraming {
        keep_alive: true,
        version: Version::HTTP_11,
        date: b"x\r\nX: y",
    };
    write_answer(
        &mut out,
        StatusCode::OK,
        &Fields::default(),
        &Length::None,
        framing,
    );
    assert_eq!(out, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

#[test]
fn no_value_can_hold_a_line_end() {
    for value in [&b"a\r\nb"[..], b"a\nb", b"a\rb", b"a\0b", b"a\x7fb"] {
        let mut fields = Fields::default();
        fields.add("x", value);
        assert_eq!(fields.get("x"), Some(&b"ab"[..]));
    }
}

#[test]
fn a_field_that_is_set_stands_once() {
    let mut fields = fields(&[("x", "1"), ("y", "2"), ("x", "3")]);
    fields.set("x", "4");
    let all: Vec<_> = fields.iter().collect();
    assert_eq!(all, [(&b"y"[..], &b"2"[..]), (b"x", b"4")]);
    assert_eq!(Fields::from(&fields.to_map()).iter().count(), 2);
}

#[test]
fn an_answer_says_how_it_ends() {
    let new = |status, length| written_answer(status, &Fields::default(), length, Version::HTTP_11);
    let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let cases = [
        (
            200,
            Length::Exact(u64::MAX),
            "200 OK",
            "content-length: 18446744073709551615\r\n",
        ),
        (200, Length::None, "200 OK", "content-length: 0\r\n"),
        (
            200,
            Length::Chunked,
            "200 OK",
            "transfer-encoding: chunked\r\n",
        ),
        (200, Length::UntilClose, "200 OK", "connection: close\r\n"),
        (204, Length::None, "204 No Content", ""),
        (304, Length::Exact(5), "304 Not Modified", ""),
        (103, Length::None, "103 Early Hints", ""),
        (599, Length::None, "599 ", "content-length: 0\r\n"),
    ];
    for (status, length, start, end) in cases {
        assert_eq!(
            new(status, length),
            format!("HTTP/1.1 {start}\r\n{date}{end}\r\n")
        );
    }
}

#[test]
fn an_answer_in_http_1_0_says_that_it_stays_and_has_no_chunks() {
    let old = |length| written_answer(200, &Fields::default(), length, Version::HTTP_10);
    let start = "HTTP/1.0 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let stays = format!("{start}content-length: 5\r\nconnection: keep-alive\r\n\r\n");
    assert_eq!(old(Length::Exact(5)), stays);
    assert_eq!(
        old(Length::Chunked),
        format!("{start}connection: close\r\n\r\n")
    );
}

#[test]
fn an_answer_that_closes_says_so_and_leaves_out_what_is_the_connections() {
    let mut out = BytesMut::new();
    let framing = AnswerFraming {
        keep_alive: false,
        version: Version::HTTP_11,
        date: b"",
    };
    write_answer(
        &mut out,
        StatusCode::OK,
        &unwanted(),
        &Length::Exact(1),
        framing,
    );
    assert_eq!(
        out,
        "HTTP/1.1 200 OK\r\nx: kept\r\ncontent-length: 1\r\nconnection: close\r\n\r\n"
    );
}

#[test]
fn chunk_heads_are_hexadecimal() {
    for length in [1, 9, 10, 15, 16, 255, 4096, 65_535, usize::MAX] {
        let mut out = BytesMut::new();
        write_chunk_head(&mut out, length);
        assert_eq!(out, format!("{length:x}\r\n"));
    }
}

#[test]
fn what_is_written_is_read_again() {
    let fields = fields(&[("host", "a"), ("accept", "*/*"), ("x", "1"), ("x", "2")]);
    for length in [Length::Exact(0), Length::Exact(7), Length::Chunked] {
        let text = written_ask(&Method::POST, "/a?b", &fields, length);
        let read = ask(text.as_bytes()).expect("valid").expect("complete");
        assert_eq!(
            (read.length, read.uri.to_string()),
            (length, "/a?b".to_owned())
        );
        assert_eq!(read.fields.all("x").count(), 2);
        let text = written_answer(201, &fields, length, Version::HTTP_11);
        let read = answer(text.as_bytes()).expect("valid").expect("complete");
        assert_eq!((read.length, read.status.as_u16()), (length, 201));
        assert!(read.keep_alive);
    }
}
