//! Heads, as they go out.

use bytes::{BufMut, BytesMut};
use http::{Method, StatusCode, Version};

use crate::{Fields, Length, target};

/// How an answer's connection goes on.
#[derive(Clone, Copy, Debug)]
pub struct AnswerFraming<'a> {
    /// Whether the connection may be used again.
    pub keep_alive: bool,
    /// The client's version. HTTP/1.0 knows no chunks: there a chunked answer
    /// ends with the connection, and its data goes out bare.
    pub version: Version,
    /// The field `Date`; empty to leave it out.
    pub date: &'a [u8],
}

/// Appends a request's head: `Host` first, then the fields, then the length.
/// Fields of the connection (`Connection`, `TE`, `Upgrade`, `Proxy-*` …) and
/// lengths that stand in `fields` are left out. Bytes that a target may not
/// hold are percent-encoded. [`Length::UntilClose`] does not exist for
/// requests; it is announced as chunked.
pub fn write_ask(
    out: &mut BytesMut,
    method: &Method,
    target: &str,
    fields: &Fields,
    length: &Length,
) {
    out.reserve(target.len() + room(fields));
    put(out, &[method.as_str().as_bytes(), b" "]);
    write_target(out, target);
    let host = fields.get("host").unwrap_or_default();
    put(out, &[b" HTTP/1.1\r\nhost: ", host, b"\r\n"]);
    put_fields(out, fields, |name| name == b"host");
    match length {
        Length::None if has_body_by_nature(method) => write_length(out, 0),
        Length::None => {}
        Length::Exact(length) => write_length(out, *length),
        Length::Chunked | Length::UntilClose => out.put_slice(CHUNKED),
    }
    out.put_slice(b"\r\n");
}

/// Appends the head of a `POST` whose fields are mostly known beforehand:
/// `fixed` are whole lines with their ends, `Host` among them, as
/// [`write_fields`] makes them.
pub fn write_post(out: &mut BytesMut, target: &str, fixed: &[u8], own: &Fields, length: u64) {
    out.reserve(target.len() + fixed.len() + room(own));
    out.put_slice(b"POST ");
    write_target(out, target);
    put(out, &[b" HTTP/1.1\r\n", fixed]);
    write_fields(out, own);
    write_length(out, length);
    out.put_slice(b"\r\n");
}

/// Appends fields as lines, without those that belong to a connection.
pub fn write_fields(out: &mut BytesMut, fields: &Fields) {
    put_fields(out, fields, |_| false);
}

/// Without those that belong to a connection, and those that `is_left_out`
/// says. Mostly there are none, and all lines are put at once.
fn put_fields(out: &mut BytesMut, fields: &Fields, is_left_out: impl Fn(&[u8]) -> bool) {
    let stays = |name: &[u8]| !(is_of_connection(name) || is_left_out(name));
    if fields.iter().all(|(name, _)| stays(name)) {
        return out.put_slice(fields.lines());
    }
    for (name, value) in fields.iter().filter(|(name, _)| stays(name)) {
        put(out, &[name, b": ", value, b"\r\n"]);
    }
}

/// Appends an answer's head. Interim answers, 204 and 304 announce no length;
/// [`Length::None`] of any other status is a length of 0. To a `HEAD` the
/// length is that of the body which a `GET` would get.
pub fn write_answer(
    out: &mut BytesMut,
    status: StatusCode,
    fields: &Fields,
    length: &Length,
    framing: AnswerFraming<'_>,
) {
    out.reserve(framing.date.len() + room(fields));
    let is_old = framing.version == Version::HTTP_10;
    let version: &[u8] = if is_old { b"HTTP/1.0 " } else { b"HTTP/1.1 " };
    let reason = status.canonical_reason().unwrap_or_default().as_bytes();
    put(
        out,
        &[version, status.as_str().as_bytes(), b" ", reason, b"\r\n"],
    );
    let has_date = !framing.date.is_empty() && framing.date.iter().all(is_printable);
    if has_date {
        put(out, &[b"date: ", framing.date, b"\r\n"]);
    }
    put_fields(out, fields, |name| has_date && name == b"date");
    let mut keep_alive = framing.keep_alive;
    let is_silent = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    match length {
        _ if is_silent => {}
        Length::None => write_length(out, 0),
        Length::Exact(length) => write_length(out, *length),
        Length::Chunked if !is_old => out.put_slice(CHUNKED),
        Length::Chunked | Length::UntilClose => keep_alive = false,
    }
    match keep_alive {
        _ if status.is_informational() => {}
        false => out.put_slice(b"connection: close\r\n"),
        true if is_old => out.put_slice(b"connection: keep-alive\r\n"),
        true => {}
    }
    out.put_slice(b"\r\n");
}

/// Appends the line before a chunk of `length` bytes, which must not be 0:
/// that would end the body.
pub fn write_chunk_head(out: &mut BytesMut, length: usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 18];
    digits[16..].copy_from_slice(b"\r\n");
    let mut at = 16;
    let mut rest = length;
    loop {
        at -= 1;
        digits[at] = HEX[rest & 15];
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
}

const CHUNKED: &[u8] = b"transfer-encoding: chunked\r\n";

/// What the fields take at most, and the lines around them.
fn room(fields: &Fields) -> usize {
    fields.lines().len() + 192
}

fn put(out: &mut BytesMut, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn write_length(out: &mut BytesMut, length: u64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(length).as_bytes();
    put(out, &[b"content-length: ", digits, b"\r\n"]);
}

fn write_target(out: &mut BytesMut, target: &str) {
    if target.is_empty() {
        out.put_u8(b'/');
    } else if target::is_clean(target.as_bytes()) {
        out.put_slice(target.as_bytes());
    } else {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        for byte in target.bytes() {
            match target::is_clean_byte(byte) {
                true => out.put_u8(byte),
                false => out.put_slice(&[
                    b'%',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ]),
            }
        }
    }
}

fn is_printable(byte: &u8) -> bool {
    (0x20..0x7f).contains(byte)
}

/// Methods whose missing body must be said to be empty.
fn has_body_by_nature(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Fields that belong to one connection, or that this module writes itself.
fn is_of_connection(name: &[u8]) -> bool {
    matches!(
        name,
        b"connection"
            | b"keep-alive"
            | b"te"
            | b"upgrade"
            | b"content-length"
            | b"transfer-encoding"
    ) || name.starts_with(b"proxy-")
}
