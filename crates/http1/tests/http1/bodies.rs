//! Bodies: chunks with two readings, and bodies that are fine.

use bytes::BytesMut;
use http1::Fault::{self, *};
use http1::{Body, Length, Step};

use super::{body, expect};

#[test]
fn a_chunk_with_two_readings_is_refused() {
    let cases: &[(&[u8], Fault)] = &[
        // sizes
        (b"\r\n", ChunkSize),
        (b" 5\r\nhello\r\n", ChunkSize),
        (b"\t5\r\nhello\r\n", ChunkSize),
        (b"5 \r\nhello\r\n", ChunkSize),
        (b"5\t\r\nhello\r\n", ChunkSize),
        (b"+5\r\nhello\r\n", ChunkSize),
        (b"-5\r\nhello\r\n", ChunkSize),
        (b"0x5\r\nhello\r\n", ChunkSize),
        (b"5_0\r\nhello\r\n", ChunkSize),
        (b"5h\r\nhello\r\n", ChunkSize),
        (b"g\r\nhello\r\n", ChunkSize),
        (b"5,5\r\nhello\r\n", ChunkSize),
        (b"5\x00\r\nhello\r\n", ChunkSize),
        (b"\"5\"\r\nhello\r\n", ChunkSize),
        (b"\xef\xbc\x95\r\nhello\r\n", ChunkSize),
        (b"00000000000000005\r\nhello\r\n", ChunkSize),
        (b"10000000000000000\r\nhello\r\n", ChunkSize),
        (b"ffffffffffffffffffffff\r\nhello\r\n", ChunkSize),
        // line ends
        (b"5\nhello\r\n0\r\n\r\n", LineEnd),
        (b"5\rhello\r\n0\r\n\r\n", LineEnd),
        (b"5\r\r\nhello\r\n", LineEnd),
        (b"0\n\r\n", LineEnd),
        (b"0\r\n\n", LineEnd),
        (b"0\n\n", LineEnd),
        (b"5;a\nhello\r\n", LineEnd),
        (b"5;a\rb\r\nhello\r\n", LineEnd),
        (b"0\r\nX: y\n\r\n", LineEnd),
        (b"0\r\nX: y\rz\r\n\r\n", LineEnd),
        // ends of data
        (b"5\r\nhello\n0\r\n\r\n", ChunkEnd),
        (b"5\r\nhello0\r\n\r\n", ChunkEnd),
        (b"4\r\nhello\r\n0\r\n\r\n", ChunkEnd),
        (b"5\r\nhello\rx", ChunkEnd),
        (b"5\r\nhello \r\n", ChunkEnd),
        // extensions
        (b"5;\r\nhello\r\n", ChunkExtension),
        (b"5; a\r\nhello\r\n", ChunkExtension),
        (b"5;a =b\r\nhello\r\n", ChunkExtension),
        (b"5;a= b\r\nhello\r\n", ChunkExtension),
        (b"5;a=\r\nhello\r\n", ChunkExtension),
        (b"5;=b\r\nhello\r\n", ChunkExtension),
        (b"5;a=\"b\r\nhello\r\n", ChunkExtension),
        (b"5;a=\"b\\\r\nhello\r\n", ChunkExtension),
        (b"5;a=\"b\"c\r\nhello\r\n", ChunkExtension),
        (b"5;a=b,c\r\nhello\r\n", ChunkExtension),
        (b"5;a\x00\r\nhello\r\n", ChunkExtension),
        (b"5;a=\"\x01\"\r\nhello\r\n", ChunkExtension),
        (b"5 ;a\r\nhello\r\n", ChunkSize),
        // trailers
        (b"0\r\nX\r\n\r\n", FieldName),
        (b"0\r\nX : y\r\n\r\n", FieldName),
        (b"0\r\n X: y\r\n\r\n", Folded),
        (b"0\r\nX: y\r\n z\r\n\r\n", Folded),
        (b"0\r\nX: y\x00\r\n\r\n", FieldValue),
        (b"0\r\nContent-Length: 5\r\n\r\n", Trailer),
        (b"0\r\ntransfer-encoding: chunked\r\n\r\n", Trailer),
        (b"0\r\nGET / HTTP/1.1\r\n\r\n", FieldName),
        // ends of the connection
        (b"", Truncated),
        (b"5", Truncated),
        (b"5\r\n", Truncated),
        (b"5\r\nhell", Truncated),
        (b"5\r\nhello", Truncated),
        (b"5\r\nhello\r", Truncated),
        (b"5\r\nhello\r\n", Truncated),
        (b"0\r\n", Truncated),
        (b"0\r\n\r", Truncated),
        (b"0\r\nX: y\r\n", Truncated),
        (b"7fffffffffffffff\r\nhello", Truncated),
        (b"ffffffffffffffff\r\nhello", Truncated),
    ];
    expect(cases, |text| body(Length::Chunked, text).err());
}

