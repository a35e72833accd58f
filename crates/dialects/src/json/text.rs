//! Strings: from their escaped form and back.

use std::borrow::Cow;

/// What stands between the quotes of a valid JSON string without escapes.
pub(crate) fn plain(inner: &[u8]) -> Cow<'_, str> {
    // Valid in all likelihood, and that is cheaper to ask than to mend.
    std::str::from_utf8(inner).map_or_else(|_| String::from_utf8_lossy(inner), Cow::Borrowed)
}

/// Decodes what stands between the quotes of a valid JSON string.
pub(crate) fn decode(inner: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inner).is_none() {
        return plain(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (letter, behind) = escape(&rest[at + 1..]);
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        rest = behind;
    }
    out.extend_from_slice(rest);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// A text that holds JSON, with what its escapes stand for; no JSON any more.
#[must_use]
pub fn unescaped(text: &str) -> Cow<'_, str> {
    decode(text.as_bytes())
}

/// Decodes one escape, given what follows its backslash; gives what is left.
pub(crate) fn escape(after: &[u8]) -> (char, &[u8]) {
    let Some((&kind, rest)) = after.split_first() else {
        return (char::REPLACEMENT_CHARACTER, after);
    };
    let plain = match kind {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => return unicode(rest),
        other => char::from(other),
    };
    (plain, rest)
}

fn unicode(rest: &[u8]) -> (char, &[u8]) {
    let Some(first) = hex4(rest) else {
        return (char::REPLACEMENT_CHARACTER, rest);
    };
    let mut rest = &rest[4..];
    let mut code = first;
    if (0xd800..0xdc00).contains(&first)
        && rest.starts_with(b"\\u")
        && let Some(second) = hex4(&rest[2..])
        && (0xdc00..0xe000).contains(&second)
    {
        code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        rest = &rest[6..];
    }
    let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    (letter, rest)
}

/// The value of four hexadecimal digits.
pub(super) fn hex4(digits: &[u8]) -> Option<u32> {
    digits.get(..4)?.iter().try_fold(0, |value, &digit| {
        char::from(digit)
            .to_digit(16)
            .map(|digit| value << 4 | digit)
    })
}

/// Writes a JSON string, quotes included.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Writes what stands between the quotes of a JSON string.
pub fn write_escaped(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let digits = [
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ];
            out.extend_from_slice(&digits);
        }
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
}
