//! Field lines: `name: value`, nothing else.

use memchr::memchr;

use crate::fields::{Fields, Place};
use crate::{Bounds, Fault, framing};

/// Fields that most heads of the way have; the list grows for more.
const USUAL: usize = 12;

/// Reads field lines. The reader has seen to it that each ends in CRLF and
/// that the last is empty.
pub(crate) fn read(lines: &[u8], bounds: &Bounds) -> Result<Fields, Fault> {
    let mut text = lines.to_vec();
    let mut places = Vec::with_capacity(USUAL);
    let mut start = 0;
    while let Some(found) = memchr(b'\n', &text[start..]) {
        let line = &mut text[start..start + found.saturating_sub(1)];
        if line.is_empty() {
            break;
        }
        if places.len() == bounds.fields {
            return Err(Fault::TooManyFields);
        }
        let [colon, value, end] = field(line)?;
        let at = |offset: usize| u32::try_from(start + offset).map_err(|_| Fault::HeadTooLarge);
        places.push(Place {
            name: at(0)?,
            colon: at(colon)?,
            value: at(value)?,
            end: at(end)?,
        });
        start += found + 1;
    }
    Ok(Fields::of(text, places))
}

/// Reads one line, and writes its name in lower case: where the name ends, the
/// value begins and ends.
fn field(line: &mut [u8]) -> Result<[usize; 3], Fault> {
    let Some(colon) = lower_name(line) else {
        return Err(bad_name(line));
    };
    if framing::is_lookalike(&line[..colon]) {
        return Err(Fault::Lookalike);
    }
    let behind = trim_start(&line[colon + 1..]);
    let value = trim(behind);
    if !is_value(value) {
        return Err(bad_value(value));
    }
    let begin = line.len() - behind.len();
    Ok([colon, begin, begin + value.len()])
}

/// Writes the name in front of the colon in lower case, and says where the
/// colon is; `None` if what stands there is no name.
fn lower_name(line: &mut [u8]) -> Option<usize> {
    for (at, byte) in line.iter_mut().enumerate() {
        match LOWER[usize::from(*byte)] {
            0 => return (*byte == b':' && at > 0).then_some(at),
            lower => *byte = lower,
        }
    }
    None
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
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let mut value = trim_start(value);
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn trim_start(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    value
}

/// Whether every byte may stand in a value. All are looked at, whatever the
/// first says: like this the compiler looks at many at once.
pub(crate) fn is_value(value: &[u8]) -> bool {
    value
        .iter()
        .fold(true, |all, byte| all & is_value_byte(*byte))
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

/// Whether `text` is a token without capital letters.
pub(crate) fn is_lower_token(text: &[u8]) -> bool {
    is_token(text) && !text.iter().any(u8::is_ascii_uppercase)
}

/// What else than letters and digits a token may hold.
const TOKEN_MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
static TOKEN: [bool; 256] = table(TOKEN_MARKS);
/// A token's bytes in lower case; 0 for those that are in none.
static LOWER: [u8; 256] = lower();

const fn lower() -> [u8; 256] {
    let token = table(TOKEN_MARKS);
    let mut lower = [0; 256];
    let mut byte = 0_usize;
    while byte < 128 {
        if token[byte] {
            lower[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    lower
}

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
