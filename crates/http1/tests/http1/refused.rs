//! Requests with two meanings, and the fault that each is.

use http1::Fault::{self, *};
use http1::{Bounds, Reader};

use bytes::BytesMut;

use super::{ask, expect};

fn fault(bytes: &[u8]) -> Option<Fault> {
    ask(bytes).err()
}

/// The field lines of a `POST` to a good host.
fn fields_fault(fields: &[u8]) -> Option<Fault> {
    fault(&[b"POST / HTTP/1.1\r\nHost: a\r\n", fields, b"\r\n\r\n"].concat())
}

#[test]
fn two_lengths_are_refused() {
    let cases: &[(&[u8], Fault)] = &[
        (
            b"Content-Length: 6\r\nTransfer-Encoding: chunked",
            TwoLengths,
        ),
        (
            b"Transfer-Encoding: chunked\r\nContent-Length: 6",
            TwoLengths,
        ),
        (
            b"Content-Length: 0\r\nTransfer-Encoding: chunked",
            TwoLengths,
        ),
        (
            b"Content-Length: 6\r\nTransfer-Encoding: identity",
            TwoLengths,
        ),
        (
            b"Content-Length: 6\r\ntransfer-encoding:chunked",
            TwoLengths,
        ),
        (b"Content-Length: 6\r\nTransfer-Encoding: x", TwoLengths),
    ];
    expect(cases, fields_fault);
}

#[test]
fn a_transfer_coding_with_two_readings_is_refused() {
    let cases: &[(&[u8], Fault)] = &[
        (
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            TransferEncodingRepeated,
        ),
        (
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
            TransferEncodingRepeated,
        ),
        (
            b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
            TransferEncodingRepeated,
        ),
        (
            b"Transfer-Encoding: chunked\r\nTransfer-encoding:",
            TransferEncodingRepeated,
        ),
        (b"Transfer-Encoding: xchunked", TransferEncoding),
        (b"Transfer-Encoding: chunkedx", TransferEncoding),
        (b"Transfer-Encoding: identity", TransferEncoding),
        (b"Transfer-Encoding: gzip", TransferEncoding),
        (b"Transfer-Encoding: gzip, chunked", TransferEncoding),
        (b"Transfer-Encoding: chunked, gzip", TransferEncoding),
        (b"Transfer-Encoding: chunked, chunked", TransferEncoding),
        (b"Transfer-Encoding: chunked, identity", TransferEncoding),
        (b"Transfer-Encoding: chunked,", TransferEncoding),
        (b"Transfer-Encoding: ,chunked", TransferEncoding),
        (b"Transfer-Encoding: chunked;q=1", TransferEncoding),
        (b"Transfer-Encoding: \"chunked\"", TransferEncoding),
        (b"Transfer-Encoding: 'chunked'", TransferEncoding),
        (b"Transfer-Encoding: ch\xfcnked", TransferEncoding),
        (b"Transfer-Encoding: chun ked", TransferEncoding),
        (b"Transfer-Encoding: \xc2\xa0chunked", TransferEncoding),
        (b"Transfer-Encoding:", TransferEncoding),
        (b"Transfer-Encoding: \x0bchunked", FieldValue),
        (b"Transfer-Encoding: \x0cchunked", FieldValue),
        (b"Transfer-Encoding: chunked\x00", FieldValue),
        (b"Transfer-Encoding: chunked\x7f", FieldValue),
        (b"Transfer-Encoding: chunked\x08", FieldValue),
        (b"Transfer-Encoding:\r\n chunked", Folded),
        (b"Transfer-Encoding: chunked\rX: y", LineEnd),
        (b"Transfer-Encoding: chunked\nX: y", LineEnd),
        (b"Transfer-Encoding : chunked", FieldName),
        (b"Transfer-Encoding\t: chunked", FieldName),
        (b"Transfer-Encoding\x0b: chunked", FieldName),
        (b" Transfer-Encoding: chunked", Folded),
        (b"\tTransfer-Encoding: chunked", Folded),
        (b"X: y\r\n Transfer-Encoding: chunked", Folded),
        (b"\x00Transfer-Encoding: chunked", FieldName),
        (b"Transfer-Encoding\r: chunked", LineEnd),
        (b"Transfer_Encoding: chunked", Lookalike),
        (b"Transfer.Encoding: chunked", Lookalike),
        (b"TRANSFER_ENCODING: x", Lookalike),
        (b"Content_Length: 5", Lookalike),
        (b"content_length: 5\r\nContent-Length: 5", Lookalike),
    ];
    expect(cases, fields_fault);
}

