//! Guards and a store for these tests.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dialects::responses::kept;
use domain::counters::Answer;
use domain::guard::{Action, Direction, Finding, Guard, StreamGuard, Verdict};
use domain::ids::KeyId;
use domain::policy::Policy;
use domain::turns::{Finish, Reach, Turn, Turns, Unkept, Wanted, Work};

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

#[derive(Clone)]
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

    fn fork(&self) -> Box<dyn StreamGuard> {
        Box::new(self.clone())
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

/// A store that is away.
pub(crate) struct Nowhere;

fn away<T>() -> Answer<Result<T, Unkept>> {
    Answer::Now(Err(Unkept::Failed("away".to_owned())))
}

impl Turns for Nowhere {
    fn keep(&self, _: Turn) -> Answer<Result<(), Unkept>> {
        away()
    }

    fn turn(&self, _: Wanted) -> Answer<Result<Option<Turn>, Unkept>> {
        away()
    }

    fn conversation(&self, _: Wanted, _: Reach) -> Answer<Result<Vec<Turn>, Unkept>> {
        away()
    }

    fn forget(&self, _: Wanted) -> Answer<Result<bool, Unkept>> {
        away()
    }

    fn finish(&self, _: Finish) -> Answer<Result<bool, Unkept>> {
        away()
    }

    fn runs(&self, _: Wanted) -> Answer<Result<bool, Unkept>> {
        away()
    }
}

/// A store that keeps turns as long as the test runs.
#[derive(Default)]
pub(crate) struct Remembers {
    turns: Mutex<HashMap<(KeyId, String), Turn>>,
    /// How many ends it does not take first.
    pub(crate) refuses: AtomicUsize,
    /// How long it takes to keep a turn.
    takes: Duration,
}

impl Remembers {
    fn all(&self) -> MutexGuard<'_, HashMap<(KeyId, String), Turn>> {
        self.turns.lock().expect("a test that has not failed")
    }

    /// One that takes so long to keep a turn.
    pub(crate) fn slowly(takes: Duration) -> Self {
        Self {
            takes,
            ..Self::default()
        }
    }

    /// How many turns there are.
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// Whose the answer of this id is.
    pub(crate) fn owner(&self, id: &str) -> KeyId {
        let all = self.all();
        let owner = all.keys().find(|(_, other)| other == id);
        owner.expect("a turn").0.clone()
    }

    /// Another process has cancelled the answer of this id.
    pub(crate) fn cancelled_elsewhere(&self, id: &str) {
        let owner = self.owner(id);
        let mut all = self.all();
        let turn = all.get_mut(&(owner, id.to_owned())).expect("a turn");
        turn.work = Work::Over;
        turn.answer = kept::restated(&turn.answer, "cancelled", None);
    }

    fn get(&self, wanted: &Wanted) -> Option<Turn> {
        let key = (wanted.owner.clone(), wanted.id.clone());
        self.all().get(&key).cloned()
    }
}

impl Turns for Remembers {
    fn keep(&self, turn: Turn) -> Answer<Result<(), Unkept>> {
        let key = (turn.owner.clone(), turn.id.clone());
        self.all().insert(key, turn);
        let pause = self.takes;
        if pause.is_zero() {
            return Answer::Now(Ok(()));
        }
        Answer::Later(Box::pin(async move {
            tokio::time::sleep(pause).await;
            Ok(())
        }))
    }

    fn turn(&self, wanted: Wanted) -> Answer<Result<Option<Turn>, Unkept>> {
        Answer::Now(Ok(self.get(&wanted)))
    }

    fn conversation(&self, mut wanted: Wanted, _: Reach) -> Answer<Result<Vec<Turn>, Unkept>> {
        let mut turns = Vec::new();
        while let Some(turn) = self.get(&wanted) {
            let previous = turn.previous.clone();
            turns.insert(0, turn);
            let Some(previous) = previous else { break };
            wanted.id = previous;
        }
        Answer::Now(Ok(turns))
    }

    fn forget(&self, wanted: Wanted) -> Answer<Result<bool, Unkept>> {
        let gone = self.all().remove(&(wanted.owner, wanted.id));
        Answer::Now(Ok(gone.is_some()))
    }

    fn finish(&self, finish: Finish) -> Answer<Result<bool, Unkept>> {
        let fewer = |left: usize| left.checked_sub(1);
        let refused = self.refuses.fetch_update(SeqCst, SeqCst, fewer);
        if refused.is_ok() {
            return away();
        }
        let mut all = self.all();
        let turn = all.get_mut(&(finish.owner, finish.id));
        let turn = turn.filter(|turn| matches!(turn.work, Work::Runs(_)));
        let was = turn.is_some();
        if let Some(turn) = turn {
            turn.work = Work::Over;
            turn.expires = finish.expires;
            turn.provider = finish.provider;
            turn.deployment = finish.deployment;
            turn.answer = finish.answer;
            turn.events = finish.events;
        }
        Answer::Now(Ok(was))
    }

    fn runs(&self, wanted: Wanted) -> Answer<Result<bool, Unkept>> {
        let turn = self.get(&wanted);
        let runs = turn.is_some_and(|turn| matches!(turn.work, Work::Runs(_)));
        Answer::Now(Ok(runs))
    }
}
