//! One connection of the upstream: requests in, bytes out.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::answers::{Kind, Shape};
use crate::wire;

/// So much of a body is looked at; the rest is only counted.
const LOOKED_AT: usize = 256;

/// What an event led to.
pub(super) enum Next {
    /// Nothing yet.
    Wait,
    /// All that was held back is written.
    Flushed,
    /// A whole request.
    Asked(Kind, Shape),
    /// The other side left.
    Gone,
}

/// A connection.
pub(super) struct Conversation {
    pub(super) stream: TcpStream,
    /// The head and the body's beginning, while they are not whole.
    partial: Vec<u8>,
    /// What the request asks for and how much of its body is to come.
    rest: Option<(Kind, Shape, usize)>,
    /// Bytes that the socket would not take yet.
    held: Vec<u8>,
    /// The stream's shape.
    pub(super) shape: Shape,
    /// The stream's number, 0 if none is open.
    pub(super) stream_number: u64,
    /// Chunks that are still to come.
    pub(super) left: u32,
    /// Time between chunks; zero for a brief stream.
    pub(super) interval: Duration,
}

impl Conversation {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            partial: Vec::new(),
            rest: None,
            held: Vec::new(),
            shape: Shape::OpenAi,
            stream_number: 0,
            left: 0,
            interval: Duration::ZERO,
        }
    }

    /// Reads once.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Next {
        match self.stream.read(buffer) {
            Ok(0) => Next::Gone,
            Ok(length) => self.take(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Next::Wait,
            Err(_) => Next::Gone,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Next {
        let begun = match self.rest.take() {
            Some((kind, shape, left)) => Some((kind, shape, left.saturating_sub(bytes.len()))),
            None if self.partial.is_empty() => begin(bytes),
            None => {
                self.partial.extend_from_slice(bytes);
                let begun = begin(&self.partial);
                if begun.is_some() {
                    self.partial.clear();
                }
                begun
            }
        };
        match begun {
            Some((kind, shape, 0)) => Next::Asked(kind, shape),
            Some(more) => {
                self.rest = Some(more);
                Next::Wait
            }
            None => {
                if self.partial.is_empty() {
                    self.partial.extend_from_slice(bytes);
                }
                Next::Wait
            }
        }
    }

    /// Writes what the socket takes and holds the rest.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let mut written = 0;
        if self.held.is_empty() {
            // A broken connection shows when it is read.
            written = self.stream.write(bytes).unwrap_or(0);
        }
        self.held.extend_from_slice(&bytes[written..]);
    }

    /// Whether something is held back.
    pub(super) fn wants_room(&self) -> bool {
        !self.held.is_empty()
    }

    /// Writes what was held back.
    pub(super) fn flush(&mut self) -> Next {
        match self.stream.write(&self.held) {
            Ok(written) => drop(self.held.drain(..written)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return Next::Gone,
        }
        if self.held.is_empty() {
            Next::Flushed
        } else {
            Next::Wait
        }
    }
}

/// What is asked for and what is to come, once enough is there to tell.
fn begin(bytes: &[u8]) -> Option<(Kind, Shape, usize)> {
    let end = wire::head_end(bytes)?;
    let (head, body) = bytes.split_at(end);
    let length = wire::content_length(head).unwrap_or(0);
    if body.len() < length.min(LOOKED_AT) {
        return None;
    }
    let kind = Kind::of(&body[..body.len().min(LOOKED_AT)]);
    Some((kind, Shape::of(head), length.saturating_sub(body.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_begins_when_its_body_can_be_looked_at() {
        let body = format!("{{\"model\":\"paced\",\"x\":\"{}\"}}", "y".repeat(1000));
        let head = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
        assert!(begin(head.as_bytes()).is_none());
        let some = format!("{head}{}", &body[..300]);
        assert_eq!(
            begin(some.as_bytes()),
            Some((Kind::Paced, Shape::OpenAi, body.len() - 300))
        );
        let all = format!("{head}{body}");
        assert_eq!(begin(all.as_bytes()), Some((Kind::Paced, Shape::OpenAi, 0)));
    }
}
