//! The guards' state over one field of a stream. They read it as it is and,
//! from its first backslash on, as the JSON that it may be: a word in a tool's
//! arguments or in a structured answer may be written in escapes, and those
//! may be cut anywhere. What that says is read in the same way, a few levels deep.

use std::collections::VecDeque;
use std::sync::Arc;

use dialects::json::{LEVELS, Unescaper, levels};
use domain::guard::{Direction, Finding, Guard, StreamGuard};

/// Guards over one field.
pub(super) struct Screen {
    reading: Reading,
    /// Guards that read no streams: they get the whole text, and none of it
    /// leaves before they have.
    whole: Vec<Arc<dyn Guard>>,
    text: String,
    screened: usize,
    /// How much of the field may leave.
    pub(super) free: usize,
}

/// Guards that read a text as it comes.
struct Reading {
    guards: Vec<Box<dyn StreamGuard>>,
    /// How much of it was read.
    read: usize,
    /// How much of it may leave.
    free: usize,
    /// What it stands for, from its first backslash on.
    decoded: Option<Box<Decoded>>,
    /// How many levels of escapes may still be read.
    levels: usize,
}

/// A text with what its escapes stand for.
struct Decoded {
    reading: Reading,
    escapes: Unescaper,
    /// How far it was read when the text itself was read so far.
    marks: VecDeque<(usize, usize)>,
    /// How much of the text itself may leave.
    free: usize,
}

impl Screen {
    pub(super) fn new(guards: &[Arc<dyn Guard>]) -> Self {
        let mut streams = Vec::new();
        let mut whole = Vec::new();
        for guard in guards {
            match guard.stream() {
                Some(screen) => streams.push(screen),
                None => whole.push(Arc::clone(guard)),
            }
        }
        Self {
            reading: Reading {
                guards: streams,
                read: 0,
                free: 0,
                decoded: None,
                levels: LEVELS,
            },
            whole,
            text: String::new(),
            screened: 0,
            free: 0,
        }
    }

    /// How much of the field was read.
    pub(super) fn read(&self) -> usize {
        self.reading.read
    }

    /// Reads the next piece; gives what was found.
    pub(super) fn push(&mut self, text: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.reading.push(text, &mut findings);
        if self.whole.is_empty() {
            self.free = self.reading.free;
        } else {
            self.text.push_str(text);
        }
        findings
    }

    /// The field is complete: what the guards found in what they held.
    pub(super) fn finish(&mut self) -> Vec<Finding> {
        self.free = self.reading.read;
        let mut findings = Vec::new();
        self.reading.finish(&mut findings);
        if self.screened < self.text.len() {
            self.screened = self.text.len();
            for text in [self.text.clone()].into_iter().chain(levels(&self.text)) {
                let screens = self.whole.iter();
                findings.extend(screens.flat_map(|it| it.screen(Direction::Answer, &[&text])));
            }
        }
        findings
    }
}

impl Reading {
    /// Reads the next piece and adds what was found.
    fn push(&mut self, text: &str, findings: &mut Vec<Finding>) {
        let is_escaped = self.levels > 0 && !self.guards.is_empty() && text.contains('\\');
        if is_escaped && self.decoded.is_none() {
            self.decoded = Some(Box::new(self.fork()));
        }
        self.read += text.len();
        let mut hold = 0;
        for guard in &mut self.guards {
            let verdict = guard.push(text);
            hold = hold.max(verdict.hold);
            findings.extend(verdict.findings);
        }
        self.free = self.read.saturating_sub(hold);
        if let Some(decoded) = &mut self.decoded {
            decoded.push(text, self.read, findings);
            self.free = self.free.min(decoded.free);
        }
    }

    /// The same guards in the same state, for what the text stands for.
    fn fork(&self) -> Decoded {
        Decoded {
            reading: Self {
                guards: self.guards.iter().map(|guard| guard.fork()).collect(),
                read: self.read,
                free: self.free,
                decoded: None,
                levels: self.levels - 1,
            },
            escapes: Unescaper::default(),
            marks: VecDeque::from([(self.read, self.read)]),
            free: self.free,
        }
    }

