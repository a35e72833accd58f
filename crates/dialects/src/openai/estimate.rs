//! Tokens, estimated from text where a provider does not count.
//!
//! A heuristic by classes of characters, close to what the byte-pair
//! vocabularies of current models do: four Latin letters or spaces a token,
//! three digits, two signs, two or three letters of other alphabets, one
//! ideograph; half a picture. It needs no vocabulary and never blocks.

use super::request::View;
use super::texts::decode;
use crate::json::{Document, Kind, Node};

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
        self.0 += text.chars().map(weight).sum::<u64>();
    }

    /// The tokens so far: at least one if there was any text.
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.0.div_ceil(TOKEN)
    }
}

fn weight(letter: char) -> u64 {
    match letter {
        'a'..='z' | 'A'..='Z' | ' ' => 3,
        '0'..='9' => 4,
        '\0'..='\x7f' => 6,
        // Latin with marks.
        '\u{80}'..='\u{24f}' => 6,
        // Greek to Georgian, and what lies between.
        '\u{250}'..='\u{10ff}' => 5,
        // Hangul, kana, ideographs.
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' => 12,
        '\u{1_0000}'.. => 24,
        _ => 12,
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
    let root = doc.root();
    let mut estimate = Estimate::default();
    for text in &view.texts {
        estimate.add(&decode(doc, text));
    }
    let messages = root
        .get("messages")
        .map_or(0, |messages| messages.items().count() as u64);
    let ready = ["prompt", "input"]
        .iter()
        .filter_map(|key| root.get(key))
        .map(numbers)
        .sum::<u64>();
    let tokens = estimate.tokens() + messages * PER_MESSAGE + ready;
    tokens + u64::from(view.media) * PER_MEDIUM
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
