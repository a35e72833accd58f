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

/// Bytes to send.
pub(crate) struct Answers {
    epoch: Instant,
    /// The whole plain answer.
    pub(crate) plain: Vec<u8>,
    /// The head of a stream.
    pub(crate) stream_head: Vec<u8>,
    /// What ends a stream: finish reason, usage, `[DONE]`, the last chunk.
    pub(crate) stream_end: Vec<u8>,
    chunk: Vec<u8>,
    digits_at: usize,
}

const COMMON: &str = "HTTP/1.1 200 OK\r\nserver: upstream\r\n\
                      date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

impl Answers {
    /// Moments count from `epoch`.
    pub(crate) fn new(epoch: Instant) -> Self {
        let body = format!(
            "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\
             \"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{}\"}},\
             \"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":400,\
             \"completion_tokens\":100,\"total_tokens\":500}}}}",
            "word ".repeat(100)
        );
        let length = body.len();
        let plain = format!(
            "{COMMON}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let stream_head = format!(
            "{COMMON}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let zeros = "0".repeat(DIGITS);
        let chunk = chunk(&event(
            &format!("{{\"content\":\"at {zeros} some words\"}}"),
            "null",
        ));
        let digits_at = memchr::memmem::find(&chunk, MOMENT).map_or(0, |at| at + MOMENT.len());
        let mut stream_end = chunk_of_end();
        stream_end.extend_from_slice(b"0\r\n\r\n");
        Self {
            epoch,
            plain: plain.into_bytes(),
            stream_head: stream_head.into_bytes(),
            stream_end,
            chunk,
            digits_at,
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

fn event(delta: &str, reason: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\
         \"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\
         \"finish_reason\":{reason}}}]}}\n\n"
    )
}

fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

fn chunk_of_end() -> Vec<u8> {
    let usage = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\
                 \"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":400,\
                 \"completion_tokens\":100,\"total_tokens\":500}}\n\ndata: [DONE]\n\n";
    chunk(&format!("{}{usage}", event("{}", "\"stop\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_when_it_was_sent() {
        let mut answers = Answers::new(Instant::now());
        let first = moment(answers.chunk_now()).expect("a moment");
        let second = moment(answers.chunk_now()).expect("a moment");
        assert!(first <= second && second < 60_000_000_000);
    }

    #[test]
    fn the_model_says_what_is_asked_for() {
        assert_eq!(Kind::of(br#"{"model":"paced","stream":true}"#), Kind::Paced);
        assert_eq!(Kind::of(br#"{"model":"m"}"#), Kind::Plain);
        assert_eq!(Kind::of(b"{}"), Kind::Plain);
    }

    #[test]
    fn a_plain_answer_is_as_long_as_it_says() {
        let answers = Answers::new(Instant::now());
        let end = crate::wire::head_end(&answers.plain).expect("a head");
        let length = crate::wire::content_length(&answers.plain[..end]);
        assert_eq!(length, Some(answers.plain.len() - end));
        assert!(answers.plain.len() > 700);
    }
}
