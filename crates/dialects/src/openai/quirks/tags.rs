//! Thoughts that stand at the beginning of a text, between tags.

/// The most white space that may stand before a tag.
const MOST_HELD: usize = 4096;

/// Tells thoughts from text, piece by piece; what it gives together does not
/// depend on how the text was cut.
#[derive(Debug)]
pub(super) struct Tags {
    open: String,
    close: String,
    state: State,
    /// What may be a part of a tag.
    held: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing but white space came.
    Before,
    Inside,
    /// Behind the thoughts; white space between them and the text is nobody's.
    Gap,
    Text,
}

/// What a piece brings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) thoughts: String,
    pub(super) text: String,
}

impl Tags {
    pub(super) fn new(open: &str, close: &str) -> Self {
        Self {
            open: open.to_owned(),
            close: close.to_owned(),
            state: State::Before,
            held: String::new(),
        }
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &str) -> Split {
        let mut split = Split::default();
        self.held.push_str(piece);
        loop {
            match self.state {
                State::Before => {
                    let said = self.held.trim_start();
                    if let Some(rest) = said.strip_prefix(&self.open) {
                        self.held = rest.to_owned();
                        self.state = State::Inside;
                    } else if self.open.starts_with(said) && self.held.len() <= MOST_HELD {
                        return split;
                    } else {
                        self.state = State::Text;
                    }
                }
                State::Inside => {
                    let Some((thoughts, rest)) = self.held.split_once(&self.close) else {
                        let begun = begun(&self.held, &self.close);
                        let held = self.held.split_off(self.held.len() - begun);
                        split.thoughts.push_str(&self.held);
                        self.held = held;
                        return split;
                    };
                    split.thoughts.push_str(thoughts);
                    self.held = rest.to_owned();
                    self.state = State::Gap;
                }
                State::Gap => {
                    self.held = self.held.trim_start().to_owned();
                    if self.held.is_empty() {
                        return split;
                    }
                    self.state = State::Text;
                }
                State::Text => {
                    split.text.push_str(&self.held);
                    self.held.clear();
                    return split;
                }
            }
        }
    }

    /// Nothing more comes: what was held is no tag.
    pub(super) fn finish(&mut self) -> Split {
        let held = std::mem::take(&mut self.held);
        let (thoughts, text) = match self.state {
            State::Inside => (held, String::new()),
            _ => (String::new(), held),
        };
        Split { thoughts, text }
    }
}

impl Split {
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.thoughts.push_str(&other.thoughts);
        self.text.push_str(&other.text);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.thoughts.is_empty() && self.text.is_empty()
    }
}

/// How many bytes at the end of `text` are the beginning of `tag`.
fn begun(text: &str, tag: &str) -> usize {
    let starts = (1..tag.len()).rev().filter(|at| tag.is_char_boundary(*at));
    let mut starts = starts.filter(|at| tag.get(..*at).is_some_and(|start| text.ends_with(start)));
    starts.next().unwrap_or(0)
}
