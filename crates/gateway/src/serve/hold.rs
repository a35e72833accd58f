//! Frames that guards have not released yet: they read what leaves, in the
//! client's own dialect. Frames leave in their order; one leaves when every piece
//! of text in it may.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, DefaultHasher, Hasher as _, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use dialects::texts::{Event, Form, Leaving, Said};
use domain::canon::Dialect;
use domain::guard::{Direction, Finding, Guard};

use super::screen::Screen;
use crate::guard::screened;

/// The most bytes that guards may hold back of one stream.
const LARGEST_HELD: usize = 16 << 20;

/// A frame, and up to where each of its lanes must be free before it leaves.
struct Held {
    bytes: Bytes,
    needs: Vec<(String, usize)>,
}

/// Holds frames back while a guard needs to see more.
#[derive(Default)]
pub(super) struct Hold {
    /// None where no guard reads.
    reading: Option<Box<Reading>>,
    held: VecDeque<Held>,
    bytes: usize,
}

/// What guards have read.
struct Reading {
    guards: Vec<Arc<dyn Guard>>,
    leaving: Leaving,
    lanes: HashMap<String, Lane>,
    /// Texts that were read as a whole, or in all their pieces: streams say most
    /// of them again.
    known: HashSet<u64>,
    hashing: RandomState,
}

/// A text that comes in pieces.
struct Lane {
    screen: Screen,
    print: DefaultHasher,
}

impl Hold {
    /// For a stream in this form.
    pub(super) fn new(guards: Vec<Arc<dyn Guard>>, (dialect, form): (Dialect, Form)) -> Self {
        let reading = (!guards.is_empty()).then(|| {
            Box::new(Reading {
                guards,
                leaving: Leaving::new(dialect, form),
                lanes: HashMap::new(),
                known: HashSet::new(),
                hashing: RandomState::new(),
            })
        });
        Self {
            reading,
            ..Self::default()
        }
    }

    /// Takes bytes that are whole frames; gives what the guards found.
    pub(super) fn push(&mut self, bytes: Bytes) -> Vec<Finding> {
        if bytes.is_empty() {
            return Vec::new();
        }
        let (findings, needs) = self.read(&bytes);
        self.bytes += bytes.len();
        self.held.push_back(Held { bytes, needs });
        findings
    }

    /// Lets the guards read frames that leave last of all.
    pub(super) fn last(&mut self, bytes: &Bytes) -> Vec<Finding> {
        self.read(bytes).0
    }

    fn read(&mut self, bytes: &Bytes) -> (Vec<Finding>, Vec<(String, usize)>) {
        let (mut findings, mut needs) = (Vec::new(), Vec::new());
        if let Some(reading) = &mut self.reading {
            for event in reading.leaving.push(bytes) {
                reading.event(event, &mut findings, &mut needs);
            }
        }
        (findings, needs)
    }

    /// No more text comes: the guards decide about what they held.
    pub(super) fn finish(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(reading) = &mut self.reading {
            reading.end("", &mut findings);
        }
        findings
    }

    /// The next frame that may leave.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let front = self.held.front()?;
        if let Some(reading) = &self.reading
            && !front.needs.iter().all(|need| reading.is_free(need))
        {
            return None;
        }
        let held = self.held.pop_front()?;
        self.bytes -= held.bytes.len();
        Some(held.bytes)
    }

    /// Whether more is held than may be.
    pub(super) fn is_full(&self) -> bool {
        self.bytes > LARGEST_HELD
    }

    /// Throws away what has not left.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.bytes = 0;
    }
}

impl Reading {
    fn event(
        &mut self,
        event: Event,
        findings: &mut Vec<Finding>,
        needs: &mut Vec<(String, usize)>,
    ) {
        let mut whole = Vec::new();
        for Said { lane, text } in event.said {
            match lane {
                Some(name) => {
                    findings.extend(self.piece(&name, &text));
                    let read = self.lanes.get(&name).map_or(0, |lane| lane.screen.read());
                    needs.push((name, read));
                }
                None if self.is_known(&text) => {}
                None => whole.push(text),
            }
        }
        let borrowed: Vec<&str> = whole.iter().map(String::as_str).collect();
        let direction = Direction::Answer;
        match &event.document {
            Some(document) if !borrowed.is_empty() => {
                findings.extend(screened(document, &borrowed, &self.guards, direction));
            }
            Some(_) => {}
            None => {
                let screens = self.guards.iter();
                findings.extend(screens.flat_map(|it| it.screen(direction, &borrowed)));
            }
        }
        for text in &whole {
            self.known.insert(self.print(text));
        }
        if let Some(ends) = event.ends {
            self.end(&ends, findings);
        }
    }

    /// The next piece of a text.
    fn piece(&mut self, name: &str, text: &str) -> Vec<Finding> {
        if !self.lanes.contains_key(name) {
            let lane = Lane {
                screen: Screen::new(&self.guards),
                print: self.hashing.build_hasher(),
            };
            self.lanes.insert(name.to_owned(), lane);
        }
        let Some(lane) = self.lanes.get_mut(name) else {
            return Vec::new();
        };
        lane.print.write(text.as_bytes());
        lane.screen.push(text)
    }

    /// Whether a text was read already.
    fn is_known(&self, text: &str) -> bool {
        let print = self.print(text);
        self.known.contains(&print) || self.lanes.values().any(|it| it.print.finish() == print)
    }

    fn print(&self, text: &str) -> u64 {
        let mut print = self.hashing.build_hasher();
        print.write(text.as_bytes());
        print.finish()
    }

    /// The texts of the lanes that begin so are complete.
    fn end(&mut self, beginning: &str, findings: &mut Vec<Finding>) {
        let known = &mut self.known;
        self.lanes.retain(|name, lane| {
            if !name.starts_with(beginning) {
                return true;
            }
            findings.extend(lane.screen.finish());
            known.insert(lane.print.finish());
            false
        });
    }

    fn is_free(&self, (name, upto): &(String, usize)) -> bool {
        let lane = self.lanes.get(name);
        lane.is_none_or(|lane| lane.screen.free >= *upto)
    }
}