#[test]
fn a_content_length_with_two_readings_is_refused() {
    let cases: &[(&[u8], Fault)] = &[
        (
            b"Content-Length: 5\r\nContent-Length: 5",
            ContentLengthRepeated,
        ),
        (
            b"Content-Length: 5\r\nContent-Length: 6",
            ContentLengthRepeated,
        ),
        (
            b"Content-Length: 5\r\nX: y\r\ncontent-length:",
            ContentLengthRepeated,
        ),
        (b"Content-Length: 5, 5", ContentLength),
        (b"Content-Length: 5,6", ContentLength),
        (b"Content-Length: +5", ContentLength),
        (b"Content-Length: -5", ContentLength),
        (b"Content-Length: -0", ContentLength),
        (b"Content-Length: 0x5", ContentLength),
        (b"Content-Length: a", ContentLength),
        (b"Content-Length: 5 5", ContentLength),
        (b"Content-Length: 5\t5", ContentLength),
        (b"Content-Length: 5_0", ContentLength),
        (b"Content-Length: 5.0", ContentLength),
        (b"Content-Length: 1e3", ContentLength),
        (b"Content-Length: 5;", ContentLength),
        (b"Content-Length: \"5\"", ContentLength),
        (b"Content-Length: 05", ContentLength),
        (b"Content-Length: 00", ContentLength),
        (b"Content-Length:", ContentLength),
        (b"Content-Length:  \t", ContentLength),
        (b"Content-Length: \xd9\xa5", ContentLength),
        (b"Content-Length: 18446744073709551616", ContentLength),
        (b"Content-Length: 18446744073709551621", ContentLength),
        (b"Content-Length: 99999999999999999999", ContentLength),
        (b"Content-Length : 5", FieldName),
        (b"Content-Length: 5\r\n 0", Folded),
        (b"Content-Length: 5\x00", FieldValue),
        (b"Content-Length: 5\x0b", FieldValue),
        // what a proxy might drop
        (
            b"Connection: Content-Length\r\nContent-Length: 5",
            Connection,
        ),
        (b"Connection: close, transfer-encoding", Connection),
        (b"Connection: host", Connection),
    ];
    expect(cases, fields_fault);
}

#[test]
fn a_malformed_field_is_refused() {
    let cases: &[(&[u8], Fault)] = &[
        (b"X: a\r\n folded", Folded),
        (b"X: a\r\n\tfolded", Folded),
        (b"X: a\r\n ", Folded),
        (b"X : a", FieldName),
        (b"X\t: a", FieldName),
        (b": a", FieldName),
        (b"X", FieldName),
        (b"X Y: a", FieldName),
        (b"X\tY: a", FieldName),
        (b"X\"Y: a", FieldName),
        (b"X(Y): a", FieldName),
        (b"X/Y: a", FieldName),
        (b"X\x00: a", FieldName),
        (b"X\x7f: a", FieldName),
        (b"X\xe9: a", FieldName),
        (b"X\rY: a", LineEnd),
        (b"\rX: a", LineEnd),
        (b"X: a\rb", LineEnd),
        (b"X: a\r\r\nY: b", LineEnd),
        (b"X: a\nY: b", LineEnd),
        (b"X: a\n\nGET /hidden HTTP/1.1", LineEnd),
        (b"X: a\n\r\nGET /hidden HTTP/1.1", LineEnd),
        (b"X: a\x00b", FieldValue),
        (b"X: a\x01b", FieldValue),
        (b"X: a\x1bb", FieldValue),
        (b"X: a\x7fb", FieldValue),
        (b"Connection: a b", Connection),
        (b"Connection: \"close\"", Connection),
        (b"Connection: close;x", Connection),
        (b"Expect: 200-ok", Expect),
        (b"Expect: 100-continue, x", Expect),
        (b"Expect:", Expect),
    ];
    expect(cases, fields_fault);
}

