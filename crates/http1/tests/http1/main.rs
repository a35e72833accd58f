//! The codec, from outside.

mod answers;
mod bodies;
mod cuts;
mod oracle;
mod read;
mod refused;
mod targets;
mod written;

use bytes::BytesMut;
use http::Method;
use http1::{Answer, Ask, Body, Bounds, Fault, Length, Reader, Step};

/// Reads a request's head that has come as a whole.
fn ask(bytes: &[u8]) -> Result<Option<Ask>, Fault> {
    Reader::default().ask(&mut BytesMut::from(bytes), &Bounds::default())
}

/// Reads the head of an answer to a `GET`.
fn answer(bytes: &[u8]) -> Result<Option<Answer>, Fault> {
    answer_to(&Method::GET, bytes)
}

fn answer_to(method: &Method, bytes: &[u8]) -> Result<Option<Answer>, Fault> {
    Reader::default().answer(&mut BytesMut::from(bytes), &Bounds::default(), method)
}

/// Reads a body that has come as a whole: its data, and what follows it.
fn body(length: Length, bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let mut body = Body::new(length);
    let mut buffer = BytesMut::from(bytes);
    let mut data = Vec::new();
    loop {
        match body.next(&mut buffer)? {
            Step::Data(piece) => data.extend_from_slice(&piece),
            Step::More => {
                body.end()?;
                return Ok((data, Vec::new()));
            }
            Step::Done => return Ok((data, buffer.to_vec())),
        }
    }
}

/// Fails with every case that gives another fault than it should.
fn expect(cases: &[(&[u8], Fault)], fault: impl Fn(&[u8]) -> Option<Fault>) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(input, wanted)| (input.escape_ascii(), *wanted, fault(input)))
        .filter(|(_, wanted, got)| *got != Some(*wanted))
        .map(|(input, wanted, got)| format!("{input}: wanted {wanted:?}, got {got:?}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
