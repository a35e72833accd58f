//! Runs the automaton over a text that comes in pieces.
//!
//! Two runs go over the text. The first, unanchored, says where something
//! ends: its state crosses pieces, so cuts cannot matter. The second, anchored
//! at the earliest place where something may begin, says how much to hold; it
//! moves on when the automaton dies.

use std::ops::Range;
use std::sync::Arc;

use regex_automata::Anchored;
use regex_automata::hybrid::LazyStateID;
use regex_automata::util::start;

use super::CAP;
use super::automaton::{Automaton, Memory};

/// Kept before the newest piece: what a span or a hold can reach, and a
/// character more to look behind.
const KEPT: usize = CAP + 8;
/// Steps that one piece may cost to find the earliest beginning.
const STEPS: usize = 1 << 17;

/// What a scan is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// Only what is found.
    Findings,
    /// Also where something may begin.
    Beginnings,
}

/// One text being read.
#[derive(Clone)]
pub(super) struct Scan {
    automaton: Arc<Automaton>,
    /// Present until the scan is dropped.
    memory: Option<Memory>,
    watch: Watch,
    /// The last of what was read; begins at `base` of the text.
    kept: Vec<u8>,
    base: usize,
    /// The end of the last finding.
    after: usize,
    state: Option<LazyStateID>,
    begin: Begin,
}

/// The earliest place where something may begin, read up to `upto`.
#[derive(Clone)]
struct Begin {
    at: usize,
    upto: usize,
    state: Option<LazyStateID>,
}

impl Scan {
    pub(super) fn new(automaton: Arc<Automaton>, watch: Watch) -> Self {
        Self {
            memory: Some(automaton.lend()),
            automaton,
            watch,
            kept: Vec::new(),
            base: 0,
            after: 0,
            state: None,
            begin: Begin {
                at: 0,
                upto: 0,
                state: None,
            },
        }
    }

    /// Reads on; gives the spans that were found.
    pub(super) fn push(&mut self, text: &str) -> Vec<Range<usize>> {
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
        self.base += surplus;
        let from = self.read();
        self.kept.extend_from_slice(text.as_bytes());
        let found = self.ends(from);
        if self.watch == Watch::Beginnings {
            self.begins();
        }
        found
    }

    /// No more text comes.
    pub(super) fn finish(&mut self) -> Vec<Range<usize>> {
        let end = self.read();
        let (Some(memory), Some(state)) = (&mut self.memory, self.state.take()) else {
            return Vec::new();
        };
        match self
            .automaton
            .forward
            .next_eoi_state(&mut memory.ends, state)
        {
            Ok(state) if state.is_match() => vec![self.span(end)],
            _ => Vec::new(),
        }
    }

    /// How many of the last bytes something may still begin in.
    pub(super) fn hold(&self) -> usize {
        match self.watch {
            Watch::Findings => 0,
            Watch::Beginnings => (self.read() - self.begin.at).min(CAP),
        }
    }

    fn read(&self) -> usize {
        self.base + self.kept.len()
    }

    /// The byte before `at`, for what looks behind.
    fn before(&self, at: usize) -> Option<u8> {
        let index = at.checked_sub(self.base + 1)?;
        self.kept.get(index).copied()
    }

    fn ends(&mut self, from: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let automaton = self.automaton.clone();
        let mut at = from;
        while at < self.read() {
            let before = self.before(at);
            let Some(memory) = &mut self.memory else {
                break;
            };
            let start = start::Config::new()
                .anchored(Anchored::No)
                .look_behind(before);
            let begun = self
                .state
                .or_else(|| automaton.forward.start_state(&mut memory.ends, &start).ok());
            let Some(mut state) = begun else { break };
            let mut complete = false;
            for byte in &self.kept[at - self.base..] {
                // Never fails: no byte quits and memory may be cleared for ever.
                let Ok(next) = automaton.forward.next_state(&mut memory.ends, state, *byte) else {
                    break;
                };
                state = next;
                // A match is known one byte after its end.
                if state.is_match() {
                    complete = true;
                    break;
                }
                at += 1;
            }
            self.state = Some(state);
            if complete {
                found.push(self.span(at));
                self.state = None;
            } else {
                break;
            }
        }
        found
    }

    /// The span of a match that ends at `end`; the next is looked for after it.
    fn span(&mut self, end: usize) -> Range<usize> {
        let from = self.after.max(end.saturating_sub(CAP)).max(self.base);
        self.after = end;
        let base = self.base;
        let begin = match &mut self.memory {
            Some(memory) => {
                base + self
                    .automaton
                    .begin(memory, &self.kept, from - base, end - base)
            }
            None => from,
        };
        begin..end
    }

    /// Moves the earliest beginning on while nothing can begin there.
    fn begins(&mut self) {
        let read = self.read();
        // What is further back would be longer than may be held.
        let nearest = self.after.max(read.saturating_sub(CAP));
        if self.begin.at < self.after || self.begin.state.is_none() {
            self.restart(self.begin.at.max(nearest));
        }
        let mut steps = 0;
        while self.begin.at < read && steps < STEPS {
            let before = self.before(self.begin.at);
            let Some(memory) = &mut self.memory else {
                return;
            };
            let begin = &mut self.begin;
            let cache = &mut memory.begins;
            let start = start::Config::new()
                .anchored(Anchored::Yes)
                .look_behind(before);
            let begun = begin
                .state
                .or_else(|| self.automaton.forward.start_state(cache, &start).ok());
            let Some(mut state) = begun else { return };
            let mut dead = state.is_dead();
            for byte in &self.kept[begin.upto - self.base..] {
                if dead {
                    break;
                }
                let Ok(next) = self.automaton.forward.next_state(cache, state, *byte) else {
                    return;
                };
                state = next;
                begin.upto += 1;
                steps += 1;
                dead = state.is_dead();
            }
            if !dead {
                begin.state = Some(state);
                return;
            }
            steps += 1;
            self.restart((self.begin.at + 1).max(nearest));
        }
    }

    fn restart(&mut self, at: usize) {
        self.begin = Begin {
            at,
            upto: at,
            state: None,
        };
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.automaton.give_back(memory);
        }
    }
}
