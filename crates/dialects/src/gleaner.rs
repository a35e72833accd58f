//! What an answer says of its tokens while its bytes pass by unread: the
//! `usage` or `usageMetadata` of the outermost object.
//!
//! Nothing else is kept, so an answer may be as large as it likes; the result
//! does not depend on how its bytes were cut.

mod events;

use bytes::Bytes;
use domain::canon::Dialect;
use domain::usage::Usage;

pub use events::EventGleaner;

use crate::json::{Document, Node};
use crate::{anthropic, gemini, openai, responses};

/// The names that providers have for it, and the longest of them.
const USAGE: &[u8] = b"usage";
const METADATA: &[u8] = b"usageMetadata";
const LONGEST_NAME: usize = METADATA.len();
/// A larger account of tokens is none.
const LARGEST: usize = 16 << 10;
/// The deepest that one is read.
const DEPTH: usize = 16;

/// Where in a document the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Outside of strings.
    Between,
    /// Within a string.
    Text,
    /// Behind a backslash within a string.
    Escape,
    /// Behind the document, or in one that is no object.
    Over,
}

/// How deep an account of tokens may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// In the outermost object.
    Outermost,
    /// There, or in the whole that an event carries: see [`WHOLES`].
    Within,
}

/// Members of events that hold an answer: Anthropic's, and those of Responses.
const WHOLES: [&[u8]; 2] = [b"message", b"response"];

/// Reads over an answer's JSON.
#[derive(Debug)]
pub struct Gleaner {
    dialect: Dialect,
    reach: Reach,
    place: Place,
    depth: u64,
    /// The depth of the object whose members are looked at.
    level: u64,
    /// The next string of that is a member's name.
    is_name_next: bool,
    /// This string is one.
    is_name: bool,
    name: Vec<u8>,
    /// The value that is read now is an account of tokens.
    keeps: bool,
    kept: Vec<u8>,
    found: Option<Usage>,
}

