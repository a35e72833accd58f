//! Takes heads off the front of a buffer.

use bytes::{Buf, BytesMut};
use http::Method;
use memchr::memchr;

use crate::{Answer, Ask, Bounds, Fault, answer, ask, lines, target};

/// Blank lines that may stand before a request, as some old clients send them
/// after a body.
const BLANK_LINES: u8 = 2;
/// A start line that is not over by here never fits: the longest target and
/// room for method and version.
const START_LINE: usize = target::MOST + 128;

/// Reads one head after the other from one buffer, remembering how far it has
/// looked: a head that drips in is scanned once. Between two calls that give
/// `None`, bytes may only be appended to the buffer.
#[derive(Debug, Default)]
pub struct Reader {
    /// Bytes that have been looked at.
    seen: usize,
    /// Where the line begins that `seen` stands in.
    line: usize,
    /// Where each line so far has its LF.
    ends: Vec<u32>,
    blank_lines: u8,
}

impl Reader {
    /// Takes a request's head off the front of `buffer`. `None`: more bytes are
    /// needed.
    ///
    /// # Errors
    /// The first rule that the head breaks.
    pub fn ask(&mut self, buffer: &mut BytesMut, bounds: &Bounds) -> Result<Option<Ask>, Fault> {
        self.skip_blank_lines(buffer)?;
        // A TLS greeting has no line end to wait for.
        if self.seen == 0 && buffer.first().is_some_and(|&byte| !may_begin(byte)) {
            return Err(Fault::RequestLine);
        }
        let Some(end) = self.head(buffer, bounds)? else {
            return Ok(None);
        };
        let ask = ask::read(&buffer[..end], &self.ends, bounds);
        self.ends.clear();
        let ask = ask?;
        buffer.advance(end);
        Ok(Some(ask))
    }

    /// Takes an answer's head off the front of `buffer`. `method` is that of
    /// the request which it answers: a `HEAD` is answered without a body.
    /// Interim answers (1xx) are given back too, for the caller to skip.
    ///
    /// # Errors
    /// The first rule that the head breaks.
    pub fn answer(
        &mut self,
        buffer: &mut BytesMut,
        bounds: &Bounds,
        method: &Method,
    ) -> Result<Option<Answer>, Fault> {
        let Some(end) = self.head(buffer, bounds)? else {
            return Ok(None);
        };
        let answer = answer::read(&buffer[..end], &self.ends, bounds, method);
        self.ends.clear();
        let answer = answer?;
        buffer.advance(end);
        Ok(Some(answer))
    }

    fn skip_blank_lines(&mut self, buffer: &mut BytesMut) -> Result<(), Fault> {
        while self.seen == 0 && buffer.starts_with(b"\r\n") {
            if self.blank_lines == BLANK_LINES {
                return Err(Fault::BlankLines);
            }
            self.blank_lines += 1;
            buffer.advance(2);
        }
        Ok(())
    }

    /// Where the head ends: behind the first empty line.
    fn head(&mut self, buffer: &BytesMut, bounds: &Bounds) -> Result<Option<usize>, Fault> {
        // A lone CR may be the first half of a blank line.
        if self.seen == 0 && buffer[..] == b"\r"[..] {
            return Ok(None);
        }
        let window = &buffer[..buffer.len().min(bounds.head_bytes)];
        while let Some(found) = memchr(b'\n', window.get(self.seen..).unwrap_or_default()) {
            let end = self.seen + found;
            if self.line == 0 && end > START_LINE {
                return Err(Fault::TargetTooLong);
            }
            if end == self.line || window[end - 1] != b'\r' {
                return Err(Fault::LineEnd);
            }
            // The start line and the empty one are no fields.
            if self.ends.len() >= bounds.fields + 2 {
                return Err(Fault::TooManyFields);
            }
            // Bounds are far below what does not fit.
            self.ends.push(u32::try_from(end).unwrap_or(u32::MAX));
            if end - self.line == 1 {
                if self.line == 0 {
                    return Err(Fault::BlankLines);
                }
                (self.seen, self.line, self.blank_lines) = (0, 0, 0);
                return Ok(Some(end + 1));
            }
            self.seen = end + 1;
            self.line = end + 1;
        }
        self.seen = window.len();
        if self.line == 0 && self.seen > START_LINE {
            return Err(Fault::TargetTooLong);
        }
        if self.seen == bounds.head_bytes {
            return Err(Fault::HeadTooLarge);
        }
        Ok(None)
    }
}

/// Whether a request's head, or a blank line, may begin with `byte`; of line
/// ends the scan knows more to say.
fn may_begin(byte: u8) -> bool {
    lines::is_token_byte(byte) || matches!(byte, b'\r' | b'\n')
}