    fn finish(&mut self, findings: &mut Vec<Finding>) {
        findings.extend(self.guards.iter_mut().flat_map(|it| it.finish().findings));
        if let Some(decoded) = &mut self.decoded {
            let text = decoded.escapes.finish();
            decoded.reading.push(&text, findings);
            decoded.reading.finish(findings);
        }
    }
}

impl Decoded {
    /// Reads the next piece of the text, which was read up to `upto` then.
    fn push(&mut self, text: &str, upto: usize, findings: &mut Vec<Finding>) {
        let text = self.escapes.push(text);
        self.reading.push(&text, findings);
        // What an open escape stands for is not known yet.
        let mark = (self.reading.read, upto - self.escapes.open());
        self.marks.push_back(mark);
        while let Some((read, upto)) = self.marks.front().copied()
            && read <= self.reading.free
        {
            self.free = upto;
            self.marks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn deny() -> Vec<Arc<dyn Guard>> {
        let spec = json!({"literals": ["project-x"], "patterns": ["sec+ret"]});
        vec![guards::build("deny", "words", &spec).expect("a guard")]
    }

    /// A text as a string of JSON says it.
    fn nested(text: &str) -> String {
        let quoted = serde_json::to_string(text).expect("JSON");
        quoted[1..quoted.len() - 1].to_owned()
    }

    /// A word with some of its letters written as escapes.
    fn written(word: &str, how: &[u8]) -> String {
        let letters = word.chars().zip(how.iter().cycle());
        letters
            .map(|(letter, how)| match how % 3 {
                0 => letter.to_string(),
                1 => format!("\\u{:04x}", u32::from(letter)),
                _ => format!("\\u{:04X}", u32::from(letter)),
            })
            .collect()
    }

    /// What may leave of a text that comes in these pieces, and whether
    /// something was found.
    fn screened(text: &str, cuts: &[usize]) -> (usize, bool) {
        let mut screen = Screen::new(&deny());
        let mut cuts = cuts.to_vec();
        cuts.retain(|at| *at <= text.len() && text.is_char_boundary(*at));
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        for cut in cuts.windows(2) {
            let free = screen.free;
            if !screen.push(&text[cut[0]..cut[1]]).is_empty() {
                return (free, true);
            }
        }
        let free = screen.free;
        match screen.finish().is_empty() {
            true => (screen.free, false),
            false => (free, true),
        }
    }

    proptest! {
        #[test]
        fn a_word_in_escapes_is_found_at_any_cut_and_nothing_of_it_leaves(
            before in "(\\{\"a\":\"|[a-z ]|\\\\n|\\\\\\\\|\\\\u00e9|😀){0,6}",
            word in prop_oneof![Just("project-x"), Just("seccret")],
            how in vec(any::<u8>(), 1..9),
            deep in 0_usize..LEVELS,
            after in "[a-z\"}]{0,6}",
            cuts in vec(0_usize..120, 0..10),
        ) {
            let nest = |text: String| (0..deep).fold(text, |text, _| nested(&text));
            let before = nest(before);
            let text = [before.clone(), nest(written(word, &how)), nest(after)].concat();
            let (free, is_found) = screened(&text, &cuts);
            prop_assert!(is_found, "{}", text);
            prop_assert!(free <= before.len(), "{} of {} in {}", free, before.len(), text);
        }

        #[test]
        fn what_is_harmless_leaves_whole_and_is_found_as_the_whole_text_is(
            text in "(\\{|\"|[cdeprst]|-x|\\\\u0073|\\\\u00|\\\\|project|\\\\ud83d){0,14}",
            cuts in vec(0_usize..80, 0..10),
        ) {
            let guards = deny();
            let all = [text.clone()].into_iter().chain(levels(&text));
            let found: Vec<_> =
                all.flat_map(|text| guards[0].screen(Direction::Answer, &[&text])).collect();
            let (free, is_found) = screened(&text, &cuts);
            prop_assert_eq!(is_found, !found.is_empty(), "{}", &text);
            if !is_found {
                prop_assert_eq!(free, text.len());
            }
        }
    }
}
