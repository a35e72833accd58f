//! Items that a provider streams, perhaps several at once, brought into the
//! one order that the canonical form has.
//!
//! Every item has a lane, by its `output_index`. What comes in a lane waits
//! there until the lanes before it are done; only calls may grow side by side.

use std::collections::BTreeMap;

use domain::canon::{Chunk, Delta, Opened};

use super::super::item::Shown;

/// One step of an item; the number is the block's in its lane.
#[derive(Debug)]
enum Step {
    Open(usize, Opened),
    Grow(usize, Delta),
    Close(usize),
}

/// A block of an item.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    /// How much of its text came, in bytes.
    seen: usize,
    /// How many citations came.
    citations: usize,
    is_open: bool,
    /// Its number in the answer, once it is known.
    block: Option<u32>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
    Call,
    Other,
}

/// An item that is being streamed.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) kind: Kind,
    pub(super) is_done: bool,
    /// A reasoning item's id.
    pub(super) id: Option<String>,
    /// What comes of the reasoning; none before it comes.
    pub(super) shown: Option<Shown>,
    /// Which part of the reasoning came last.
    pub(super) part: u64,
    /// The tokens with log probabilities.
    pub(super) tokens: Vec<String>,
    /// Blocks by the number of their part.
    parts: BTreeMap<u64, usize>,
    tracks: Vec<Track>,
    steps: Vec<Step>,
}

impl Lane {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            is_done: false,
            id: None,
            shown: None,
            part: 0,
            tokens: Vec::new(),
            parts: BTreeMap::new(),
            tracks: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The block of this part, opened if it was not.
    pub(super) fn open(&mut self, part: u64, opened: impl FnOnce() -> Opened) -> usize {
        if let Some(track) = self.parts.get(&part) {
            return *track;
        }
        self.close();
        let track = self.tracks.len();
        self.parts.insert(part, track);
        self.tracks.push(Track {
            is_open: true,
            ..Track::default()
        });
        self.steps.push(Step::Open(track, opened()));
        track
    }

    /// Whether this part came.
    pub(super) fn has(&self, part: u64) -> bool {
        self.parts.contains_key(&part)
    }

    /// More of a block.
    pub(super) fn grow(&mut self, track: usize, delta: Delta) {
        if let Some(state) = self.tracks.get_mut(track) {
            match &delta {
                Delta::Text(more) | Delta::Arguments(more) => {
                    if more.is_empty() {
                        return;
                    }
                    state.seen += more.len();
                }
                Delta::Citation(_) => state.citations += 1,
                Delta::Signature(_) => {}
            }
            self.steps.push(Step::Grow(track, delta));
        }
    }

    /// The whole text of a block is known: what has not come of it.
    pub(super) fn missing<'t>(&self, track: usize, whole: &'t str) -> &'t str {
        let seen = self.tracks.get(track).map_or(0, |track| track.seen);
        whole.get(seen..).unwrap_or_default()
    }

    /// How many citations of a block came.
    pub(super) fn cited(&self, track: usize) -> usize {
        self.tracks.get(track).map_or(0, |track| track.citations)
    }

    /// Whether any text of the block came.
    pub(super) fn has_text(&self, track: usize) -> bool {
        self.tracks.get(track).is_some_and(|track| track.seen > 0)
    }

    /// Closes what is open.
    pub(super) fn close(&mut self) {
        for (at, track) in self.tracks.iter_mut().enumerate() {
            if std::mem::take(&mut track.is_open) {
                self.steps.push(Step::Close(at));
            }
        }
    }

    fn release(&mut self, next: &mut u32, out: &mut Vec<Chunk>) {
        let choice = 0;
        for step in self.steps.drain(..) {
            match step {
                Step::Open(track, opened) => {
                    let block = *next;
                    *next += 1;
                    if let Some(track) = self.tracks.get_mut(track) {
                        track.block = Some(block);
                    }
                    out.push(Chunk::Open {
                        choice,
                        block,
                        opened,
                    });
                }
                Step::Grow(track, delta) => {
                    if let Some(block) = self.tracks.get(track).and_then(|it| it.block) {
                        out.push(Chunk::Grow {
                            choice,
                            block,
                            delta,
                        });
                    }
                }
                Step::Close(track) => {
                    if let Some(block) = self.tracks.get(track).and_then(|it| it.block) {
                        out.push(Chunk::Close { choice, block });
                    }
                }
            }
        }
    }
}

/// All items of a stream.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<u64, Lane>,
    /// Every lane before this one is done.
    floor: u64,
    /// The next block's number.
    next: u32,
}

impl Lanes {
    /// Whether nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The item at this place; of this kind, if it is new.
    pub(super) fn at(&mut self, index: u64, kind: Kind) -> &mut Lane {
        self.floor = self.floor.min(index);
        self.lanes.entry(index).or_insert_with(|| Lane::new(kind))
    }

    /// The place of the last item.
    pub(super) fn last(&self) -> u64 {
        self.lanes.keys().next_back().copied().unwrap_or(0)
    }

    /// The places of items that are not done.
    pub(super) fn open(&self) -> Vec<u64> {
        let open = self.lanes.iter().filter(|(_, lane)| !lane.is_done);
        open.map(|(index, _)| *index).collect()
    }

    /// All tokens with log probabilities.
    pub(super) fn tokens(&self) -> Vec<String> {
        let tokens = self.lanes.values().flat_map(|lane| &lane.tokens);
        tokens.cloned().collect()
    }

    /// Gives what need not wait.
    pub(super) fn release(&mut self, out: &mut Vec<Chunk>) {
        let mut only_calls = true;
        let mut all_done = true;
        for (index, lane) in self.lanes.range_mut(self.floor..) {
            if !(all_done || only_calls && lane.kind == Kind::Call) {
                break;
            }
            lane.release(&mut self.next, out);
            if lane.is_done && all_done {
                self.floor = index.saturating_add(1);
            }
            all_done &= lane.is_done;
            only_calls &= lane.is_done || lane.kind == Kind::Call;
        }
    }
}
