//! Field lines: `name: value`, nothing else.

use memchr::memchr;

use crate::{Bounds, Fault, Fields, framing};

/// Reads field lines, the first of which begins at `start` in `head`; `ends`
/// is where each has its LF, behind a CR, and the last is empty.
pub(crate) fn read(
    head: &[u8],
    start: usize,
    ends: &[u32],
    bounds: &Bounds,
) -> Result<Fields, Fault> {
    let count = ends.len().saturating_sub(1);
    let last = count
        .checked_sub(1)
        .map_or(start, |last| ends[last] as usize + 1);
    let mut fields = Fields::of(head[start..last].to_vec(), count.min(bounds.fields));
    let mut name = 0;
    for (at, end) in ends[..count].iter().enumerate() {
        if at == bounds.fields {
            return Err(Fault::TooManyFields);
        }
        let end = *end as usize - start;
        let line = &mut fields.lines_mut()[name..end.saturating_sub(1)];
        let [colon, value, over] = field(line)?;
        fields.place([name, name + colon, name + value, name + over]);
        name = end + 1;
    }
    Ok(fields)
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

/// The first line without its CRLF, where the next begins, and the ends of
/// the others.
pub(crate) fn first<'a>(head: &'a [u8], ends: &'a [u32]) -> Option<(&'a [u8], usize, &'a [u32])> {
    let (end, others) = ends.split_first()?;
    let line = head.get(..(*end as usize).checked_sub(1)?)?;
    Some((line, *end as usize + 1, others))
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
