//! Brings records to the store, and deletes what the store has.

mod again;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::ids::TicketId;
use domain::record::Record;

use crate::block::{self, Found};
use crate::journal::{Journal, Shared};
use crate::recover::{self, Gap};
use crate::segment::{Name, Segment};
use crate::{JournalError, disk};

/// How much is read at once; more where one block or a damaged place needs it.
const WINDOW: usize = 256 << 10;

/// Records for the store, and what it must remember in the same transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The records, each core's in the order of writing.
    pub records: Vec<Record>,
    /// Up to where each segment is read once these records are kept.
    pub marks: Vec<(String, u64)>,
    /// Segments that are no more: their marks may be forgotten.
    pub gone: Vec<String>,
    /// All that earlier processes wrote has been handed out: every ticket of
    /// a generation other than this one that has no end now, never will, and
    /// is [`crate::lost()`].
    pub alive: Option<u64>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.marks.is_empty() && self.alive.is_none()
    }
}

/// Reads the journal for one consumer. It moves on only by [`Carrier::done`]:
/// a batch that the store did not take is handed out again.
#[derive(Debug)]
pub struct Carrier {
    shared: Arc<Shared>,
    /// Up to where the store has each segment.
    marks: HashMap<Name, Passed>,
    gone: BTreeSet<String>,
    has_ended_earlier: bool,
    /// What the last batch holds of each segment.
    issued: Vec<(Name, Passed, u64)>,
    /// Which core's records come first, so that a busy one starves nobody.
    turn: usize,
}

/// How far a segment is carried.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    mark: u64,
    /// The last ticket in front of it, if this process read it.
    last: Option<TicketId>,
}

/// One core's segments of one generation, in the order of writing.
type Lane = Vec<Arc<Segment>>;

impl Carrier {
    /// A carrier that goes on where the store's marks say.
    #[must_use]
    pub fn new(journal: &Journal, marks: HashMap<String, u64>) -> Self {
        let shared = Arc::clone(journal.shared());
        let mut carrier = Self {
            shared,
            marks: HashMap::new(),
            gone: BTreeSet::new(),
            has_ended_earlier: false,
            issued: Vec::new(),
            turn: 0,
        };
        let segments = carrier.shared.segments().clone();
        for (text, mark) in marks {
            match Name::parse(&text).filter(|name| segments.contains_key(name)) {
                Some(name) => {
                    carrier.marks.insert(name, Passed { mark, last: None });
                }
                // Deleted, and the process ended before the store forgot it.
                None => {
                    carrier.gone.insert(text);
                }
            }
        }
        for segment in segments.values() {
            let mark = carrier.passed(segment).mark;
            if carrier.is_own(segment) {
                segment.set_carried(carrier.count_passed(segment, mark));
            } else {
                segment.passed(mark);
            }
        }
        carrier
    }

