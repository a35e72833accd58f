//! Tokens, estimated from text where a provider does not count.
//!
//! A heuristic by classes of characters, close to what the byte-pair
//! vocabularies of current models do: four Latin letters or spaces a token,
//! three digits, two signs, two or three letters of other alphabets, one
//! ideograph; half a picture. It needs no vocabulary and never blocks.

use std::borrow::Cow;

use super::request::View;

use super::weight;
use crate::json::{Document, Kind, Node};
use crate::texts::{Place, Text, decode};

/// One token in the units that characters are weighed in.
const TOKEN: u64 = 12;
/// What a message costs beside its text.
const PER_MESSAGE: u64 = 4;
/// What an image, a sound or a file costs, unseen.
const PER_MEDIUM: u64 = 1000;

/// A running estimate over text that comes in pieces; how it is cut does not
/// change the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate(u64);

impl Estimate {
    /// Adds a piece of text.
    pub fn add(&mut self, text: &str) {
        self.0 += weight::of_text(text.as_bytes());
    }

    /// Adds a text of a body, where it lies.
    pub(super) fn add_raw(&mut self, doc: &Document, text: &Text) {
        let raw = text.span.of(doc.bytes());
        self.0 += if text.escaped {
            weight::of_escaped(raw)
        } else {
            weight::of_text(raw)
        };
    }

    /// The tokens so far: at least one if there was any text.
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.0.div_ceil(TOKEN)
    }
}

/// The tokens of one text: at least one if it is not empty.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    let mut estimate = Estimate::default();
    estimate.add(text);
    estimate.tokens()
}

/// The tokens of a request's prompt: its texts, a little for each message,
/// ready-made tokens one by one, a lump sum for each medium.
#[must_use]
pub fn estimate_prompt(doc: &Document, view: &View) -> u64 {
    let mut estimate = Estimate::default();
    for text in &view.texts {
        estimate.add_raw(doc, text);
    }
    let messages = u64::from(view.messages) * PER_MESSAGE;
    estimate.tokens() + messages + ready_tokens(doc) + estimate_media(view)
}

/// A lump sum for each image, sound and file, unseen.
#[must_use]
pub fn estimate_media(view: &View) -> u64 {
    u64::from(view.media) * PER_MEDIUM
}

/// How many tokens a prompt brings as numbers, ready-made.
#[must_use]
pub fn ready_tokens(doc: &Document) -> u64 {
    doc.root()
        .members()
        .filter(|(key, _)| matches!(&*key.name(), b"prompt" | b"input"))
        .map(|(_, value)| numbers(value))
        .sum()
}

/// What of a prompt a tokenizer is to cut: its texts, and what defines tools
/// and the answer's form as it stands, signs and all.
#[must_use]
pub fn prompt_texts<'a>(doc: &'a Document, view: &View) -> Vec<Cow<'a, str>> {
    let said = view.texts.iter();
    let said = said.filter(|text| text.place != Place::Definition);
    let mut texts: Vec<_> = said.map(|text| decode(doc, text)).collect();
    for (key, value) in doc.root().members() {
        if matches!(&*key.name(), b"tools" | b"functions" | b"response_format") {
            texts.push(String::from_utf8_lossy(value.span().of(doc.bytes())));
        }
    }
    texts
}

/// Numbers in an array, or in the arrays in it.
fn numbers(node: Node<'_>) -> u64 {
    let of = |node: Node<'_>| {
        node.items()
            .filter(|item| item.kind() == Kind::Number)
            .count() as u64
    };
    of(node) + node.items().map(of).sum::<u64>()
}