#[test]
fn chunks_become_data_and_what_follows_is_left() {
    let cases: [(&[u8], &[u8]); 6] = [
        (b"0\r\n\r\n", b""),
        (b"000\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (
            b"A\r\n0\r\n\r\nabcde\r\n000000000000000a\r\n0123456789\r\n0\r\n\r\n",
            b"0\r\n\r\nabcde0123456789",
        ),
        (b"1;a;b=c;d=\"e\\\"; \xe4\"\r\nx\r\n0;e\r\n\r\n", b"x"),
        (b"1\r\nx\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", b"x"),
    ];
    for (text, data) in cases {
        let whole = [text, b"GET /next"].concat();
        let expected = (data.to_vec(), b"GET /next".to_vec());
        assert_eq!(body(Length::Chunked, &whole), Ok(expected));
    }
}

#[test]
fn extensions_and_trailers_are_bounded_over_the_whole_body() {
    let chunk = [b"1;", &[b'a'; 299][..], b"\r\nx\r\n"].concat();
    let text = |count| [&chunk.repeat(count)[..], b"0\r\n\r\n"].concat();
    assert!(body(Length::Chunked, &text(3)).is_ok());
    assert_eq!(body(Length::Chunked, &text(4)), Err(ChunkExtension));
    let endless = [b"1;", &[b'a'; 2000][..]].concat();
    assert_eq!(body(Length::Chunked, &endless), Err(ChunkExtension));
    let endless = [&b"0"[..]; 2000].concat();
    assert_eq!(body(Length::Chunked, &endless), Err(ChunkExtension));
    let trailer = |count| [b"0\r\n", &b"X: 56789\r\n".repeat(count)[..], b"\r\n"].concat();
    assert!(body(Length::Chunked, &trailer(1000)).is_ok());
    assert_eq!(body(Length::Chunked, &trailer(1100)), Err(Trailer));
    let endless = [b"0\r\nX: ", &[b'a'; 9000][..]].concat();
    assert_eq!(body(Length::Chunked, &endless), Err(Trailer));
}

#[test]
fn a_body_of_known_length_leaves_what_follows() {
    let text = b"hello next";
    assert_eq!(
        body(Length::Exact(5), text),
        Ok((b"hello".into(), b" next".into()))
    );
    assert_eq!(body(Length::Exact(0), text), Ok((b"".into(), text.into())));
    assert_eq!(body(Length::None, text), Ok((b"".into(), text.into())));
    assert_eq!(body(Length::Exact(11), text), Err(Truncated));
    assert_eq!(
        body(Length::UntilClose, text),
        Ok((text.into(), b"".into()))
    );
    assert_eq!(body(Length::UntilClose, b""), Ok((b"".into(), b"".into())));
}

#[test]
fn a_body_says_what_is_left_of_it() {
    let mut body = Body::new(Length::Exact(5));
    assert_eq!((body.remaining(), body.is_done()), (Some(5), false));
    let mut buffer = BytesMut::from("he");
    assert!(matches!(body.next(&mut buffer), Ok(Step::Data(data)) if data == "he"));
    assert_eq!(body.next(&mut buffer), Ok(Step::More));
    assert_eq!(body.remaining(), Some(3));
    buffer.extend_from_slice(b"llo!");
    assert!(matches!(body.next(&mut buffer), Ok(Step::Data(data)) if data == "llo"));
    assert_eq!((body.remaining(), body.is_done()), (Some(0), true));
    assert_eq!(Body::new(Length::Chunked).remaining(), None);
}

#[test]
fn a_broken_body_stays_broken() {
    let mut body = Body::new(Length::Chunked);
    let mut buffer = BytesMut::from("x\r\n");
    assert_eq!(body.next(&mut buffer), Err(ChunkSize));
    assert_eq!(body.next(&mut BytesMut::from("0\r\n\r\n")), Err(ChunkSize));
    assert_eq!(body.end(), Err(ChunkSize));
}
