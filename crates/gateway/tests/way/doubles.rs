//! Guards for these tests.

use std::sync::Arc;

use domain::guard::{Action, Direction, Finding, Guard, StreamGuard, Verdict};
use domain::policy::Policy;

/// Finds one word, in requests and answers.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) word: &'static str,
    pub(crate) action: Action,
    pub(crate) reads: &'static [Direction],
}

/// Both ways.
pub(crate) const BOTH: &[Direction] = &[Direction::Request, Direction::Answer];

impl Word {
    fn findings(&self, text: &str) -> Vec<Finding> {
        let found = text.match_indices(self.word).map(|(at, word)| Finding {
            guard: "words".into(),
            kind: "deny",
            span: at..at + word.len(),
            action: self.action,
        });
        found.collect()
    }
}

impl Guard for Word {
    fn name(&self) -> &str {
        "words"
    }

    fn reads(&self, direction: Direction) -> bool {
        self.reads.contains(&direction)
    }

    fn screen(&self, _: Direction, texts: &[&str]) -> Vec<Finding> {
        texts.iter().flat_map(|text| self.findings(text)).collect()
    }

    fn stream(&self) -> Option<Box<dyn StreamGuard>> {
        Some(Box::new(Reading {
            guard: self.clone(),
            text: String::new(),
            seen: 0,
        }))
    }
}

struct Reading {
    guard: Word,
    text: String,
    seen: usize,
}

impl StreamGuard for Reading {
    fn push(&mut self, text: &str) -> Verdict {
        self.text.push_str(text);
        let all = self.guard.findings(&self.text);
        let findings = all[self.seen..].to_vec();
        self.seen = all.len();
        let word = self.guard.word;
        let hold = (1..word.len())
            .rev()
            .find(|n| self.text.ends_with(&word[..*n]))
            .unwrap_or(0);
        Verdict { hold, findings }
    }

    fn finish(&mut self) -> Verdict {
        Verdict::default()
    }
}

/// A policy with this guard.
pub(crate) fn guarded(word: &'static str, action: Action, reads: &'static [Direction]) -> Policy {
    Policy {
        name: "p".to_owned(),
        guards: vec![Arc::new(Word {
            word,
            action,
            reads,
        })],
        ..Policy::default()
    }
}
