//! What a stream of events says of its tokens while its bytes pass by unread.

use domain::canon::Dialect;
use domain::usage::Usage;

use super::{Gleaner, Reach};

/// The name of the lines that hold an event's JSON, with its colon.
const DATA: &[u8] = b"data:";

/// Where in a line the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind so many bytes of [`DATA`].
    Name(usize),
    /// Behind all of them.
    Data,
    /// In a line of another kind.
    Other,
}

/// Reads over server-sent events. Providers tell the tokens in parts, each the
/// whole so far; what is not said again stays.
#[derive(Debug)]
pub struct EventGleaner {
    gleaner: Gleaner,
    place: Place,
    /// A line feed that comes now belongs to the line before.
    is_behind_cr: bool,
    found: Option<Usage>,
}

impl EventGleaner {
    /// Of a stream by a provider that speaks `dialect`.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self {
            gleaner: Gleaner::reaching(dialect, Reach::Within),
            place: Place::Name(0),
            is_behind_cr: false,
            found: None,
        }
    }

    /// Reads over the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        loop {
            if !matches!(self.place, Place::Name(_)) {
                let length = memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
                let (text, rest) = bytes.split_at(length);
                if self.place == Place::Data {
                    self.gleaner.push(text);
                }
                bytes = rest;
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                return;
            };
            bytes = rest;
            let is_one_end = std::mem::take(&mut self.is_behind_cr) && byte == b'\n';
            match (byte, self.place) {
                _ if is_one_end => {}
                (b'\n' | b'\r', place) => {
                    if place == Place::Name(0) {
                        self.end();
                    }
                    self.place = Place::Name(0);
                    self.is_behind_cr = byte == b'\r';
                }
                (_, Place::Name(read)) if DATA.get(read) == Some(&byte) => {
                    let is_all = read + 1 == DATA.len();
                    self.place = if is_all {
                        Place::Data
                    } else {
                        Place::Name(read + 1)
                    };
                }
                _ => self.place = Place::Other,
            }
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        joined(self.found, self.gleaner.usage())
    }

    /// An event is over.
    fn end(&mut self) {
        self.found = self.usage();
        self.gleaner.begin();
    }
}

/// What was said before, with what is said now.
fn joined(before: Option<Usage>, now: Option<Usage>) -> Option<Usage> {
    let (Some(before), Some(now)) = (before, now) else {
        return now.or(before);
    };
    // Said again, it may say less of its parts.
    let is_said = now.prompt() > 0 && now.prompt() != before.prompt();
    let prompt = if is_said { now } else { before };
    let answer = if now.completion() > 0 { now } else { before };
    Some(Usage {
        output: answer.output,
        reasoning: answer.reasoning,
        audio_output: answer.audio_output,
        ..prompt
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At every cut the same.
    fn sums(dialect: Dialect, text: &str) -> Option<(u64, u64)> {
        let mut whole = EventGleaner::new(dialect);
        whole.push(text.as_bytes());
        for cut in 0..=text.len() {
            let (first, second) = text.as_bytes().split_at(cut);
            let mut cut = EventGleaner::new(dialect);
            cut.push(first);
            cut.push(second);
            assert_eq!(cut.usage(), whole.usage());
        }
        whole
            .usage()
            .map(|usage| (usage.prompt(), usage.completion()))
    }

    #[test]
    fn every_dialects_stream_tells_its_tokens() {
        for (dialect, text) in [
            (
                Dialect::OpenAi,
                "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n\
                 data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n\
                 data: [DONE]\n\n",
            ),
            (
                Dialect::Responses,
                "event: response.created\r\ndata: {\"response\":{\"usage\":null}}\r\n\r\n\
                 event: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":\
                 {\"output\":[{\"usage\":{\"input_tokens\":1}}],\"usage\":{\"input_tokens\":7,\
                 \"output_tokens\":3},\"user\":null},\"sequence_number\":9}\r\n\r\n",
            ),
            (
                Dialect::OpenAi,
                "event: image_generation.completed\ndata:{\"b64_json\":\"a\",\"usage\":\
                 {\"input_tokens\":7,\"output_tokens\":3}}\n\n",
            ),
            (
                Dialect::Anthropic,
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[],\
                 \"usage\":{\"input_tokens\":2,\"cache_read_input_tokens\":5,\"output_tokens\":1}}}\n\n\
                 : ping\n\ndata: {\"type\":\"ping\"}\n\n\
                 data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":3}}\n\n",
            ),
            (
                Dialect::Gemini,
                "data: {\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":1}}\n\n\
                 data: {\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":3}}\n\n",
            ),
            (
                Dialect::OpenAi,
                "data: {\"usage\":{\"prompt_tokens\":7,\ndata: \"completion_tokens\":3}}",
            ),
        ] {
            assert_eq!(sums(dialect, text), Some((7, 3)), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_passed_over() {
        for text in [
            "",
            "data: {\"delta\":{\"usage\":{\"prompt_tokens\":7}}}\n\n",
            "data: {\"message\":[{\"usage\":{\"prompt_tokens\":7}}]}\n\n",
            "data: {\"response\":{\"output\":{\"usage\":{\"prompt_tokens\":7}}}}\n\n",
            "data: {\"message\":\"x\",\"a\":{\"usage\":{\"prompt_tokens\":7}}}\n\n",
            "event: {\"usage\":{\"prompt_tokens\":7}}\n\n",
            "data: {\"a\":\"\n\ndata: {\"usage\":{\"prompt_tokens\":7\n\n",
        ] {
            assert_eq!(sums(Dialect::OpenAi, text), None, "{text}");
        }
    }

    #[test]
    fn what_the_cache_keeps_for_an_hour_stays_told_when_only_its_sum_is_said_again() {
        let text = "data: {\"message\":{\"usage\":{\"input_tokens\":2,\"output_tokens\":1,\
             \"cache_creation_input_tokens\":30,\"cache_creation\":{\"ephemeral_1h_input_tokens\":20}}}}\n\n\
             data: {\"usage\":{\"input_tokens\":2,\"cache_creation_input_tokens\":30,\"output_tokens\":3}}\n\n";
        let mut gleaner = EventGleaner::new(Dialect::Anthropic);
        gleaner.push(text.as_bytes());
        let usage = gleaner.usage().expect("told");
        assert_eq!((usage.cache_write, usage.cache_write_1h), (10, 20));
        assert_eq!((usage.input, usage.output), (2, 3));
    }

    /// What streams are made of.
    const PIECE: &str = r#"data: |data:|\n|\r\n|\r|event: x|\{"usage":|\{"message":|\{"prompt_tokens":7\}|\}|,|"|\[DONE\]"#;

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_read_the_same_at_every_cut(
            pieces in proptest::collection::vec(PIECE, 0..16),
            length in 1..9_usize,
        ) {
            let text = pieces.concat();
            let mut whole = EventGleaner::new(Dialect::OpenAi);
            whole.push(text.as_bytes());
            let mut cut = EventGleaner::new(Dialect::OpenAi);
            text.as_bytes().chunks(length).for_each(|piece| cut.push(piece));
            proptest::prop_assert_eq!(cut.usage(), whole.usage());
        }
    }
}
