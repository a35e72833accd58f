//! How a provider's stream is cut into events: by what its content type says.
//!
//! | content type | cut by |
//! |---|---|
//! | `text/event-stream` | [`crate::sse`] |
//! | `application/vnd.amazon.eventstream` | [`crate::eventstream`]; if the dialect is not AWS' own, its events are unwrapped from the messages |
//! | `application/x-ndjson` | [`crate::lines`], for dialects that stream so |

use bytes::Bytes;
use domain::canon::Dialect;

use crate::converse::invoke;
use crate::eventstream::Broken;
use crate::sse::Frame;
use crate::translate::Malformed;
use crate::{eventstream, lines, sse};

/// Cuts a stream of bytes into events.
#[derive(Debug)]
pub enum Cutter {
    /// Server-sent events.
    Events(sse::Framer),
    /// AWS' binary messages.
    Messages(eventstream::Framer),
    /// Another dialect's events in AWS' binary messages.
    Wrapped(eventstream::Framer, Dialect),
    /// Lines.
    Lines(lines::Framer),
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// An event is longer than anybody takes.
    #[error("an endless event")]
    Endless,
    /// It is none of its dialect.
    #[error("a malformed event: {0}")]
    Malformed(&'static str),
}

impl Cutter {
    /// For an answer of this content type by a provider of this dialect, with
    /// events of at most `limit` bytes; none if that is no stream.
    #[must_use]
    pub fn of(content_type: &[u8], dialect: Dialect, limit: usize) -> Option<Self> {
        let kind = content_type.split(|byte| *byte == b';').next()?;
        let kind = kind.trim_ascii();
        let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
        if is("text/event-stream") {
            return Some(Self::events(limit));
        }
        if is("application/vnd.amazon.eventstream") {
            let framer = eventstream::Framer::new(limit);
            return Some(match dialect {
                Dialect::Converse => Self::Messages(framer),
                _ => Self::Wrapped(framer, dialect),
            });
        }
        let has_lines = matches!(dialect, Dialect::Ollama);
        if has_lines && (is("application/x-ndjson") || is("application/ndjson")) {
            return Some(Self::Lines(lines::Framer::new(limit)));
        }
        None
    }

    /// For server-sent events of at most `limit` bytes.
    #[must_use]
    pub fn events(limit: usize) -> Self {
        Self::Events(sse::Framer::new(limit))
    }

    /// Takes bytes and adds the events that they complete to `out`.
    ///
    /// # Errors
    /// See [`Unreadable`]; nothing more can be read.
    pub fn push(&mut self, bytes: Bytes, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        let endless = |_| Unreadable::Endless;
        match self {
            Self::Events(framer) => framer.push(bytes, out).map_err(endless),
            Self::Lines(framer) => framer.push(bytes, out).map_err(endless),
            Self::Messages(framer) => Ok(framer.push(bytes, out)?),
            Self::Wrapped(framer, dialect) => {
                let mut messages = Vec::new();
                let pushed = framer.push(bytes, &mut messages);
                for message in &messages {
                    invoke::unwrap(message, *dialect, out)?;
                }
                Ok(pushed?)
            }
        }
    }

    /// The bytes ended cleanly: the event whose end never came. Some servers
    /// leave it out behind their last.
    ///
    /// # Errors
    /// What is left can be no event.
    pub fn last(&mut self) -> Result<Option<Frame>, Unreadable> {
        Ok(match self {
            Self::Events(framer) => framer.last(),
            Self::Messages(framer) => framer.last(),
            Self::Lines(framer) => framer.last(),
            Self::Wrapped(framer, dialect) => {
                let mut out = Vec::new();
                if let Some(cut) = framer.last() {
                    invoke::unwrap(&cut, *dialect, &mut out)?;
                }
                out.pop()
            }
        })
    }
}

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.0)
    }
}

impl From<Broken> for Unreadable {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::TooLong { .. } => Self::Endless,
            Broken::Lengths => Self::Malformed("a message with impossible lengths"),
            Broken::Checksum => Self::Malformed("a message with a wrong checksum"),
            Broken::Headers => Self::Malformed("a message with malformed headers"),
        }
    }
}
