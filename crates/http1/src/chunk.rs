//! The line before a chunk: its size, and extensions that nobody reads.

use memchr::memchr;

use crate::{Fault, lines};

/// The most digits of a size; so many always fit.
pub(crate) const DIGITS: usize = 16;

/// A chunk's size, and the bytes that its extensions take.
pub(crate) fn read(line: &[u8]) -> Result<(u64, usize), Fault> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let (digits, extensions) = line.split_at(digits.count());
    let ends_well = matches!(extensions, [] | [b';', ..]);
    if digits.is_empty() || digits.len() > DIGITS || !ends_well {
        return Err(match memchr(b'\r', line) {
            Some(_) => Fault::LineEnd,
            None => Fault::ChunkSize,
        });
    }
    check_extensions(extensions)?;
    let size = digits.iter().fold(0_u64, |sum, &digit| {
        // Hexadecimal digits all, so the sum never wants for a digit.
        sum << 4 | u64::from(char::from(digit).to_digit(16).unwrap_or_default())
    });
    Ok((size, extensions.len()))
}

/// `;name`, `;name=token` and `;name="quoted"`, without any white space.
fn check_extensions(mut rest: &[u8]) -> Result<(), Fault> {
    if memchr(b'\r', rest).is_some() {
        return Err(Fault::LineEnd);
    }
    while let [b';', after @ ..] = rest {
        rest = token(after)?;
        if let [b'=', after @ ..] = rest {
            rest = match after {
                [b'"', after @ ..] => quoted(after)?,
                _ => token(after)?,
            };
        }
    }
    match rest {
        [] => Ok(()),
        _ => Err(Fault::ChunkExtension),
    }
}

/// What follows a token.
fn token(text: &[u8]) -> Result<&[u8], Fault> {
    let length = text
        .iter()
        .take_while(|&&byte| lines::is_token_byte(byte))
        .count();
    match length {
        0 => Err(Fault::ChunkExtension),
        length => Ok(&text[length..]),
    }
}

/// What follows a quoted string whose opening quote is gone.
fn quoted(mut text: &[u8]) -> Result<&[u8], Fault> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Ok(rest),
            [b'\\', byte, rest @ ..] if lines::is_value_byte(*byte) => rest,
            [byte, rest @ ..] if *byte != b'\\' && lines::is_value_byte(*byte) => rest,
            _ => return Err(Fault::ChunkExtension),
        };
    }
}
