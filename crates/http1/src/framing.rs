//! Which fields say where a message ends, and what they say.

use http::Version;

use crate::{Fault, Fields, lines};

/// What the fields say of the length, before method and status are asked.
pub(crate) enum Said {
    Nothing,
    Bytes(u64),
    Chunked,
}

/// How often a length may be said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// Requests: once, in plain digits without leading zeros.
    Refused,
    /// Answers: real servers say the same length twice.
    Merged,
}

/// Reads the length that `fields` announce.
pub(crate) fn read(fields: &Fields, version: Version, repeats: Repeats) -> Result<Said, Fault> {
    let mut codings = fields.all("transfer-encoding");
    let length = match repeats {
        Repeats::Refused => single_length(fields)?,
        Repeats::Merged => merged_length(fields)?,
    };
    let Some(coding) = codings.next() else {
        return Ok(length.map_or(Said::Nothing, Said::Bytes));
    };
    if length.is_some() {
        return Err(Fault::TwoLengths);
    }
    if version != Version::HTTP_11 {
        return Err(Fault::TransferEncodingVersion);
    }
    if codings.next().is_some() {
        return Err(Fault::TransferEncodingRepeated);
    }
    match coding.eq_ignore_ascii_case(b"chunked") {
        true => Ok(Said::Chunked),
        false => Err(Fault::TransferEncoding),
    }
}

fn single_length(fields: &Fields) -> Result<Option<u64>, Fault> {
    let mut lengths = fields.all("content-length");
    let Some(length) = lengths.next() else {
        return Ok(None);
    };
    if lengths.next().is_some() {
        return Err(Fault::ContentLengthRepeated);
    }
    match length {
        [b'0', _, ..] => Err(Fault::ContentLength),
        digits => number(digits).map(Some),
    }
}

fn merged_length(fields: &Fields) -> Result<Option<u64>, Fault> {
    let mut merged = None;
    for value in fields.all("content-length") {
        for digits in value.split(|&byte| byte == b',') {
            let length = number(lines::trim(digits))?;
            if merged.is_some_and(|other| other != length) {
                return Err(Fault::ContentLengthRepeated);
            }
            merged = Some(length);
        }
    }
    Ok(merged)
}

/// Up to 19 digits, which always fit.
fn number(digits: &[u8]) -> Result<u64, Fault> {
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::ContentLength);
    }
    Ok(digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// Whether a parser that takes `_` or `.` for `-` would read a length in it.
pub(crate) fn is_lookalike(name: &[u8]) -> bool {
    let known: &[u8] = match name.len() {
        14 => b"content-length",
        17 => b"transfer-encoding",
        _ => return false,
    };
    let is_like = |(byte, wanted): (&u8, &u8)| {
        byte.eq_ignore_ascii_case(wanted)
            || *wanted == b'-' && lines::is_token_byte(*byte) && !byte.is_ascii_alphanumeric()
    };
    !name.eq_ignore_ascii_case(known) && name.iter().zip(known).all(is_like)
}

/// What `Connection` says of the time after this message.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wishes {
    close: bool,
    keep_alive: bool,
}

impl Wishes {
    /// Whether the connection stays open, by the version's own default.
    pub(crate) fn keep_alive(self, version: Version) -> bool {
        !self.close && (self.keep_alive || version == Version::HTTP_11)
    }
}

/// Reads every `Connection` as one list of tokens.
pub(crate) fn wishes(fields: &Fields) -> Result<Wishes, Fault> {
    let mut wishes = Wishes::default();
    for value in fields.all("connection") {
        read_wishes(value, &mut wishes)?;
    }
    Ok(wishes)
}

fn read_wishes(value: &[u8], wishes: &mut Wishes) -> Result<(), Fault> {
    for option in value.split(|&byte| byte == b',') {
        let option = lines::trim(option);
        let is = |known: &[u8]| option.eq_ignore_ascii_case(known);
        let frames = is(b"content-length") || is(b"transfer-encoding") || is(b"host");
        if frames || !(option.is_empty() || lines::is_token(option)) {
            return Err(Fault::Connection);
        }
        wishes.close |= is(b"close");
        wishes.keep_alive |= is(b"keep-alive");
    }
    Ok(())
}