#[test]
fn a_malformed_start_is_refused() {
    const H: &[u8] = b"\r\nHost: a\r\n\r\n";
    let cases: &[(&[u8], Fault)] = &[
        (b"GET  / HTTP/1.1", RequestLine),
        (b"GET /  HTTP/1.1", RequestLine),
        (b" GET / HTTP/1.1", RequestLine),
        (b"GET / HTTP/1.1 ", RequestLine),
        (b"GET\t/ HTTP/1.1", RequestLine),
        (b"GET /\tHTTP/1.1", RequestLine),
        (b"GET /", RequestLine),
        (b"GET", RequestLine),
        (b"/ HTTP/1.1", RequestLine),
        (b"GET HTTP/1.1", RequestLine),
        (b"GET / x HTTP/1.1", RequestLine),
        (b"G(T / HTTP/1.1", RequestLine),
        (b"G\x00T / HTTP/1.1", RequestLine),
        (b"G\xc3T / HTTP/1.1", RequestLine),
        (b"GET: / HTTP/1.1", RequestLine),
        (b"GET / http/1.1", RequestLine),
        (b"GET / HTTP/1", RequestLine),
        (b"GET / HTTP/11", RequestLine),
        (b"GET / HTTP/1.10", RequestLine),
        (b"GET / HTTP/01.1", RequestLine),
        (b"GET / HTTP/1,1", RequestLine),
        (b"GET / HTTPS/1.1", RequestLine),
        (b"GET / HTTP 1.1", RequestLine),
        (b"GET / HTTP/+1.1", RequestLine),
        (b"GET / ICY/1.1", RequestLine),
        (b"\x16\x03\x01\x02\x00", RequestLine),
        (b"GET / HTTP/0.9", Version),
        (b"GET / HTTP/1.2", Version),
        (b"GET / HTTP/2.0", Version),
        (b"PRI * HTTP/2.0", Version),
        (b"GET / HTTP/1.1\r", LineEnd),
        (b"GET /\rHTTP/1.1", LineEnd),
        (b"GET /\r HTTP/1.1", LineEnd),
        (b"GET\r / HTTP/1.1", LineEnd),
        (b"GET / HTTP/1.1\nX: y", LineEnd),
        (b"\nGET / HTTP/1.1", LineEnd),
        (b"\r\n\nGET / HTTP/1.1", LineEnd),
        (b"\r\n\r\n\r\nGET / HTTP/1.1", BlankLines),
        (b"\r\r\nGET / HTTP/1.1", LineEnd),
    ];
    expect(cases, |start| fault(&[start, H].concat()));
}

#[test]
fn a_greeting_of_another_protocol_is_refused_at_once() {
    assert_eq!(fault(b"\x16\x03\x01"), Some(RequestLine));
    assert_eq!(fault(b"\r\n\x16"), Some(RequestLine));
}

