//! The guards' state over one field of a stream. They read it as it is and,
//! from its first backslash on, as the JSON that it may be: a word in a tool's
//! arguments or in a structured answer may be written in escapes, and those
//! may be cut anywhere.

use std::collections::VecDeque;
use std::sync::Arc;

use dialects::json::{Unescaper, unescaped};
use domain::guard::{Direction, Finding, Guard, StreamGuard};

/// Guards over one field.
pub(super) struct Screen {
    plain: Reading,
    decoded: Option<Decoded>,
    /// Guards that read no streams: they get the whole text, and none of it
    /// leaves before they have.
    whole: Vec<Arc<dyn Guard>>,
    text: String,
    screened: usize,
    /// How much of the field was read.
    pub(super) read: usize,
    /// How much of it may leave.
    pub(super) free: usize,
}

/// Guards that read a text as it comes.
#[derive(Default)]
struct Reading(Vec<Box<dyn StreamGuard>>);

/// The same text with what its escapes stand for.
struct Decoded {
    reading: Reading,
    escapes: Unescaper,
    /// How much was read of it.
    read: usize,
    /// How far it was read when the field itself was read so far.
    marks: VecDeque<(usize, usize)>,
    /// How much of the field itself may leave.
    free: usize,
}

impl Screen {
    pub(super) fn new(guards: &[Arc<dyn Guard>]) -> Self {
        let mut plain = Reading::default();
        let mut whole = Vec::new();
        for guard in guards {
            match guard.stream() {
                Some(screen) => plain.0.push(screen),
                None => whole.push(Arc::clone(guard)),
            }
        }
        Self {
            plain,
            decoded: None,
            whole,
            text: String::new(),
            screened: 0,
            read: 0,
            free: 0,
        }
    }

    /// Reads the next piece; gives what was found.
    pub(super) fn push(&mut self, text: &str) -> Vec<Finding> {
        if self.decoded.is_none() && text.contains('\\') && !self.plain.0.is_empty() {
            self.decoded = Some(Decoded {
                reading: self.plain.fork(),
                escapes: Unescaper::default(),
                read: self.read,
                marks: VecDeque::from([(self.read, self.read)]),
                free: self.free,
            });
        }
        self.read += text.len();
        let mut findings = Vec::new();
        let hold = self.plain.push(text, &mut findings);
        let mut free = self.read.saturating_sub(hold);
        if let Some(decoded) = &mut self.decoded {
            decoded.push(text, self.read, &mut findings);
            free = free.min(decoded.free);
        }
        if self.whole.is_empty() {
            self.free = free;
        } else {
            self.text.push_str(text);
        }
        findings
    }

    /// The field is complete: what the guards found in what they held.
    pub(super) fn finish(&mut self) -> Vec<Finding> {
        self.free = self.read;
        let mut findings = Vec::new();
        self.plain.finish(&mut findings);
        if let Some(decoded) = &mut self.decoded {
            decoded.finish(&mut findings);
        }
        if self.screened < self.text.len() {
            self.screened = self.text.len();
            let escaped = self.text.contains('\\').then(|| unescaped(&self.text));
            for text in [Some(self.text.as_str()), escaped.as_deref()] {
                let screens = self.whole.iter().zip(text);
                findings.extend(
                    screens.flat_map(|(guard, text)| guard.screen(Direction::Answer, &[text])),
                );
            }
        }
        findings
    }
}

impl Reading {
    /// The same guards in the same state.
    fn fork(&self) -> Self {
        Self(self.0.iter().map(|guard| guard.fork()).collect())
    }

    /// Adds what was found; gives how many of the last bytes must stay.
    fn push(&mut self, text: &str, findings: &mut Vec<Finding>) -> usize {
        let mut hold = 0;
        for guard in &mut self.0 {
            let verdict = guard.push(text);
            hold = hold.max(verdict.hold);
            findings.extend(verdict.findings);
        }
        hold
    }

    fn finish(&mut self, findings: &mut Vec<Finding>) {
        findings.extend(self.0.iter_mut().flat_map(|guard| guard.finish().findings));
    }
}

impl Decoded {
    /// Reads the next piece of the field, which was read up to `upto` then.
    fn push(&mut self, text: &str, upto: usize, findings: &mut Vec<Finding>) {
        let text = self.escapes.push(text);
        self.read += text.len();
        let hold = self.reading.push(&text, findings);
        // What an open escape stands for is not known yet.
        self.marks
            .push_back((self.read, upto - self.escapes.open()));
        let free = self.read.saturating_sub(hold);
        while let Some((read, upto)) = self.marks.front().copied()
            && read <= free
        {
            self.free = upto;
            self.marks.pop_front();
        }
    }

    fn finish(&mut self, findings: &mut Vec<Finding>) {
        let text = self.escapes.finish();
        self.reading.push(&text, findings);
        self.reading.finish(findings);
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
            after in "[a-z\"}]{0,6}",
            cuts in vec(0_usize..120, 0..10),
        ) {
            let text = [before.as_str(), &written(word, &how), &after].concat();
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
            let decoded = unescaped(&text);
            let found = guards[0].screen(Direction::Answer, &[&text, &decoded]);
            let (free, is_found) = screened(&text, &cuts);
            prop_assert_eq!(is_found, !found.is_empty(), "{}", &text);
            if !is_found {
                prop_assert_eq!(free, text.len());
            }
        }
    }
}
