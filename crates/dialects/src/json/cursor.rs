//! Where the scanner stands in its text, and the steps it takes: everything
//! that needs no knowledge of what is open. All of it is inlined, so that the
//! place stays in a register.

use super::{run, text};

/// What was expected; the cursor stands where it is missing.
pub(super) type Step<T> = Result<T, &'static str>;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// Whether all strings so far are ASCII.
    pub(super) is_ascii: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            is_ascii: true,
        }
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no white space: nearly always the next one, which
    /// one comparison tells.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(byte) if byte > b' ' => return Some(byte),
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Reads a string, from its quote on; whether it holds escapes.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Step<bool> {
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = run::end_of_ascii(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    self.at += match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
                        Some(b'u') if text::hex4(&self.bytes[self.at + 1..]).is_some() => 5,
                        _ => return Err("an invalid escape within a string"),
                    };
                }
                Some(0x80..) => {
                    self.is_ascii = false;
                    self.at = run::end(self.bytes, self.at);
                }
                _ => {
                    let (at, what) = broken(self.bytes, self.at);
                    self.at = at;
                    return Err(what);
                }
            }
        }
    }

    /// Reads a number.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Step<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Step<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err("expected a digit");
        }
        Ok(())
    }

    /// Reads this word.
    #[inline(always)]
    pub(super) fn word(&mut self, word: &[u8]) -> Step<()> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err("expected a value");
        }
        self.at += word.len();
        Ok(())
    }
}

/// A string without an end, or a control character in one that has one.
#[cold]
fn broken(bytes: &[u8], at: usize) -> (usize, &'static str) {
    match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        Some(_) => (at, "a control character within a string"),
        None => (bytes.len(), "the text ends within a string"),
    }
}
