//! Frames that guards have not released yet. Frames leave in their order; one
//! leaves when every piece of text in it may.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use dialects::openai::{Delta, Field};
use domain::guard::{Finding, Guard};

use super::screen::Screen;

/// The most bytes that guards may hold back of one stream.
const LARGEST_HELD: usize = 16 << 20;

/// One field of one choice.
type Place = (u32, Field);

/// A frame, and up to where each of its fields must be free before it leaves.
struct Held {
    bytes: Bytes,
    needs: Vec<(Place, usize)>,
}

/// Holds frames back while a guard needs to see more.
pub(super) struct Hold {
    guards: Vec<Arc<dyn Guard>>,
    screens: HashMap<Place, Screen>,
    held: VecDeque<Held>,
    /// Of frames whose bytes leave with a later one.
    needs: Vec<(Place, usize)>,
    bytes: usize,
}

impl Hold {
    pub(super) fn new(guards: Vec<Arc<dyn Guard>>) -> Self {
        Self {
            guards,
            screens: HashMap::new(),
            held: VecDeque::new(),
            needs: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes a frame with its texts; gives what the guards found.
    pub(super) fn push(&mut self, bytes: Bytes, deltas: &[Delta]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut needs = Vec::new();
        if !self.guards.is_empty() {
            for delta in deltas {
                let place = (delta.choice, delta.field);
                let screen = self
                    .screens
                    .entry(place)
                    .or_insert_with(|| Screen::new(&self.guards));
                findings.extend(screen.push(&delta.text));
                needs.push((place, screen.read()));
            }
        }
        // What was read without bytes of its own leaves with the next that has.
        self.needs.extend(needs);
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            let needs = std::mem::take(&mut self.needs);
            self.held.push_back(Held { bytes, needs });
        }
        findings
    }

    /// No more text comes: the guards decide about what they held.
    pub(super) fn finish(&mut self) -> Vec<Finding> {
        self.screens.values_mut().flat_map(Screen::finish).collect()
    }

    /// The next frame that may leave.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let front = self.held.front()?;
        let is_free = |(place, upto): &(Place, usize)| {
            self.screens
                .get(place)
                .is_none_or(|screen| screen.free >= *upto)
        };
        if !front.needs.iter().all(is_free) {
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
