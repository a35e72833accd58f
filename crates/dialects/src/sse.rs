//! Server-sent events: where one frame ends and the next begins.
//!
//! Framing only, no meaning. Every byte that goes in comes out again in some
//! frame (or in what [`Framer::finish`] gives), in order, and the frames do
//! not depend on how the stream was cut into chunks.

use bytes::{BufMut, Bytes, BytesMut};
use domain::edit::Span;

/// One frame: its lines and the blank line that ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Exactly what was received, the blank line included.
    pub bytes: Bytes,
    /// What its `data` lines say, joined by newlines.
    pub data: Option<Bytes>,
    /// What its last `event` line says.
    pub event: Option<Bytes>,
    /// Where the data begins in `bytes`, if it stands on one line.
    pub(crate) data_at: Option<usize>,
}

impl Frame {
    /// Whether it is the mark behind which nothing comes: `[DONE]`.
    #[must_use]
    pub fn is_end_mark(&self) -> bool {
        let data = self.data.as_deref();
        data.is_some_and(|data| data.trim_ascii() == b"[DONE]")
    }

    /// One that lies in these bytes, and nothing else.
    pub(crate) fn of(bytes: Bytes) -> Self {
        read(bytes, 0)
    }

    /// Its bytes with others in place of these of its data.
    #[must_use]
    pub(crate) fn with(&self, span: Span, with: &[u8]) -> Bytes {
        let (start, end) = (span.start as usize, span.end as usize);
        let mut out = BytesMut::with_capacity(self.bytes.len() + with.len());
        if let Some(at) = self.data_at {
            out.put_slice(&self.bytes[..at + start]);
            out.put_slice(with);
            out.put_slice(&self.bytes[at + end..]);
            return out.freeze();
        }
        // Several data lines: written anew, line by line.
        if let Some(event) = &self.event {
            out.put_slice(b"event: ");
            out.put_slice(event);
            out.put_u8(b'\n');
        }
        let data = self.data.as_deref().unwrap_or_default();
        let changed = [&data[..start], with, &data[end..]].concat();
        for line in changed.split(|byte| *byte == b'\n') {
            out.put_slice(b"data: ");
            out.put_slice(line);
            out.put_u8(b'\n');
        }
        out.put_u8(b'\n');
        out.freeze()
    }
}

/// A frame is longer than the framer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {limit} bytes")]
pub struct FrameTooLong {
    /// The most that it takes.
    pub limit: usize,
}

/// May stand at the start of a stream and belongs to no line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where in a frame the scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the start of a line.
    Start,
    /// Within a line.
    Line,
    /// Behind the CR of a line with text; an LF may belong to it.
    AfterCr,
    /// Behind the CR of a blank line; an LF may belong to it.
    BlankCr,
}

/// Cuts a stream of bytes into frames.
#[derive(Debug)]
pub struct Framer {
    pending: BytesMut,
    state: State,
    limit: usize,
    is_first: bool,
}

impl Framer {
    /// A framer that takes frames of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            pending: BytesMut::new(),
            state: State::Start,
            limit,
            is_first: true,
        }
    }

    /// Takes a chunk and adds the frames that it completes to `out`. A frame
    /// that lies in one chunk is a slice of it.
    ///
    /// # Errors
    /// [`FrameTooLong`]; the framer is of no use afterwards.
    pub fn push(&mut self, mut chunk: Bytes, out: &mut Vec<Frame>) -> Result<(), FrameTooLong> {
        let too_long = FrameTooLong { limit: self.limit };
        while !chunk.is_empty() {
            let Some(end) = self.scan(&chunk) else {
                if self.pending.len() + chunk.len() > self.limit {
                    return Err(too_long);
                }
                self.pending.extend_from_slice(&chunk);
                return Ok(());
            };
            if self.pending.len() + end > self.limit {
                return Err(too_long);
            }
            let mut bytes = chunk.split_to(end);
            if !self.pending.is_empty() {
                self.pending.extend_from_slice(&bytes);
                bytes = self.pending.split().freeze();
            }
            let is_first = std::mem::take(&mut self.is_first);
            let has_mark = is_first && bytes.starts_with(BYTE_ORDER_MARK);
            let start = if has_mark { BYTE_ORDER_MARK.len() } else { 0 };
            out.push(read(bytes, start));
        }
        Ok(())
    }

    /// The stream is over: what belongs to no complete frame. A stream that
    /// leaves something was cut.
    pub fn finish(&mut self) -> Option<Bytes> {
        self.state = State::Start;
        let rest = self.pending.split().freeze();
        (!rest.is_empty()).then_some(rest)
    }

    /// The stream is over: what belongs to no complete frame, read as if the
    /// blank line that is missing had come.
    pub fn last(&mut self) -> Option<Frame> {
        let rest = self.finish()?;
        Some(read([&rest[..], b"\n\n"].concat().into(), 0))
    }

    /// How many bytes of `chunk` complete the frame.
    fn scan(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < chunk.len() {
            if self.state == State::Line {
                at += memchr::memchr2(b'\n', b'\r', &chunk[at..])?;
            }
            let byte = chunk[at];
            at += 1;
            self.state = match (self.state, byte) {
                // A blank line behind a bare CR ends with a bare CR too: its
                // sender does not use LF, and waiting for one would hold the
                // frame back until the next comes.
                (State::Start | State::BlankCr, b'\n') | (State::AfterCr, b'\r') => {
                    self.state = State::Start;
                    return Some(at);
                }
                (State::BlankCr, _) => {
                    self.state = State::Start;
                    return Some(at - 1);
                }
                (State::Start, b'\r') => State::BlankCr,
                (State::Line, b'\r') => State::AfterCr,
                (State::Line | State::AfterCr, b'\n') => State::Start,
                _ => State::Line,
            };
        }
        None
    }
}

/// Reads the fields of a complete frame, from `start`.
fn read(bytes: Bytes, start: usize) -> Frame {
    let mut frame = Frame {
        bytes: bytes.clone(),
        data: None,
        event: None,
        data_at: None,
    };
    let mut joined: Option<BytesMut> = None;
    let mut at = start;
    while at < bytes.len() {
        let end = memchr::memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |run| at + run);
        let line = &bytes[at..end];
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let space = usize::from(line.get(colon + 1) == Some(&b' '));
        let value_at = (at + colon + 1 + space).min(end);
        match &line[..colon] {
            b"data" => match (&mut joined, &frame.data) {
                (Some(joined), _) => {
                    joined.extend_from_slice(b"\n");
                    joined.extend_from_slice(&bytes[value_at..end]);
                }
                (None, Some(first)) => {
                    let mut both = BytesMut::from(&first[..]);
                    both.extend_from_slice(b"\n");
                    both.extend_from_slice(&bytes[value_at..end]);
                    joined = Some(both);
                }
                (None, None) => {
                    frame.data = Some(bytes.slice(value_at..end));
                    frame.data_at = Some(value_at);
                }
            },
            b"event" => frame.event = Some(bytes.slice(value_at..end)),
            _ => {}
        }
        at = end + 1;
    }
    if let Some(joined) = joined {
        frame.data = Some(joined.freeze());
        frame.data_at = None;
    }
    frame
}