#[test]
fn a_host_with_two_readings_is_refused() {
    let cases: &[(&[u8], Fault)] = &[
        (b"X: y", HostMissing),
        (b"Host: a\r\nHost: a", HostRepeated),
        (b"Host: a\r\nX: y\r\nhost: b", HostRepeated),
        (b"Host:", HostForm),
        (b"Host: a, b", HostForm),
        (b"Host: a,b", HostForm),
        (b"Host: a b", HostForm),
        (b"Host: a\tb", HostForm),
        (b"Host: u@a", HostForm),
        (b"Host: u:p@a", HostForm),
        (b"Host: a/b", HostForm),
        (b"Host: http://a", HostForm),
        (b"Host: a?b", HostForm),
        (b"Host: a#b", HostForm),
        (b"Host: a\\b", HostForm),
        (b"Host: a%00", HostForm),
        (b"Host: \xc3\xa4", HostForm),
        (b"Host: a:", HostForm),
        (b"Host: a:b", HostForm),
        (b"Host: a:80:80", HostForm),
        (b"Host: a:-1", HostForm),
        (b"Host: a:65536", HostForm),
        (b"Host: a:000080", HostForm),
        (b"Host: :80", HostForm),
        (b"Host: [::1", HostForm),
        (b"Host: [::1]x", HostForm),
        (b"Host: [::g]", HostForm),
        (b"Host: [v1.x]", HostForm),
        (b"Host: [::1]:", HostForm),
        (b"Host: ::1", HostForm),
        (b"Host : a", FieldName),
        (b" Host: a", Folded),
        (b"Host: a\x00b", FieldValue),
    ];
    expect(cases, |fields| {
        fault(&[b"GET / HTTP/1.1\r\n", fields, b"\r\n\r\n"].concat())
    });
}

#[test]
fn http_1_0_is_held_to_its_own_rules() {
    let cases: &[(&[u8], Fault)] = &[
        (b"Transfer-Encoding: chunked", TransferEncodingVersion),
        (
            b"Connection: keep-alive\r\nTransfer-Encoding: chunked",
            TransferEncodingVersion,
        ),
        (
            b"Transfer-Encoding: chunked\r\nContent-Length: 5",
            TwoLengths,
        ),
        (b"Host: a\r\nHost: a", HostRepeated),
        (b"Host: a b", HostForm),
        (
            b"Content-Length: 5\r\nContent-Length: 5",
            ContentLengthRepeated,
        ),
    ];
    expect(cases, |fields| {
        fault(&[b"POST / HTTP/1.0\r\n", fields, b"\r\n\r\n"].concat())
    });
}

#[test]
fn what_is_too_large_is_refused_as_it_comes() {
    let bounds = Bounds::default();
    let fault = |text: &[u8]| {
        Reader::default()
            .ask(&mut BytesMut::from(text), &bounds)
            .err()
    };
    let start = b"GET / HTTP/1.1\r\nHost: a\r\n";
    let many = |count: usize| [&start[..], &b"a: b\r\n".repeat(count - 1), b"\r\n"].concat();
    assert_eq!(fault(&many(100)), None);
    assert_eq!(fault(&many(101)), Some(TooManyFields));
    let long = [&start[..], b"x: ", &[b'y'; 65_536]].concat();
    assert_eq!(fault(&long), Some(HeadTooLarge));
    assert_eq!(fault(&long[..65_536]), Some(HeadTooLarge));
    assert_eq!(fault(&long[..65_535]), None);
    let endless = [b"GET /", &[b'y'; 20_000][..]].concat();
    assert_eq!(fault(&endless), Some(TargetTooLong));
    let target = |length: usize| {
        let path = b"y".repeat(length - 1);
        [b"GET /", &path[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat()
    };
    assert_eq!(fault(&target(16_384)), None);
    assert_eq!(fault(&target(16_385)), Some(TargetTooLong));
    assert_eq!(fault(&target(60_000)), Some(TargetTooLong));
}

#[test]
fn a_fault_has_a_sentence_and_a_status_of_the_clients() {
    let statuses = [
        (ContentLength, 400),
        (HeadTooLarge, 431),
        (TooManyFields, 431),
        (TargetTooLong, 414),
        (Expect, 417),
        (Version, 505),
        (TransferEncoding, 400),
    ];
    for (fault, status) in statuses {
        assert_eq!(fault.status(), status);
        assert!(fault.sentence().ends_with('.'));
        assert_eq!(fault.to_string(), fault.sentence());
    }
}
