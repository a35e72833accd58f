//! AWS' binary event streams (`application/vnd.amazon.eventstream`): where one
//! message ends and the next begins.
//!
//! Framing only, no meaning, and in the same frames as server-sent events
//! ([`crate::sse`]): the event is the message's `:event-type`, the data its
//! payload. A message is
//!
//! ```text
//! length of all, length of the headers, CRC-32 of these eight bytes   4 + 4 + 4
//! headers: length, name, type, value
//! payload
//! CRC-32 of everything before                                                 4
//! ```
//!
//! with its numbers big-endian. Both sums are checked: behind a wrong one no
//! length can be believed, and the stream is of no use.

use bytes::{Bytes, BytesMut};

use crate::sse::Frame;

/// Stands before the name of an exception that ends a stream: no event of
/// AWS' has a colon in its name.
pub const EXCEPTION: &str = "exception:";

/// The event of a message whose end never came.
pub const CUT: &str = "cut:";

/// The lengths and their sum.
const PRELUDE: usize = 12;
/// The sum at the end.
const SUM: usize = 4;
/// AWS allows no more headers.
const MOST_HEADERS: usize = 128 * 1024;

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A message is longer than the framer takes.
    #[error("a message of more than {limit} bytes")]
    TooLong {
        /// The most that it takes.
        limit: usize,
    },
    /// Its lengths cannot be.
    #[error("a message with impossible lengths")]
    Lengths,
    /// A sum is wrong.
    #[error("a message with a wrong checksum")]
    Checksum,
    /// Its headers cannot be read.
    #[error("a message with malformed headers")]
    Headers,
}

/// Cuts a stream of bytes into messages.
#[derive(Debug)]
pub struct Framer {
    pending: BytesMut,
    limit: usize,
}

impl Framer {
    /// A framer that takes messages of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            pending: BytesMut::new(),
            limit,
        }
    }

    /// Takes a chunk and adds the messages that it completes to `out`. A
    /// message that lies in one chunk is a slice of it.
    ///
    /// # Errors
    /// See [`Broken`]; the framer is of no use afterwards.
    pub fn push(&mut self, mut chunk: Bytes, out: &mut Vec<Frame>) -> Result<(), Broken> {
        while !self.pending.is_empty() && !chunk.is_empty() {
            let Some(total) = self.total(&self.pending)? else {
                self.fill(PRELUDE, &mut chunk);
                continue;
            };
            self.fill(total, &mut chunk);
            if self.pending.len() == total {
                out.push(read(self.pending.split().freeze())?);
            }
        }
        while let Some(total) = self.total(&chunk)?
            && chunk.len() >= total
        {
            out.push(read(chunk.split_to(total))?);
        }
        if !chunk.is_empty() {
            self.pending.extend_from_slice(&chunk);
        } else if self.pending.len() >= PRELUDE {
            // Whoever sends a length that cannot be is told at once.
            self.total(&self.pending)?;
        }
        Ok(())
    }

    /// The stream is over: what belongs to no complete message. A stream that
    /// leaves something was cut.
    pub fn finish(&mut self) -> Option<Bytes> {
        let rest = self.pending.split().freeze();
        (!rest.is_empty()).then_some(rest)
    }

    /// The stream is over: what belongs to no complete message, as a frame
    /// whose event is [`CUT`].
    pub fn last(&mut self) -> Option<Frame> {
        Some(frame(self.finish()?, CUT.to_owned(), None))
    }

    /// Takes from `chunk` what is missing to `length` pending bytes.
    fn fill(&mut self, length: usize, chunk: &mut Bytes) {
        let missing = length.saturating_sub(self.pending.len());
        let more = chunk.split_to(missing.min(chunk.len()));
        self.pending.extend_from_slice(&more);
    }

    /// The length of the message that begins here, once it is known.
    fn total(&self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        let Some(prelude) = bytes.get(..PRELUDE) else {
            return Ok(None);
        };
        let (lengths, sum) = prelude.split_at(8);
        if number(sum) != Some(crc32fast::hash(lengths)) {
            return Err(Broken::Checksum);
        }
        let (total, headers) = lengths.split_at(4);
        let total = length(total).ok_or(Broken::Lengths)?;
        let headers = length(headers).ok_or(Broken::Lengths)?;
        if headers > MOST_HEADERS || total < PRELUDE + SUM + headers {
            return Err(Broken::Lengths);
        }
        match total > self.limit {
            true => Err(Broken::TooLong { limit: self.limit }),
            false => Ok(Some(total)),
        }
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn length(bytes: &[u8]) -> Option<usize> {
    usize::try_from(number(bytes)?).ok()
}

fn frame(bytes: Bytes, event: String, data: Option<Bytes>) -> Frame {
    Frame {
        bytes,
        data,
        event: Some(event.into()),
        data_at: None,
    }
}

/// Reads a complete message.
fn read(bytes: Bytes) -> Result<Frame, Broken> {
    let end = bytes.len().saturating_sub(SUM);
    let (body, sum) = bytes.split_at_checked(end).ok_or(Broken::Lengths)?;
    if number(sum) != Some(crc32fast::hash(body)) {
        return Err(Broken::Checksum);
    }
    let headers = body.get(4..8).and_then(length).ok_or(Broken::Lengths)?;
    let start = PRELUDE + headers;
    let named = body.get(PRELUDE..start).ok_or(Broken::Lengths)?;
    let headers = Headers::read(named).ok_or(Broken::Headers)?;
    let payload = bytes.slice(start..end);
    let (event, data) = match headers.message.as_deref() {
        Some("exception") => (format!("{EXCEPTION}{}", headers.exception), payload),
        Some("error") => (
            format!("{EXCEPTION}{}", headers.code),
            crate::json::object(|o| {
                o.string("message", &headers.said);
            })
            .into(),
        ),
        _ => (headers.event, payload),
    };
    Ok(frame(bytes, event, Some(data)))
}

/// The headers that say what a message is.
#[derive(Debug, Default)]
struct Headers {
    /// `:message-type`
    message: Option<String>,
    /// `:event-type`
    event: String,
    /// `:exception-type`
    exception: String,
    /// `:error-code`
    code: String,
    /// `:error-message`
    said: String,
}

impl Headers {
    /// Reads all of them; none if they are malformed.
    fn read(mut rest: &[u8]) -> Option<Self> {
        let mut headers = Self::default();
        while let Some((&long, behind)) = rest.split_first() {
            let (name, behind) = behind.split_at_checked(usize::from(long))?;
            let (&kind, behind) = behind.split_first()?;
            let (value, behind) = value(kind, behind)?;
            rest = behind;
            // Only texts say anything to us.
            if kind != 7 {
                continue;
            }
            let value = std::str::from_utf8(value).ok()?.to_owned();
            match name {
                b":message-type" => headers.message = Some(value),
                b":event-type" => headers.event = value,
                b":exception-type" => headers.exception = value,
                b":error-code" => headers.code = value,
                b":error-message" => headers.said = value,
                _ => {}
            }
        }
        Some(headers)
    }
}

/// A header's value and what stands behind it.
fn value(kind: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let size = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => {
            let (size, behind) = bytes.split_at_checked(2)?;
            let size = u16::from_be_bytes(size.try_into().ok()?);
            return behind.split_at_checked(usize::from(size));
        }
        _ => return None,
    };
    bytes.split_at_checked(size)
}
