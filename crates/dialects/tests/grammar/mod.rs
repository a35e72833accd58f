//! A grammar of canonical conversations, answers and streams, for the property
//! tests of every dialect.
//!
//! What it makes is well formed: every call has one result, ids are its own,
//! blocks open and close in their order. What a dialect cannot say, its tests
//! take out themselves.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test uses what it needs"
)]

mod answer;
mod conversation;
mod stream;

pub use answer::*;
pub use conversation::*;
pub use stream::*;

use proptest::prelude::*;

/// Words that have broken a gateway somewhere.
const WORDS: &[&str] = &[
    "a",
    "Hello, world.",
    " ",
    "\n\n",
    "data: [DONE]",
    "\"quoted\" and \\ back",
    "é門😀",
    "e\u{301}",
    "\u{2028}\u{feff}",
    "{\"json\": true}",
    "</think>",
    "\u{0}\u{1f}",
    "a longer sentence that says nothing at all, and says it slowly",
];

/// A text that is not empty.
pub fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 1..4).prop_map(|words| words.concat())
}
