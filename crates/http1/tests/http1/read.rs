//! What is read from requests that keep the rules.

use bytes::BytesMut;
use http::{Method, Version};
use http1::{Ask, Bounds, Length, Reader};

use super::ask;

fn good(text: &[u8]) -> Ask {
    ask(text).expect("valid").expect("complete")
}

#[test]
fn a_plain_request_is_read() {
    let text = b"POST /v1/chat?x=1 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 12\r\n\r\nrest";
    let mut buffer = BytesMut::from(&text[..]);
    let ask = Reader::default()
        .ask(&mut buffer, &Bounds::default())
        .expect("valid")
        .expect("complete");
    assert_eq!(ask.method, Method::POST);
    assert_eq!(ask.uri, "/v1/chat?x=1");
    assert_eq!(ask.length, Length::Exact(12));
    assert!(ask.keep_alive && !ask.expects_continue);
    assert_eq!(buffer, "rest");
}

#[test]
fn white_space_around_a_value_is_no_part_of_it() {
    let ask = good(b"GET / HTTP/1.1\r\nHost:\ta \r\nX:  b\tc \t\r\nY:\r\nZ:\xe4\r\n\r\n");
    assert_eq!(ask.fields.text("host"), Some("a"));
    assert_eq!(ask.fields.text("x"), Some("b\tc"));
    assert_eq!(ask.fields.text("y"), Some(""));
    assert_eq!(ask.fields.get("z"), Some(&b"\xe4"[..]));
}

#[test]
fn a_field_may_stand_twice_where_nothing_hangs_on_it() {
    let ask = good(b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\n\r\n");
    let values: Vec<_> = ask.fields.texts("x").collect();
    assert_eq!(values, ["1", "2"]);
}

#[test]
fn lengths_are_read() {
    let cases: [(&str, Length); 6] = [
        ("", Length::None),
        ("Content-Length: 0\r\n", Length::Exact(0)),
        ("Content-Length:\t7 \r\n", Length::Exact(7)),
        (
            "Content-Length: 9999999999999999999\r\n",
            Length::Exact(9_999_999_999_999_999_999),
        ),
        ("Transfer-Encoding: chunked\r\n", Length::Chunked),
        ("TRANSFER-ENCODING:Chunked \r\n", Length::Chunked),
    ];
    for (field, length) in cases {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n");
        assert_eq!(good(text.as_bytes()).length, length, "{field}");
    }
}

#[test]
fn the_connection_goes_on_as_version_and_field_say() {
    let cases = [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: keep-alive, CLOSE\r\n", false),
        (
            "HTTP/1.1",
            "Connection: x\r\nConnection: ,Close,\r\n",
            false,
        ),
        (
            "HTTP/1.1",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
            true,
        ),
        ("HTTP/1.1", "Connection: close-not\r\n", true),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
    ];
    for (version, field, stays) in cases {
        let text = format!("GET / {version}\r\nHost: a\r\n{field}\r\n");
        assert_eq!(good(text.as_bytes()).keep_alive, stays, "{version} {field}");
    }
}

#[test]
fn only_a_client_with_a_body_waits_for_the_go_ahead() {
    let expects = |version: &str, fields: &str| {
        let text = format!("POST / {version}\r\nHost: a\r\n{fields}\r\n");
        good(text.as_bytes()).expects_continue
    };
    assert!(expects(
        "HTTP/1.1",
        "Expect: 100-Continue\r\nContent-Length: 5\r\n"
    ));
    assert!(!expects("HTTP/1.1", "Expect: 100-continue\r\n"));
    assert!(!expects("HTTP/1.1", "Content-Length: 5\r\n"));
    assert!(!expects(
        "HTTP/1.0",
        "Expect: 100-continue\r\nContent-Length: 5\r\n"
    ));
    assert!(!expects(
        "HTTP/1.0",
        "Expect: another\r\nContent-Length: 5\r\n"
    ));
}

#[test]
fn two_blank_lines_may_stand_before_a_request_and_many_requests_follow() {
    let one = b"\r\n\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut buffer = BytesMut::from(&one.repeat(3)[..]);
    let mut reader = Reader::default();
    for _ in 0..3 {
        let ask = reader.ask(&mut buffer, &Bounds::default()).expect("valid");
        assert_eq!(ask.expect("complete").uri, "/1");
    }
    assert!(buffer.is_empty());
}

#[test]
fn hosts_of_every_form_are_taken() {
    for host in [
        "a",
        "a.b-c_d~:1",
        "127.0.0.1:65535",
        "[::1]",
        "[::ffff:1.2.3.4]:80",
    ] {
        good(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    }
    assert_eq!(good(b"GET / HTTP/1.0\r\n\r\n").version, Version::HTTP_10);
}
