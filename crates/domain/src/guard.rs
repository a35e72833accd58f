//! The interface that every guardrail has: texts in, findings out.
//!
//! A guard is pure and synchronous; it reads decoded text and never sees a
//! wire format. On streams it says how much of the newest text must be held
//! back until it is known to be harmless.

use std::ops::Range;

/// What a guard does when it finds something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Action {
    /// Only record it.
    Observe,
    /// Refuse the request, or end the answer.
    #[default]
    Block,
}

/// Which way the text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the model.
    Request,
    /// From the model to the client.
    Answer,
}

/// Something a guard found. It never carries the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The guard's configured name.
    pub guard: std::sync::Arc<str>,
    /// What was found, as a stable word: `deny`, `too_long`.
    pub kind: &'static str,
    /// Where, in bytes of the text that was screened.
    pub span: Range<usize>,
    /// What policy wants done about it.
    pub action: Action,
}

/// A guardrail. `guards::GUARDS` lists the kinds there are.
pub trait Guard: Send + Sync + std::fmt::Debug {
    /// The name that configuration gave it; shown to clients when it blocks.
    fn name(&self) -> &str;

    /// Whether it reads texts that go this way.
    fn reads(&self, direction: Direction) -> bool;

    /// Screens the texts of one request or plain answer. Each text is one
    /// string of the body, decoded.
    fn screen(&self, direction: Direction, texts: &[&str]) -> Vec<Finding>;

    /// Starts screening one field of a streamed answer; `None` if this guard
    /// does not read streams.
    fn stream(&self) -> Option<Box<dyn StreamGuard>>;
}

/// One guard's state over one field (content, refusal, arguments …) of one
/// choice of a streamed answer.
pub trait StreamGuard: Send {
    /// Reads the next piece of text.
    fn push(&mut self, text: &str) -> Verdict;

    /// The field is complete: decides about what was held.
    fn finish(&mut self) -> Verdict;

    /// The same guard in the same state: from here on the field is read in
    /// another form, too.
    fn fork(&self) -> Box<dyn StreamGuard>;
}

/// What a [`StreamGuard`] says after a piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many of the last bytes read (over all pieces so far) may not leave
    /// yet. Zero: everything may go.
    pub hold: usize,
    /// What was found; a finding whose action is *block* ends the stream.
    pub findings: Vec<Finding>,
}
