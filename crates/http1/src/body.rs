//! Bodies, as they come in.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use crate::{Fault, Length, chunk, lines};

/// Bytes that the chunk extensions of one body may take, all of them together.
const EXTENSIONS: usize = 1024;
/// Bytes that the trailers of one body may take.
const TRAILERS: usize = 8 * 1024;

/// Reads a body, piece by piece.
#[derive(Debug)]
pub struct Body {
    state: State,
    /// Bytes of an unfinished line that have been looked at.
    seen: usize,
    /// What extensions may still take.
    extensions: usize,
    /// What trailers may still take.
    trailers: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Data of a body that announced its length.
    Exact(u64),
    UntilClose,
    ChunkLine,
    /// Data of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Done,
    Broken(Fault),
}

/// What [`Body::next`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Data; never empty.
    Data(Bytes),
    /// The buffer must be filled first.
    More,
    /// The body is over; what stands in the buffer is the next message.
    Done,
}

impl Body {
    /// A body of this length, of which nothing has come.
    #[must_use]
    pub fn new(length: Length) -> Self {
        let state = match length {
            Length::None | Length::Exact(0) => State::Done,
            Length::Exact(length) => State::Exact(length),
            Length::Chunked => State::ChunkLine,
            Length::UntilClose => State::UntilClose,
        };
        Self {
            state,
            seen: 0,
            extensions: EXTENSIONS,
            trailers: TRAILERS,
        }
    }

    /// Whether all of it has come.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The bytes still to come, where the body announced its length.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Exact(left) => Some(left),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// Splits the next data off the front of `buffer`, without copying it.
    /// Between two calls bytes may only be appended to the buffer.
    ///
    /// # Errors
    /// The rule that the body breaks; the same again from then on.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Step, Fault> {
        loop {
            match self.advance(buffer) {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(fault) => {
                    self.state = State::Broken(fault);
                    return Err(fault);
                }
            }
        }
    }

    /// Says that the connection has ended and the buffer is used up.
    ///
    /// # Errors
    /// [`Fault::Truncated`], unless that is where the body ends.
    pub fn end(&mut self) -> Result<(), Fault> {
        match self.state {
            State::Done | State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            State::Broken(fault) => Err(fault),
            _ => {
                self.state = State::Broken(Fault::Truncated);
                Err(Fault::Truncated)
            }
        }
    }

    /// One state further; `None` where that gives nothing to the caller.
    fn advance(&mut self, buffer: &mut BytesMut) -> Result<Option<Step>, Fault> {
        match self.state {
            State::Done => return Ok(Some(Step::Done)),
            State::Broken(fault) => return Err(fault),
            _ if buffer.is_empty() => return Ok(Some(Step::More)),
            State::UntilClose => return Ok(Some(Step::Data(buffer.split().freeze()))),
            State::Exact(left) => {
                let (data, left) = take(buffer, left);
                self.state = match left {
                    0 => State::Done,
                    left => State::Exact(left),
                };
                return Ok(Some(Step::Data(data)));
            }
            State::Chunk(left) => {
                let (data, left) = take(buffer, left);
                self.state = match left {
                    0 => State::ChunkEnd,
                    left => State::Chunk(left),
                };
                return Ok(Some(Step::Data(data)));
            }
            State::ChunkEnd => match buffer[..] {
                [b'\r', b'\n', ..] => {
                    buffer.advance(2);
                    self.state = State::ChunkLine;
                }
                [b'\r'] => return Ok(Some(Step::More)),
                _ => return Err(Fault::ChunkEnd),
            },
            State::ChunkLine => {
                let most = chunk::DIGITS + self.extensions;
                let Some(end) = self.line(buffer, most, Fault::ChunkExtension)? else {
                    return Ok(Some(Step::More));
                };
                let (size, extensions) = chunk::read(&buffer[..end])?;
                self.extensions = self
                    .extensions
                    .checked_sub(extensions)
                    .ok_or(Fault::ChunkExtension)?;
                buffer.advance(end + 2);
                self.state = match size {
                    0 => State::Trailers,
                    size => State::Chunk(size),
                };
            }
            State::Trailers => {
                let Some(end) = self.line(buffer, self.trailers, Fault::Trailer)? else {
                    return Ok(Some(Step::More));
                };
                if end == 0 {
                    self.state = State::Done;
                } else {
                    lines::check_trailer(&buffer[..end])?;
                    self.trailers -= end;
                }
                buffer.advance(end + 2);
            }
        }
        Ok(None)
    }

    /// The length of the line at the buffer's front without its CRLF, if it is
    /// there to its end; a fault if it holds more than `most` bytes.
    fn line(
        &mut self,
        buffer: &BytesMut,
        most: usize,
        too_long: Fault,
    ) -> Result<Option<usize>, Fault> {
        let window = &buffer[..buffer.len().min(most + 2)];
        match memchr(b'\n', window.get(self.seen..).unwrap_or_default()) {
            Some(found) => {
                let end = self.seen + found;
                self.seen = 0;
                match end.checked_sub(1) {
                    Some(cr) if window[cr] == b'\r' => Ok(Some(cr)),
                    _ => Err(Fault::LineEnd),
                }
            }
            None if window.len() == most + 2 => Err(too_long),
            None => {
                self.seen = window.len();
                Ok(None)
            }
        }
    }
}

/// As much of `left` bytes as there is, and what is then left.
fn take(buffer: &mut BytesMut, left: u64) -> (Bytes, u64) {
    let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
    (
        buffer.split_to(length).freeze(),
        left.saturating_sub(length as u64),
    )
}
