//! Field lines: `name: value`, nothing else.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use memchr::memchr;

use crate::{Bounds, Fault, framing};

/// Reads the field lines of `head` that begin at `at`. The reader has seen to
/// it that each ends in CRLF and that the last is empty.
pub(crate) fn read(head: &Bytes, mut at: usize, bounds: &Bounds) -> Result<HeaderMap, Fault> {
    // Most heads of the way have some ten fields; the map grows for the rest.
    let mut fields = HeaderMap::with_capacity(12);
    while let Some((line, next)) = line(head, at) {
        if line.is_empty() {
            break;
        }
        at = next;
        if fields.len() == bounds.fields {
            return Err(Fault::TooManyFields);
        }
        let (name, value) = split(line)?;
        let name = match usual(name) {
            Some(name) => name,
            None if framing::is_lookalike(name) => return Err(Fault::Lookalike),
            None => HeaderName::from_bytes(name).map_err(|_| bad_name(line))?,
        };
        let value =
            HeaderValue::from_maybe_shared(head.slice_ref(value)).map_err(|_| bad_value(value))?;
        fields
            .try_append(name, value)
            .map_err(|_| Fault::TooManyFields)?;
    }
    Ok(fields)
}

/// The names that nearly every head holds, as nearly everybody writes them:
/// the general look-up folds case byte by byte and costs four times as much.
#[rustfmt::skip]
fn usual(name: &[u8]) -> Option<HeaderName> {
    Some(match name {
        b"Host" | b"host" => header::HOST,
        b"Date" | b"date" => header::DATE,
        b"Accept" | b"accept" => header::ACCEPT,
        b"Server" | b"server" => header::SERVER,
        b"Connection" | b"connection" => header::CONNECTION,
        b"User-Agent" | b"user-agent" => header::USER_AGENT,
        b"Content-Type" | b"content-type" => header::CONTENT_TYPE,
        b"Authorization" | b"authorization" => header::AUTHORIZATION,
        b"Content-Length" | b"content-length" => header::CONTENT_LENGTH,
        b"Accept-Encoding" | b"accept-encoding" => header::ACCEPT_ENCODING,
        b"Transfer-Encoding" | b"transfer-encoding" => header::TRANSFER_ENCODING,
        _ => return None,
    })
}

/// The line that begins at `at`, without its CRLF, and where the next begins.
pub(crate) fn line(head: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = head.get(at..)?;
    let end = memchr(b'\n', rest)?;
    Some((&rest[..end.saturating_sub(1)], at + end + 1))
}

/// What stands before a field line's colon, unchecked, and the value behind it
/// without the white space around it.
fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let Some(colon) = memchr(b':', line) else {
        return Err(bad_name(line));
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    Ok((name, trim(value)))
}

fn bad_name(line: &[u8]) -> Fault {
    match line {
        [b' ' | b'\t', ..] => Fault::Folded,
        _ if memchr(b'\r', line).is_some() => Fault::LineEnd,
        _ => Fault::FieldName,
    }
}

fn bad_value(value: &[u8]) -> Fault {
    match memchr(b'\r', value) {
        Some(_) => Fault::LineEnd,
        None => Fault::FieldValue,
    }
}

/// Checks a trailer, whose value nobody reads.
pub(crate) fn check_trailer(line: &[u8]) -> Result<(), Fault> {
    let (name, value) = split(line)?;
    if !is_token(name) {
        return Err(bad_name(line));
    }
    let frames = [
        &b"content-length"[..],
        b"transfer-encoding",
        b"host",
        b"connection",
    ];
    if frames.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return Err(Fault::Trailer);
    }
    match value.iter().all(|&byte| is_value_byte(byte)) {
        true => Ok(()),
        false => Err(bad_value(value)),
    }
}

/// Without the spaces and tabs at both ends.
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Whether a value may hold `byte`.
pub(crate) fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}

/// Whether `text` is a token, as names are.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Whether a token may hold `byte`.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

static TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");

/// Letters, digits and `others`.
pub(crate) const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0_usize;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut n = 0;
    while n < others.len() {
        table[others[n] as usize] = true;
        n += 1;
    }
    table
}
