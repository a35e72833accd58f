//! Heads of requests.

use http::{Method, Uri, Version};
use memchr::{memchr, memrchr};

use crate::framing::{self, Repeats, Said};
use crate::{Bounds, Fault, Fields, Length, lines, target};

/// A request's head.
#[derive(Debug)]
pub struct Ask {
    /// What is to be done; never `CONNECT`.
    pub method: Method,
    /// Path and query, or `*`; an absolute URL has been cut down to these.
    pub uri: Uri,
    /// 1.0 or 1.1.
    pub version: Version,
    /// The fields as they came, those that frame the message too.
    pub fields: Fields,
    /// How the body is delimited; never until the connection's end.
    pub length: Length,
    /// Whether the client lets the connection be used again.
    pub keep_alive: bool,
    /// Whether the client waits for [`crate::CONTINUE`] before it sends the
    /// body.
    pub expects_continue: bool,
}

/// Reads a whole head, the empty line included.
pub(crate) fn read(head: &[u8], ends: &[u32], bounds: &Bounds) -> Result<Ask, Fault> {
    let (line, next, ends) = lines::first(head, ends).ok_or(Fault::RequestLine)?;
    let (method, target, version) = start_line(line)?;
    let fields = lines::read(head, next, ends, bounds)?;
    let host = host(&fields, version)?;
    let uri = target::read(target, &method, host)?;
    let length = match framing::read(&fields, version, Repeats::Refused)? {
        Said::Nothing => Length::None,
        Said::Bytes(length) => Length::Exact(length),
        Said::Chunked => Length::Chunked,
    };
    let keep_alive = framing::wishes(&fields)?.keep_alive(version);
    let has_body = !matches!(length, Length::None | Length::Exact(0));
    let expects_continue = expects_continue(&fields, version)? && has_body;
    Ok(Ask {
        method,
        uri,
        version,
        fields,
        length,
        keep_alive,
        expects_continue,
    })
}

fn start_line(line: &[u8]) -> Result<(Method, &[u8], Version), Fault> {
    let bad = || match memchr(b'\r', line) {
        Some(_) => Fault::LineEnd,
        None => Fault::RequestLine,
    };
    let first = memchr(b' ', line).ok_or_else(bad)?;
    let last = memrchr(b' ', line).ok_or_else(bad)?;
    let method = &line[..first];
    let target = line.get(first + 1..last).ok_or_else(bad)?;
    if target.is_empty() || memchr(b' ', target).is_some() {
        return Err(bad());
    }
    let version = version(&line[last + 1..]).map_err(|fault| match fault {
        Fault::Version => fault,
        _ => bad(),
    })?;
    let method = Method::from_bytes(method).map_err(|_| bad())?;
    Ok((method, target, version))
}

/// Reads `HTTP/1.1` or `HTTP/1.0`.
pub(crate) fn version(text: &[u8]) -> Result<Version, Fault> {
    match text {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        b"HTTP/1.0" => Ok(Version::HTTP_10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Fault::Version)
        }
        _ => Err(Fault::RequestLine),
    }
}

fn host(fields: &Fields, version: Version) -> Result<Option<&[u8]>, Fault> {
    let mut hosts = fields.all("host");
    let host = match hosts.next() {
        Some(host) => host,
        None if version == Version::HTTP_11 => return Err(Fault::HostMissing),
        None => return Ok(None),
    };
    if hosts.next().is_some() {
        return Err(Fault::HostRepeated);
    }
    target::check_host(host)?;
    Ok(Some(host))
}

/// HTTP/1.0 knows no expectations: they are passed over there.
fn expects_continue(fields: &Fields, version: Version) -> Result<bool, Fault> {
    if version != Version::HTTP_11 {
        return Ok(false);
    }
    let mut expects = false;
    for value in fields.all("expect") {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Fault::Expect);
        }
        expects = true;
    }
    Ok(expects)
}
