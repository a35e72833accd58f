//! As much of HTTP/1.1 as driver and upstream need: heads, lengths, chunks.

use anyhow::{Context, Result, bail};
use memchr::memmem;

/// Where the body begins, if the head is whole.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// A header's value.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        let is_it = found.eq_ignore_ascii_case(name.as_bytes());
        is_it
            .then(|| std::str::from_utf8(value).ok().map(str::trim))
            .flatten()
    })
}

/// The body's length that a head declares.
pub(crate) fn content_length(head: &[u8]) -> Option<usize> {
    header(head, "content-length")?.parse().ok()
}

/// Reads answers, in whatever pieces they come.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    state: State,
    head: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    Length(usize),
    Chunked(Chunks),
}

impl Answer {
    /// Takes a piece and shows what of it is body: whether the answer is whole.
    ///
    /// # Errors
    /// It is no answer with status 200 of known length.
    pub(crate) fn feed(&mut self, bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<bool> {
        if !matches!(self.state, State::Head) {
            return self.feed_body(bytes, body);
        }
        if self.head.is_empty()
            && let Some(end) = head_end(bytes)
        {
            self.state = after(&bytes[..end])?;
            return self.feed_body(&bytes[end..], body);
        }
        self.head.extend_from_slice(bytes);
        let Some(end) = head_end(&self.head) else {
            return Ok(false);
        };
        let whole = std::mem::take(&mut self.head);
        self.state = after(&whole[..end])?;
        self.feed_body(&whole[end..], body)
    }

    fn feed_body(&mut self, bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<bool> {
        let is_whole = match &mut self.state {
            State::Head => false,
            State::Length(left) => {
                body(bytes);
                *left = left
                    .checked_sub(bytes.len())
                    .context("bytes behind the answer")?;
                *left == 0
            }
            State::Chunked(chunks) => chunks.feed(bytes, body)?,
        };
        if is_whole {
            self.state = State::Head;
        }
        Ok(is_whole)
    }
}

fn after(head: &[u8]) -> Result<State> {
    if !head.starts_with(b"HTTP/1.1 200 ") {
        bail!("the answer is {}", String::from_utf8_lossy(head).trim_end());
    }
    if let Some(length) = content_length(head) {
        return Ok(State::Length(length));
    }
    match header(head, "transfer-encoding") {
        Some("chunked") => Ok(State::Chunked(Chunks::default())),
        _ => bail!("the answer has no length"),
    }
}

/// A body in chunks.
#[derive(Debug, Default)]
struct Chunks {
    at: At,
    left: usize,
}

#[derive(Debug, Default, PartialEq)]
enum At {
    #[default]
    Size,
    Data,
    /// Line breaks behind data.
    Gap,
    /// The empty line behind the last chunk.
    End,
}

impl Chunks {
    fn feed(&mut self, mut bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<bool> {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.at == At::Data {
                let (data, behind) = bytes.split_at(self.left.min(bytes.len()));
                body(data);
                self.left -= data.len();
                bytes = behind;
                if self.left == 0 {
                    self.at = At::Gap;
                }
                continue;
            }
            bytes = rest;
            match (&self.at, first) {
                (_, b'\r') => {}
                (At::Size, b'\n') if self.left == 0 => self.at = At::End,
                (At::Size, b'\n') => self.at = At::Data,
                (At::Size, digit) => {
                    let digit = char::from(digit).to_digit(16).context("a chunk's size")?;
                    self.left = self.left * 16 + digit as usize;
                }
                (At::Gap, b'\n') => self.at = At::Size,
                (At::End, b'\n') if bytes.is_empty() => return Ok(true),
                _ => bail!("bytes where none may be in a chunked body"),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
    const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\nserver: x\r\nContent-Length: 5\r\n\r\nhello";

    fn read(pieces: &[&[u8]]) -> (String, Vec<bool>) {
        let (mut answer, mut said) = (Answer::default(), Vec::new());
        let ends = pieces
            .iter()
            .map(|piece| {
                let mut body = |bytes: &[u8]| said.extend_from_slice(bytes);
                answer.feed(piece, &mut body).expect("an answer")
            })
            .collect();
        (String::from_utf8(said).expect("text"), ends)
    }

    #[test]
    fn an_answer_reads_the_same_however_it_is_cut() {
        for (whole, wanted) in [(PLAIN, "hello"), (CHUNKED, "abcabcdefghijklmnopqrstuvwxyz")] {
            for cut in 1..whole.len() {
                let (said, ends) = read(&[&whole[..cut], &whole[cut..]]);
                assert_eq!(
                    (said.as_str(), ends.as_slice()),
                    (wanted, &[false, true][..])
                );
            }
        }
    }

    #[test]
    fn answers_follow_each_other_on_a_connection() {
        let (said, ends) = read(&[PLAIN, CHUNKED, PLAIN]);
        assert!(said.starts_with("helloabc") && said.ends_with("zhello"));
        assert_eq!(ends, [true, true, true]);
    }

    #[test]
    fn a_refusal_is_an_error_with_its_head() {
        let mut answer = Answer::default();
        let refused = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
        let error = answer.feed(refused, &mut |_| {}).expect_err("a refusal");
        assert!(error.to_string().contains("429"));
    }

    #[test]
    fn a_header_is_found_in_any_case() {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nCONTENT-length:  12 \r\n\r\n";
        assert_eq!(content_length(head), Some(12));
        assert_eq!(header(head, "host"), Some("a"));
        assert_eq!(header(head, "hos"), None);
    }
}
