//! No cut changes what a connection says, on either side, and what is
//! accepted as a request's head means the same to `httparse`. The first byte
//! says where the cuts are.

#![no_main]

use bytes::BytesMut;
use http1::{Ask, Body, Bounds, Fault, Length, Reader, Step};
use libfuzzer_sys::fuzz_target;

const BOUNDS: Bounds = Bounds {
    head_bytes: 4096,
    fields: 16,
};

type Head = fn(&mut Reader, &mut BytesMut) -> Result<Option<(String, Length)>, Fault>;

fn ask(reader: &mut Reader, buffer: &mut BytesMut) -> Result<Option<(String, Length)>, Fault> {
    let ask = reader.ask(buffer, &BOUNDS)?;
    Ok(ask.map(|ask| (format!("{ask:?}"), ask.length)))
}

fn answer(reader: &mut Reader, buffer: &mut BytesMut) -> Result<Option<(String, Length)>, Fault> {
    let answer = reader.answer(buffer, &BOUNDS, &http::Method::GET)?;
    Ok(answer.map(|answer| (format!("{answer:?}"), answer.length)))
}

/// Heads and bodies in turn, until a fault or the end.
fn told(text: &[u8], step: usize, head: Head) -> (Vec<String>, Vec<u8>, Option<Fault>) {
    let (mut heads, mut data) = (Vec::new(), Vec::new());
    let mut reader = Reader::default();
    let mut body: Option<Body> = None;
    let mut buffer = BytesMut::new();
    for piece in text.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            if let Some(reading) = &mut body {
                match reading.next(&mut buffer) {
                    Ok(Step::Data(more)) => data.extend_from_slice(&more),
                    Ok(Step::More) => break,
                    Ok(Step::Done) => body = None,
                    Err(fault) => return (heads, data, Some(fault)),
                }
            } else {
                match head(&mut reader, &mut buffer) {
                    Ok(Some((text, length))) => {
                        heads.push(text);
                        body = Some(Body::new(length));
                    }
                    Ok(None) => break,
                    Err(fault) => return (heads, data, Some(fault)),
                }
            }
        }
    }
    (heads, data, None)
}

fn means_the_same(text: &[u8], ask: &Ask) {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut fields);
    let status = request.parse(text).expect("accepted by both");
    assert!(status.is_complete());
    assert_eq!(request.method, Some(ask.method.as_str()));
    assert_eq!(request.headers.len(), ask.fields.len());
    for field in request.headers.iter() {
        let name = field.name.to_ascii_lowercase();
        assert!(ask.fields.all(&name).any(|value| value == field.value));
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((step, text)) = input.split_first() else {
        return;
    };
    let step = usize::from(*step).max(1);
    for head in [ask as Head, answer as Head] {
        assert_eq!(told(text, step, head), told(text, text.len().max(1), head));
    }
    if let Ok(Some(ask)) = Reader::default().ask(&mut BytesMut::from(text), &BOUNDS) {
        means_the_same(text, &ask);
    }
});
