//! Brings records to the store, and deletes what the store has.

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
    marks: HashMap<Name, u64>,
    gone: BTreeSet<String>,
    has_ended_earlier: bool,
    /// How many records of each segment the last batch holds.
    issued: Vec<(Name, u64)>,
    /// Which core's records come first, so that a busy one starves nobody.
    turn: usize,
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
                    carrier.marks.insert(name, mark);
                }
                // Deleted, and the process ended before the store forgot it.
                None => {
                    carrier.gone.insert(text);
                }
            }
        }
        for segment in segments.values() {
            let passed = carrier.count_passed(segment);
            segment.set_carried(passed);
        }
        carrier
    }

    /// The next records, at most `max`; `None` when the store has everything.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn next(&mut self, max: usize) -> Result<Option<Batch>, JournalError> {
        self.sweep();
        let mut batch = Batch::default();
        self.issued.clear();
        let (earlier, own) = self.lanes();
        let mut is_earlier_read = true;
        for lane in &earlier {
            is_earlier_read &= self.read_lane(lane, max, &mut batch)?;
        }
        if is_earlier_read {
            if !self.has_ended_earlier {
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
        for (text, mark) in &batch.marks {
            if let Some(name) = Name::parse(text) {
                self.marks.insert(name, *mark);
            }
        }
        let segments = self.shared.segments().clone();
        for (name, records) in self.issued.drain(..) {
            if let Some(segment) = segments.get(&name) {
                segment.add_carried(records);
            }
        }
        for text in &batch.gone {
            self.gone.remove(text);
        }
        self.has_ended_earlier |= batch.alive.is_some();
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

    /// Reads on in one lane; says whether its end was reached.
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
            let from = self.mark(segment);
            if from < end {
                if batch.records.len() >= max {
                    return Ok(false);
                }
                let before = batch.records.len();
                let to = read(segment, from..end, max, &mut batch.records)?;
                self.issued
                    .push((segment.name, (batch.records.len() - before) as u64));
                batch.marks.push((segment.name.to_string(), to));
                if to < end {
                    return Ok(false);
                }
            }
            // A ticket may be opened in this segment and settled in the next:
            // never the second before the first.
            if !is_closed {
                return Ok(true);
            }
        }
        Ok(true)
    }

    fn mark(&self, segment: &Segment) -> u64 {
        self.marks.get(&segment.name).copied().unwrap_or(0)
    }

    /// Deletes closed segments that the store has whole. What cannot be
    /// deleted now is tried again with the next batch.
    fn sweep(&mut self) {
        let all: Lane = self.shared.segments().values().cloned().collect();
        for segment in all {
            if !segment.is_closed() || self.mark(&segment) < segment.committed() {
                continue;
            }
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

    /// Records in front of a segment's mark, for the lag. An error means only
    /// that the lag is shown too large.
    fn count_passed(&self, segment: &Segment) -> u64 {
        let mark = self.mark(segment).min(segment.committed());
        let mut records = Vec::new();
        match read(segment, 0..mark, usize::MAX, &mut records) {
            Ok(_) => records.len() as u64,
            Err(_) => 0,
        }
    }
}

/// Reads blocks of `range` until there are `max` records; returns where it
/// stopped. Damaged bytes are skipped and kept aside.
fn read(
    segment: &Segment,
    range: std::ops::Range<u64>,
    max: usize,
    records: &mut Vec<Record>,
) -> Result<u64, JournalError> {
    let mut from = range.start;
    let mut window = WINDOW;
    let mut last = None;
    while from < range.end && records.len() < max {
        let wanted = usize::try_from(range.end - from)
            .unwrap_or(usize::MAX)
            .min(window);
        let bytes = disk::read(&segment.path, from, wanted)?;
        let is_all = wanted as u64 == range.end - from || bytes.len() < wanted;
        let mut at = 0;
        while at < bytes.len() && records.len() < max {
            match block::decode(&bytes[at..]) {
                Found::Block(record, length) => {
                    last = Some(record.ticket());
                    records.push(*record);
                    at += length;
                }
                Found::Cut | Found::Bad if !is_all => break,
                Found::Cut | Found::Bad => at = skip(segment, &bytes, (from, at), last)?,
            }
        }
        if at == 0 && is_all {
            // The file is shorter than it was: what is missing is missing.
            return Ok(range.end);
        }
        // Not one block in the window: look at more.
        window = if at == 0 {
            window.saturating_mul(2)
        } else {
            WINDOW
        };
        from += at as u64;
    }
    Ok(from)
}

/// Where to go on after damage at `at` in `bytes`, which begin at `base` and
/// reach to the end of the segment.
fn skip(
    segment: &Segment,
    bytes: &[u8],
    (base, at): (u64, usize),
    after: Option<TicketId>,
) -> Result<usize, JournalError> {
    let next = block::next_good(bytes, at);
    let to = next.unwrap_or(bytes.len());
    let before = next.and_then(|next| match block::decode(&bytes[next..]) {
        Found::Block(record, _) => Some(record.ticket()),
        Found::Cut | Found::Bad => None,
    });
    let base = usize::try_from(base).unwrap_or(usize::MAX);
    let gap = Gap {
        from: base + at,
        to: base + to,
        after,
        before,
    };
    recover::keep_aside(&segment.path, &bytes[at..to], &gap)?;
    Ok(to)
}
