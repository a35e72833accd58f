//! A path's segments.

use domain::refusal::{Reason, Refusal};

/// Undoes percent-encoding once.
///
/// # Errors
/// It is broken, or makes no UTF-8.
pub(crate) fn decoded(text: &str) -> Result<String, Refusal> {
    let bad = || {
        Refusal::new(
            Reason::UnknownRoute,
            "The path's percent-encoding is broken.",
        )
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || {
            bytes
                .next()
                .and_then(|b| char::from(b).to_digit(16))
                .ok_or_else(bad)
        };
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).map_err(|_| bad())?);
    }
    String::from_utf8(out).map_err(|_| bad())
}
