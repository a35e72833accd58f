//! Heads of answers.

use http::{Method, StatusCode, Version};
use memchr::memchr;

use crate::framing::{self, Repeats, Said};
use crate::{Bounds, Fault, Fields, Length, ask, lines};

/// An answer's head.
#[derive(Debug)]
pub struct Answer {
    /// The status; never 101.
    pub status: StatusCode,
    /// 1.0 or 1.1.
    pub version: Version,
    /// The fields as they came, except that equal lengths are merged.
    pub fields: Fields,
    /// How the body is delimited; none for interim answers, 204, 304, and to
    /// a `HEAD`, whatever the fields say.
    pub length: Length,
    /// Whether the connection can be used again once the body is done.
    pub keep_alive: bool,
}

/// Reads a whole head, the empty line included.
pub(crate) fn read(
    head: &[u8],
    ends: &[u32],
    bounds: &Bounds,
    method: &Method,
) -> Result<Answer, Fault> {
    let (line, next, ends) = lines::first(head, ends).ok_or(Fault::StatusLine)?;
    let (version, status) = start_line(line)?;
    let mut fields = lines::read(head, next, ends, bounds)?;
    let said = framing::read(&fields, version, Repeats::Merged)?;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::Switched);
    }
    if let Said::Bytes(length) = said {
        merge(&mut fields, length);
    }
    let is_silent = matches!(said, Said::Nothing | Said::Bytes(0));
    if status.is_informational() && !is_silent {
        return Err(Fault::InterimBody);
    }
    // A server that speaks of a body where there is none may send one too: its
    // bytes would be taken for the next answer.
    let is_empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let may_lie = status == StatusCode::NO_CONTENT && !is_silent;
    let length = if status.is_informational() || is_empty || *method == Method::HEAD {
        Length::None
    } else {
        match said {
            Said::Nothing => Length::UntilClose,
            Said::Bytes(length) => Length::Exact(length),
            Said::Chunked => Length::Chunked,
        }
    };
    // A `Connection` that cannot be read is no promise to stay.
    let stays = framing::wishes(&fields).is_ok_and(|wishes| wishes.keep_alive(version));
    Ok(Answer {
        status,
        version,
        fields,
        length,
        keep_alive: stays && !may_lie && length != Length::UntilClose,
    })
}

/// Leaves one field of the length where several said the same.
fn merge(fields: &mut Fields, length: u64) {
    let mut values = fields.all("content-length");
    let has_list = values
        .next()
        .is_some_and(|value| memchr(b',', value).is_some());
    if has_list || values.next().is_some() {
        drop(values);
        fields.set("content-length", length.to_string());
    }
}

/// `HTTP/1.1 200 OK`; servers leave the reason out, or write it in Latin-1.
fn start_line(line: &[u8]) -> Result<(Version, StatusCode), Fault> {
    if memchr(b'\r', line).is_some() {
        return Err(Fault::LineEnd);
    }
    let (version, rest) = line.split_at_checked(8).ok_or(Fault::StatusLine)?;
    let version = ask::version(version).map_err(|fault| match fault {
        Fault::RequestLine => Fault::StatusLine,
        fault => fault,
    })?;
    let [b' ', hundreds, tens, ones, reason @ ..] = rest else {
        return Err(Fault::StatusLine);
    };
    let is_reason = match reason {
        [] => true,
        [b' ', words @ ..] => words.iter().all(|&byte| lines::is_value_byte(byte)),
        _ => false,
    };
    let status = StatusCode::from_bytes(&[*hundreds, *tens, *ones]);
    match status {
        Ok(status) if is_reason => Ok((version, status)),
        _ => Err(Fault::StatusLine),
    }
}
