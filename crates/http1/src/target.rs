//! Request targets and hosts.

use std::net::Ipv6Addr;

use http::{Method, Uri};
use memchr::memchr;

use crate::{Fault, lines};

/// Bytes that a target may have.
pub(crate) const MOST: usize = 16 * 1024;

/// What a URL may hold, and the brackets, braces and bars that clients leave
/// raw in queries. No `#`: what follows it is never sent. No `\`: some
/// backends take it for a slash.
static TARGET: [bool; 256] = lines::table(b"-._~!$&'()*+,;=:@/?%[]{}|");
static HOST: [bool; 256] = lines::table(b"-._~");

/// Whether every byte may stand in a target.
pub(crate) fn is_clean(target: &[u8]) -> bool {
    target.iter().all(|&byte| is_clean_byte(byte))
}

/// Whether a target may hold `byte`.
pub(crate) fn is_clean_byte(byte: u8) -> bool {
    TARGET[usize::from(byte)]
}

/// Reads the target of a request as path and query.
pub(crate) fn read(target: &[u8], method: &Method, host: Option<&[u8]>) -> Result<Uri, Fault> {
    if target.len() > MOST {
        return Err(Fault::TargetTooLong);
    }
    if *method == Method::CONNECT {
        return Err(Fault::Connect);
    }
    if !is_clean(target) {
        return Err(match memchr(b'\r', target) {
            Some(_) => Fault::LineEnd,
            None => Fault::TargetBytes,
        });
    }
    match target {
        [b'/', ..] => uri(target),
        b"*" if *method == Method::OPTIONS => uri(target),
        _ => absolute(target, host),
    }
}

/// `http://host/path`, if `Host` says the same.
fn absolute(target: &[u8], host: Option<&[u8]>) -> Result<Uri, Fault> {
    let rest = [&b"http://"[..], b"https://"]
        .iter()
        .find_map(|scheme| {
            let (start, rest) = target.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        })
        .ok_or(Fault::TargetForm)?;
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if !host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
        return Err(Fault::TargetHost);
    }
    match path {
        [b'/', ..] => uri(path),
        [] => Ok(Uri::from_static("/")),
        query => uri(&[b"/", query].concat()),
    }
}

fn uri(path: &[u8]) -> Result<Uri, Fault> {
    Uri::try_from(path).map_err(|_| Fault::TargetBytes)
}

/// Checks that a host is `name`, `1.2.3.4` or `[::1]`, with a port or without.
pub(crate) fn check_host(host: &[u8]) -> Result<(), Fault> {
    let (name, port) = match host {
        [b'[', rest @ ..] => {
            let end = memchr(b']', rest).ok_or(Fault::HostForm)?;
            let address = str::from_utf8(&rest[..end]).map_err(|_| Fault::HostForm)?;
            address.parse::<Ipv6Addr>().map_err(|_| Fault::HostForm)?;
            match &rest[end + 1..] {
                [] => return Ok(()),
                [b':', port @ ..] => return check_port(port),
                _ => return Err(Fault::HostForm),
            }
        }
        _ => match memchr(b':', host) {
            Some(colon) => (&host[..colon], Some(&host[colon + 1..])),
            None => (host, None),
        },
    };
    let is_name = name.iter().all(|&byte| HOST[usize::from(byte)]);
    if name.is_empty() || name.len() > 255 || !is_name {
        return Err(Fault::HostForm);
    }
    port.map_or(Ok(()), check_port)
}

fn check_port(port: &[u8]) -> Result<(), Fault> {
    let is_number = (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit);
    let number = port.iter().fold(0_u32, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u32::from(digit.wrapping_sub(b'0')))
    });
    match is_number && number <= u32::from(u16::MAX) {
        true => Ok(()),
        false => Err(Fault::HostForm),
    }
}
