//! What the upstream says, made once and copied out.

use std::time::Instant;

/// What a request's model asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A chat answer of some 700 bytes, with usage.
    Plain,
    /// A stream without end, a chunk each interval.
    Paced,
    /// A stream as fast as it is read.
    Flood,
    /// A stream whose first chunk comes at once, and the rest soon after.
    Brief,
}

impl Kind {
    /// By the model that a request's body names near its beginning.
    pub(crate) fn of(body: &[u8]) -> Self {
        let marker = b"\"model\":\"";
        let Some(at) = memchr::memmem::find(body, marker) else {
            return Self::Plain;
        };
        match body.get(at + marker.len()) {
            Some(b'p') => Self::Paced,
            Some(b'f') => Self::Flood,
            Some(b'b') => Self::Brief,
            _ => Self::Plain,
        }
    }
}

/// The marker before a chunk's moment, in nanoseconds since the program began.
pub(crate) const MOMENT: &[u8] = b"\"at ";
const DIGITS: usize = 15;

/// The moment a chunk was sent, if one begins in this piece of a body.
pub(crate) fn moment(body: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(body, MOMENT)? + MOMENT.len();
    let digits = body.get(at..at + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whose shape an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Of `OpenAI`'s chat completions.
    OpenAi,
    /// Of Anthropic's Messages.
    Anthropic,
}

impl Shape {
    /// By the path that a request's head names.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head.starts_with(b"POST /v1/messages ") {
            true => Self::Anthropic,
            false => Self::OpenAi,
        }
    }
}

/// What is said in one shape, without HTTP around it.
pub(super) struct Words {
    /// The whole plain answer.
    pub(super) plain: String,
    /// The events before a stream's first content; may be none.
    pub(super) start: String,
    /// A content's event, with [`MOMENT`] and the digits to fill in.
    pub(super) chunk: String,
    /// The events that end a stream.
    pub(super) end: String,
}

/// What stands for a moment until it is known.
pub(super) fn no_moment() -> String {
    "0".repeat(DIGITS)
}

/// Bytes to send in one shape.
pub(crate) struct Answers {
    /// The whole plain answer.
    pub(crate) plain: Vec<u8>,
    /// The head of a stream, and what comes before its content.
    pub(crate) stream_head: Vec<u8>,
    /// What ends a stream: why, usage, the end mark, the last chunk.
    pub(crate) stream_end: Vec<u8>,
    epoch: Instant,
    chunk: Vec<u8>,
    digits_at: usize,
}

const COMMON: &str = "HTTP/1.1 200 OK\r\nserver: upstream\r\n\
                      date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

impl Answers {
    /// Moments count from `epoch`.
    pub(crate) fn new(shape: Shape, epoch: Instant) -> Self {
        let words = match shape {
            Shape::OpenAi => super::openai::words(),
            Shape::Anthropic => super::anthropic::words(),
        };
        let (body, length) = (&words.plain, words.plain.len());
        let plain = format!(
            "{COMMON}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut stream_head = format!(
            "{COMMON}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        if !words.start.is_empty() {
            stream_head += &chunk(&words.start);
        }
        let chunk_of_content = chunk(&words.chunk).into_bytes();
        let digits_at = memchr::memmem::find(&chunk_of_content, MOMENT);
        Self {
            epoch,
            plain: plain.into_bytes(),
            stream_head: stream_head.into_bytes(),
            stream_end: (chunk(&words.end) + "0\r\n\r\n").into_bytes(),
            chunk: chunk_of_content,
            digits_at: digits_at.map_or(0, |at| at + MOMENT.len()),
        }
    }

    /// A chunk of content that says when it was sent.
    pub(crate) fn chunk_now(&mut self) -> &[u8] {
        let mut nanos = self.epoch.elapsed().as_nanos();
        for digit in self.chunk[self.digits_at..self.digits_at + DIGITS]
            .iter_mut()
            .rev()
        {
            *digit = b'0' + (nanos % 10) as u8;
            nanos /= 10;
        }
        &self.chunk
    }
}

fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_when_it_was_sent() {
        for shape in [Shape::OpenAi, Shape::Anthropic] {
            let mut answers = Answers::new(shape, Instant::now());
            let first = moment(answers.chunk_now()).expect("a moment");
            let second = moment(answers.chunk_now()).expect("a moment");
            assert!(first <= second && second < 60_000_000_000);
        }
    }

    #[test]
    fn the_model_says_what_is_asked_for() {
        assert_eq!(Kind::of(br#"{"model":"paced","stream":true}"#), Kind::Paced);
        assert_eq!(Kind::of(br#"{"model":"m"}"#), Kind::Plain);
        assert_eq!(Kind::of(b"{}"), Kind::Plain);
    }

    #[test]
    fn the_path_says_in_which_shape() {
        let messages = b"POST /v1/messages HTTP/1.1\r\n";
        assert_eq!(Shape::of(messages), Shape::Anthropic);
        let chat = b"POST /v1/chat/completions HTTP/1.1\r\n";
        assert_eq!(Shape::of(chat), Shape::OpenAi);
    }

    #[test]
    fn a_plain_answer_is_as_long_as_it_says() {
        for shape in [Shape::OpenAi, Shape::Anthropic] {
            let answers = Answers::new(shape, Instant::now());
            let end = crate::wire::head_end(&answers.plain).expect("a head");
            let length = crate::wire::content_length(&answers.plain[..end]);
            assert_eq!(length, Some(answers.plain.len() - end));
            assert!(answers.plain.len() > 700);
        }
    }
}
