//! Where the network cuts changes nothing, and no bytes make it panic.

use bytes::{Bytes, BytesMut};
use http::Method;
use http1::{Body, Bounds, Fault, Length, Reader, Step};
use proptest::prelude::*;

/// All that a connection says, fed in pieces: heads and bodies in turn, until
/// a fault or the end.
fn told(pieces: &[&[u8]], side: Side) -> (Vec<String>, Option<Fault>) {
    let mut said = Vec::new();
    let mut reader = Reader::default();
    let mut body: Option<(Body, Vec<u8>)> = None;
    let mut buffer = BytesMut::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let step = match &mut body {
                Some((body, data)) => body.next(&mut buffer).map(|step| match step {
                    Step::Data(more) => {
                        data.extend_from_slice(&more);
                        Some(None)
                    }
                    Step::More => None,
                    Step::Done => Some(Some(data.escape_ascii().to_string())),
                }),
                None => side.head(&mut reader, &mut buffer).map(|head| {
                    let (text, length) = head?;
                    body = Some((Body::new(length), Vec::new()));
                    said.push(text);
                    Some(None)
                }),
            };
            match step {
                Ok(Some(Some(data))) => {
                    said.push(data);
                    body = None;
                }
                Ok(Some(None)) => {}
                Ok(None) => break,
                Err(fault) => return (said, Some(fault)),
            }
        }
    }
    said.extend(body.map(|(_, data)| data.escape_ascii().to_string()));
    (said, None)
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Server,
}

impl Side {
    fn head(
        self,
        reader: &mut Reader,
        buffer: &mut BytesMut,
    ) -> Result<Option<(String, Length)>, Fault> {
        let bounds = Bounds {
            head_bytes: 400,
            fields: 6,
        };
        Ok(match self {
            Self::Client => reader
                .ask(buffer, &bounds)?
                .map(|ask| (format!("{ask:?}"), ask.length)),
            Self::Server => reader
                .answer(buffer, &bounds, &Method::GET)?
                .map(|answer| (format!("{answer:?}"), answer.length)),
        })
    }
}

fn pieces<'a>(text: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

/// Lines and pieces of lines, good ones and bad ones.
const WORDS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    "0",
    "5",
    "a",
    "ffffffffffffffff",
    ";a=\"b\"",
    "hello",
    "GET ",
    "POST ",
    "/",
    "*",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204 \r\n",
    "Host: a\r\n",
    "host:b\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding: x\r\n",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    "X: y\r\n",
    " folded\r\n",
    "\0",
    "\u{e4}",
    "POST / HTTP/1.1\r\nHost: a\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
];

fn talk() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(WORDS), 0..24)
        .prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn cuts_change_nothing(text in talk(), cuts in any::<[prop::sample::Index; 4]>()) {
        for side in [Side::Client, Side::Server] {
            let whole = told(&[&text], side);
            prop_assert_eq!(&told(&pieces(&text, &cuts), side), &whole);
            let bytes: Vec<_> = text.chunks(1).collect();
            prop_assert_eq!(&told(&bytes, side), &whole);
        }
    }

    #[test]
    fn random_bytes_never_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
        for side in [Side::Client, Side::Server] {
            told(&[&text, b"\r\n\r\n"], side);
        }
        let mut body = Body::new(Length::Chunked);
        let mut buffer = BytesMut::from(&text[..]);
        while let Ok(Step::Data(_)) = body.next(&mut buffer) {}
    }

    #[test]
    fn valid_chunks_give_their_data_at_any_cut(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
        cuts in any::<[prop::sample::Index; 6]>(),
    ) {
        let mut text = BytesMut::new();
        for chunk in &chunks {
            http1::write_chunk_head(&mut text, chunk.len());
            text.extend_from_slice(chunk);
            text.extend_from_slice(http1::CHUNK_TAIL);
        }
        text.extend_from_slice(http1::LAST_CHUNK);
        let mut body = Body::new(Length::Chunked);
        let mut buffer = BytesMut::new();
        let mut data = Vec::new();
        for piece in pieces(&text, &cuts) {
            buffer.extend_from_slice(piece);
            while let Step::Data(more) = body.next(&mut buffer).expect("valid") {
                data.extend_from_slice(&more);
            }
        }
        prop_assert_eq!(data, chunks.concat());
        prop_assert!(body.is_done() && buffer.is_empty());
    }
}

#[test]
fn a_head_that_drips_in_is_scanned_once() {
    let field = b"a: b\r\n".repeat(90);
    let long = vec![b'y'; 64_000];
    let text = [
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        &field[..],
        b"x: ",
        &long,
        b"\r\n\r\n",
    ]
    .concat();
    let mut buffer = BytesMut::with_capacity(text.len());
    let mut reader = Reader::default();
    let start = std::time::Instant::now();
    let mut read = None;
    for byte in &text {
        buffer.extend_from_slice(&[*byte]);
        read = reader.ask(&mut buffer, &Bounds::default()).expect("valid");
    }
    assert_eq!(read.expect("complete").fields.len(), 92);
    // A second look at every byte of it would be 2 thousand million.
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

#[test]
fn data_is_a_slice_of_the_buffer() {
    let mut buffer = BytesMut::from(&b"5\r\nhello"[..]);
    let from = buffer.as_ptr() as usize;
    let step = Body::new(Length::Chunked).next(&mut buffer).expect("valid");
    let Step::Data(data): Step = step else {
        panic!("data has come");
    };
    assert_eq!(
        (data.as_ptr() as usize - from, data),
        (3, Bytes::from("hello"))
    );
}