impl Gleaner {
    /// Of an answer by a provider that speaks `dialect`.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self::reaching(dialect, Reach::Outermost)
    }

    fn reaching(dialect: Dialect, reach: Reach) -> Self {
        Self {
            dialect,
            reach,
            place: Place::Between,
            depth: 0,
            level: 1,
            is_name_next: false,
            is_name: false,
            name: Vec::new(),
            keeps: false,
            kept: Vec::new(),
            found: None,
        }
    }

    /// Begins anew with another document.
    fn begin(&mut self) {
        let (mut name, mut kept) = (
            std::mem::take(&mut self.name),
            std::mem::take(&mut self.kept),
        );
        name.clear();
        kept.clear();
        *self = Self {
            name,
            kept,
            ..Self::reaching(self.dialect, self.reach)
        };
    }

    /// Reads over the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        loop {
            if self.place == Place::Text {
                let length = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
                let (text, rest) = bytes.split_at(length);
                self.text(text);
                bytes = rest;
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                return;
            };
            bytes = rest;
            match self.place {
                Place::Over => return,
                Place::Between => self.mark(byte),
                Place::Escape => {
                    self.text(&[byte]);
                    self.place = Place::Text;
                }
                Place::Text if byte == b'\\' => {
                    self.text(&[byte]);
                    self.place = Place::Escape;
                }
                Place::Text => {
                    self.keep(&[byte]);
                    self.place = Place::Between;
                    self.is_name = false;
                }
            }
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.found
    }

    /// A byte outside of strings.
    fn mark(&mut self, byte: u8) {
        if self.depth == 0 && byte != b'{' {
            if !byte.is_ascii_whitespace() {
                self.place = Place::Over;
            }
            return;
        }
        match byte {
            b'"' => {
                self.place = Place::Text;
                if std::mem::take(&mut self.is_name_next) {
                    self.is_name = true;
                    self.name.clear();
                }
            }
            b'{' | b'[' => {
                self.depth += 1;
                if self.is_whole(byte) {
                    self.level = 2;
                }
                self.is_name_next = self.depth == self.level;
            }
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth < self.level {
                    self.end();
                    self.level = 1;
                }
                if self.depth == 0 {
                    self.place = Place::Over;
                }
            }
            b',' if self.depth == self.level => {
                self.end();
                self.is_name_next = true;
            }
            b':' if self.depth == self.level => {
                self.keeps = self.name == USAGE || self.name == METADATA;
                return;
            }
            _ => {}
        }
        self.keep(&[byte]);
    }

    /// Whether this byte begins the whole that an event carries.
    fn is_whole(&self, byte: u8) -> bool {
        self.reach == Reach::Within
            && (byte, self.depth, self.level) == (b'{', 2, 1)
            && WHOLES.contains(&&*self.name)
    }

    /// Bytes within a string.
    fn text(&mut self, text: &[u8]) {
        if self.is_name && self.name.len() <= LONGEST_NAME {
            let room = LONGEST_NAME + 1 - self.name.len();
            self.name.extend(text.iter().take(room));
        }
        self.keep(text);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.keeps {
            return;
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > LARGEST {
            self.keeps = false;
            self.kept = Vec::new();
        }
    }

    /// A member is over.
    fn end(&mut self) {
        if std::mem::take(&mut self.keeps) {
            let kept = std::mem::take(&mut self.kept);
            let document = Document::parse(Bytes::from(kept), DEPTH);
            let usage = document
                .ok()
                .and_then(|document| self.read(document.root()));
            self.found = usage.or(self.found);
        }
    }

    fn read(&self, node: Node<'_>) -> Option<Usage> {
        if self.name == METADATA {
            return gemini::canon::read_usage(node);
        }
        let has_sums = node.get("input_tokens").is_some() || node.get("output_tokens").is_some();
        match (has_sums, self.dialect) {
            (true, Dialect::Anthropic) => anthropic::canon::read_usage(node),
            (true, _) => responses::canon::read_usage(node),
            (false, _) => openai::read_usage(node),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    /// At every cut the same.
    fn gleaned(dialect: Dialect, text: &str) -> Option<Usage> {
        let mut whole = Gleaner::new(dialect);
        whole.push(text.as_bytes());
        for cut in 0..=text.len() {
            let (first, second) = text.as_bytes().split_at(cut);
            let mut cut = Gleaner::new(dialect);
            cut.push(first);
            cut.push(second);
            assert_eq!(cut.usage(), whole.usage());
        }
        whole.usage()
    }

    fn sums(dialect: Dialect, text: &str) -> Option<(u64, u64)> {
        gleaned(dialect, text).map(|usage| (usage.prompt(), usage.completion()))
    }

    #[test]
    fn every_providers_account_of_tokens_is_found() {
        for (dialect, text) in [
            (
                Dialect::OpenAi,
                r#"{"usage":{"prompt_tokens":7,"completion_tokens":3}}"#,
            ),
            (
                Dialect::OpenAi,
                r#" {"data": [{"b64_json": "a\"usage\\"}], "usage" : {"input_tokens": 7,
                 "output_tokens":3, "input_tokens_details":{"image_tokens":5,"text_tokens":2}}}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"id":"x","usage":{"input_tokens":2,"cache_read_input_tokens":5,"output_tokens":3},"more":1}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":3}}"#,
            ),
        ] {
            assert_eq!(sums(dialect, text), Some((7, 3)), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_passed_over() {
        for text in [
            "",
            "usage",
            "[{\"usage\":{\"prompt_tokens\":7}}]",
            r#"{"a":{"usage":{"prompt_tokens":7}},"b":["usage",{"prompt_tokens":7}]}"#,
            r#"{"text":"usage","x":{"prompt_tokens":7}}"#,
            r#"{"usage":null}"#,
            r#"{"usage":{"type":"duration","seconds":27}}"#,
            r#"{"usage":{"prompt_tokens":7"#,
            r#"{} {"usage":{"prompt_tokens":7}}"#,
            r#"}}}{"usage":{"prompt_tokens":7}}"#,
        ] {
            assert_eq!(gleaned(Dialect::OpenAi, text), None, "{text}");
        }
    }

    #[test]
    fn an_account_that_is_too_large_is_none_and_takes_no_room() {
        let mut gleaner = Gleaner::new(Dialect::OpenAi);
        gleaner.push(br#"{"usage":{"prompt_tokens":7,"x":""#);
        for _ in 0..1000 {
            gleaner.push(&[b'x'; 1000]);
        }
        gleaner.push(br#""}}"#);
        assert_eq!(gleaner.usage(), None);
        assert_eq!(gleaner.kept.capacity(), 0);
    }

    /// What documents are made of, and what looks like the end of one.
    const PIECE: &str = r#"\{|\}|\[|\]|:|,|"usage":|"a":|"\\"|"|1|null|\{"prompt_tokens":7\}| "#;
    /// Members of an answer; the first is the one that counts.
    const MEMBERS: [&str; 5] = [
        r#" "usage" : {"prompt_tokens":7,"x":[{"}":"\\"}]}"#,
        r#""a":{"usage":{"prompt_tokens":1}}"#,
        r#""b":"\"usage\":{\"prompt_tokens\":1}""#,
        r#""c":["usage",{"prompt_tokens":1},[]]"#,
        r#""\u0075sage_of":{"prompt_tokens":1}"#,
    ];

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_read_the_same_at_every_cut(
            pieces in proptest::collection::vec(PIECE, 0..12),
            bytes: Vec<u8>,
            length in 1..9_usize,
        ) {
            let text = [pieces.concat().into_bytes(), bytes].concat();
            let mut whole = Gleaner::new(Dialect::OpenAi);
            whole.push(&text);
            let mut cut = Gleaner::new(Dialect::OpenAi);
            text.chunks(length).for_each(|piece| cut.push(piece));
            proptest::prop_assert_eq!(cut.usage(), whole.usage());
        }

        #[test]
        fn what_is_found_is_what_a_parser_finds(
            members in proptest::sample::subsequence(MEMBERS.to_vec(), 0..=5).prop_shuffle(),
        ) {
            let text = format!("{{{}}}", members.join(","));
            let found = gleaned(Dialect::OpenAi, &text);
            let document = Document::parse(Bytes::from(text), DEPTH).expect("valid");
            let usage = document.root().get("usage").and_then(openai::read_usage);
            proptest::prop_assert_eq!(found, usage);
        }
    }
}
