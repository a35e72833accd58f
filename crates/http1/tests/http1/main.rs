//! The codec, from outside.

mod read;

use bytes::BytesMut;
use http1::{Ask, Bounds, Fault, Reader};

/// Reads a request's head that has come as a whole.
fn ask(bytes: &[u8]) -> Result<Option<Ask>, Fault> {
    Reader::default().ask(&mut BytesMut::from(bytes), &Bounds::default())
}