    /// The next records, at most `max`; `None` when the store has everything.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn next(&mut self, max: usize) -> Result<Option<Batch>, JournalError> {
        self.shared.look_at_others()?;
        self.sweep();
        let mut batch = Batch::default();
        self.issued.clear();
        let (earlier, own) = self.lanes();
        let mut is_earlier_read = true;
        for lane in &earlier {
            is_earlier_read &= match self.lives(lane) {
                true => self.read_living(lane, max, &mut batch)?,
                false => self.read_lane(lane, max, &mut batch)?,
            };
        }
        if is_earlier_read {
            // Who lives may still end what it has opened.
            if !self.has_ended_earlier && !self.shared.has_living() {
                batch.alive = Some(self.shared.generation);
            }
            for at in 0..own.len() {
                self.read_lane(&own[(at + self.turn) % own.len()], max, &mut batch)?;
            }
        }
        if batch.is_empty() {
            return Ok(None);
        }
        batch.gone = self.gone.iter().cloned().collect();
        Ok(Some(batch))
    }

    /// The store has committed `batch`, records and marks: moves on, and
    /// deletes segments that are passed and closed.
    pub fn done(&mut self, batch: &Batch) {
        let segments = self.shared.segments().clone();
        for (name, passed, records) in std::mem::take(&mut self.issued) {
            self.marks.insert(name, passed);
            match segments.get(&name) {
                Some(segment) if self.is_own(segment) => segment.add_carried(records),
                Some(segment) => segment.passed(passed.mark),
                None => {}
            }
        }
        for text in &batch.gone {
            self.gone.remove(text);
        }
        // One that is read again may say it of a process that is no more itself.
        self.has_ended_earlier |= batch.alive == Some(self.shared.generation);
        self.turn = self.turn.wrapping_add(1);
        self.sweep();
    }

    /// The lanes of earlier processes, and those of this one.
    fn lanes(&self) -> (Vec<Lane>, Vec<Lane>) {
        let mut lanes: BTreeMap<(u64, u16), Lane> = BTreeMap::new();
        for (name, segment) in self.shared.segments().iter() {
            lanes
                .entry((name.generation, name.core))
                .or_default()
                .push(Arc::clone(segment));
        }
        let own = self.shared.generation;
        let (own, earlier): (Vec<_>, Vec<_>) = lanes
            .into_iter()
            .partition(|((generation, _), _)| *generation == own);
        let only_lanes = |lanes: Vec<(_, Lane)>| lanes.into_iter().map(|(_, lane)| lane).collect();
        (only_lanes(earlier), only_lanes(own))
    }

    /// Reads on in one lane; says whether its end was reached, behind which
    /// nothing more can come.
    fn read_lane(
        &mut self,
        lane: &[Arc<Segment>],
        max: usize,
        batch: &mut Batch,
    ) -> Result<bool, JournalError> {
        for segment in lane {
            // In this order: what is published before the closing is all.
            let is_closed = segment.is_closed();
            let end = segment.committed();
            let from = self.passed(segment);
            if from.mark < end {
                if batch.records.len() >= max {
                    return Ok(false);
                }
                let before = batch.records.len();
                let to = self.read(segment, from, end, (max, &mut batch.records))?;
                if to.mark > from.mark {
                    let records = (batch.records.len() - before) as u64;
                    self.issued.push((segment.name, to, records));
                    batch.marks.push((segment.name.to_string(), to.mark));
                }
                // A torn end that was met on the way is none any more.
                if to.mark < end.min(segment.committed()) {
                    return Ok(false);
                }
            }
            // A ticket may be opened in this segment and settled in the next:
            // never the second before the first.
            if !is_closed {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the lane's process still writes.
    fn lives(&self, lane: &[Arc<Segment>]) -> bool {
        let first = lane.first();
        first.is_some_and(|segment| self.shared.lives(segment.name.generation))
    }

    /// Reads on in a lane that another process writes, as far as it is
    /// written; says whether all of that was read.
    fn read_living(
        &mut self,
        lane: &[Arc<Segment>],
        max: usize,
        batch: &mut Batch,
    ) -> Result<bool, JournalError> {
        // Asked before anything is read: what stands in front of the segment
        // that was begun last is whole then.
        let begun = lane
            .iter()
            .rposition(|segment| disk::is_begun(&segment.path));
        let begun = begun.map_or(0, |last| last + 1);
        for segment in &lane[..begun] {
            if batch.records.len() >= max {
                return Ok(false);
            }
            let from = self.passed(segment);
            // One that came too late is gone again. Where one cannot be looked
            // at, what stands behind it must not come before what it holds.
            let Some(length) = disk::length(&segment.path)? else {
                continue;
            };
            let before = batch.records.len();
            let to = self.read(segment, from, length, (max, &mut batch.records))?;
            if to.mark > from.mark {
                let records = (batch.records.len() - before) as u64;
                self.issued.push((segment.name, to, records));
                batch.marks.push((segment.name.to_string(), to.mark));
            }
        }
        Ok(batch.records.len() < max)
    }

    fn passed(&self, segment: &Segment) -> Passed {
        self.marks.get(&segment.name).copied().unwrap_or_default()
    }

    /// Whether this process writes or wrote it.
    fn is_own(&self, segment: &Segment) -> bool {
        segment.name.generation == self.shared.generation
    }

    /// Deletes closed segments that the store has whole. What cannot be
    /// deleted now is tried again with the next batch.
    fn sweep(&mut self) {
        let all: Lane = self.shared.segments().values().cloned().collect();
        let is_whole = |it: &Arc<Segment>| it.is_closed() && self.passed(it).mark >= it.committed();
        let whole: Lane = all.into_iter().filter(is_whole).collect();
        // What is not found in another folder is not deleted in this one: it
        // would be carried again once the folder is back.
        if whole.is_empty() || !self.shared.is_in_place() {
            return;
        }
        for segment in whole {
            match self.shared.remove_segment(&segment) {
                Ok(()) => {
                    if self.marks.remove(&segment.name).is_some() {
                        self.gone.insert(segment.name.to_string());
                    }
                }
                Err(error) => tracing::warn!(%error, "journal: a carried segment stays"),
            }
        }
    }

    /// Records in front of an own segment's mark, for the lag. An error means
    /// only that the lag is shown too large.
    fn count_passed(&self, segment: &Segment, mark: u64) -> u64 {
        let mut records = Vec::new();
        let end = mark.min(segment.committed());
        match self.read(segment, Passed::default(), end, (usize::MAX, &mut records)) {
            Ok(_) => records.len() as u64,
            Err(_) => 0,
        }
    }

    /// Reads blocks up to `end` until there are `max` records; returns where
    /// it stopped. Damaged bytes are skipped and kept aside, an earlier
    /// process's torn end is cut.
    fn read(
        &self,
        segment: &Segment,
        from: Passed,
        end: u64,
        (max, records): (usize, &mut Vec<Record>),
    ) -> Result<Passed, JournalError> {
        let mut passed = from;
        let mut window = WINDOW;
        let is_living = self.shared.lives(segment.name.generation);
        while passed.mark < end && records.len() < max {
            let base = passed.mark;
            let rest = usize::try_from(end - base).unwrap_or(usize::MAX);
            let wanted = rest.min(window);
            let bytes = disk::read(&segment.path, base, wanted)?;
            let is_all = wanted == rest || bytes.len() < wanted;
            let mut at = 0;
            while at < bytes.len() && records.len() < max {
                match block::decode(&bytes[at..]) {
                    Found::Block(record, length) => {
                        passed.last = Some(record.ticket());
                        records.push(*record);
                        at += length;
                    }
                    // Not written yet, or half.
                    Found::Cut | Found::Bad if is_living && (is_all || is_blank(&bytes[at..])) => {
                        return Ok(passed);
                    }
                    Found::Cut | Found::Bad if !is_all => break,
                    Found::Cut | Found::Bad => {
                        let bad = Bad { bytes: &bytes, at };
                        match self.skip(segment, passed, bad)? {
                            Some(next) => at = next,
                            None => return Ok(passed),
                        }
                    }
                }
                passed.mark = base + at as u64;
            }
            if at == 0 && is_all {
                // The file is shorter than it was: what is missing is missing.
                passed.mark = end;
            }
            // Not one block in the window: look at more.
            window = match at {
                0 => window.saturating_mul(2),
                _ => WINDOW,
            };
        }
        Ok(passed)
    }

    /// Where to go on after bad bytes that stand where `passed` ends; `None`
    /// if nothing does, and the segment now ends there.
    fn skip(
        &self,
        segment: &Segment,
        passed: Passed,
        bad: Bad<'_>,
    ) -> Result<Option<usize>, JournalError> {
        let Bad { bytes, at } = bad;
        let next = block::next_good(bytes, at);
        if next.is_none() && !self.is_own(segment) {
            if bytes[at..].iter().any(|byte| *byte != 0) {
                tracing::warn!(segment = %segment.name, at = passed.mark, "journal: cut a torn end");
            }
            self.shared.cut_segment(segment, passed.mark);
            return Ok(None);
        }
        let to = next.unwrap_or(bytes.len());
        let before = next.and_then(|next| match block::decode(&bytes[next..]) {
            Found::Block(record, _) => Some(record.ticket()),
            Found::Cut | Found::Bad => None,
        });
        let gap = Gap {
            from: passed.mark,
            to: passed.mark + (to - at) as u64,
            after: passed.last,
            before,
        };
        let damage = recover::keep_aside(&segment.path, &bytes[at..to], &gap)?;
        self.shared.note_damage(damage);
        Ok(Some(to))
    }
}

/// Whether nothing was ever written here: no block begins like this.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().take(16).all(|byte| *byte == 0)
}

/// Bytes to the end of a segment, bad from `at` on.
struct Bad<'a> {
    bytes: &'a [u8],
    at: usize,
}
