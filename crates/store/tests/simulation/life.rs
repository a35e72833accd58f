//! One history: processes that come and go over one folder and one store.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use journal::{Carrier, Config, Journal, Writer};

use super::Dice;
use super::disk::{self, Folder};
use super::limits::{Hold, Limits};
use super::store::Kept;

/// What was said of a ticket, and how much of that was flushed.
#[derive(Debug, Default)]
struct Told {
    settled: Option<Settled>,
    is_opened_flushed: bool,
    is_settled_flushed: bool,
}

pub(crate) struct History {
    seed: u64,
    kept: Kept,
    told: BTreeMap<TicketId, Told>,
    /// Tickets of blocks that were damaged on disk.
    damaged: BTreeSet<TicketId>,
}

/// One event loop.
struct Loop {
    writer: Writer,
    staged: Vec<Record>,
    open: Vec<(Opened, Hold)>,
    sequence: u64,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            kept: Kept::default(),
            told: BTreeMap::new(),
            damaged: BTreeSet::new(),
        }
    }

    /// A process begins, works, and is killed.
    pub(crate) fn live(&mut self, generation: u64, folder: &Folder, dice: &mut Dice) {
        let config = Config {
            segment_bytes: 300 + dice.below(1_500),
            ..Config::default()
        };
        let journal = Journal::open(folder.path(), config, generation).expect("opens");
        let mut carrier = Carrier::new(&journal, self.kept.marks.clone());
        let mut limits = Limits::new();
        let mut loops: Vec<Loop> = (0..2)
            .map(|core| Loop {
                writer: journal.writer(core).expect("a writer"),
                staged: Vec::new(),
                open: Vec::new(),
                sequence: 0,
            })
            .collect();
        for _ in 0..dice.below(60) {
            let core = dice.below(2) as usize;
            match dice.below(8) {
                0 | 1 => self.open(&mut loops[core], (generation, core), &mut limits, dice),
                2 | 3 => self.settle(&mut loops[core], &mut limits, dice),
                4 | 5 => self.flush(&mut loops[core]),
                6 => limits.wait(dice),
                _ => self.carry(&journal, &mut carrier, dice),
            }
        }
        // Killed, perhaps in the middle of a write of each loop.
        let before = folder.image();
        let mut image = before.clone();
        if dice.one_in(2) {
            for one in &loops {
                one.writer.flush().expect("written");
            }
            image = folder.image();
            disk::tear(&before, &mut image, dice);
        }
        if dice.one_in(8)
            && let Some(block) = disk::damage(&mut image, dice)
        {
            self.damaged.extend(self.ticket_in(&block));
        }
        drop((loops, carrier, journal));
        folder.restore(&image);
    }

    fn open(
        &mut self,
        one: &mut Loop,
        (generation, core): (u64, usize),
        limits: &mut Limits,
        dice: &mut Dice,
    ) {
        let Some(hold) = limits.take(dice) else {
            return;
        };
        one.sequence += 1;
        let ticket = TicketId {
            generation,
            core: core as u16,
            sequence: one.sequence,
        };
        let opened = Opened {
            ticket,
            at: UnixMicros(1),
            tenant: "default".into(),
            key: "key_a".into(),
            operation: "chat".into(),
            model: "m".repeat(dice.below(60) as usize).into(),
            reserved_tokens: 400,
            asked: None,
        };
        let record = Record::Opened(opened.clone());
        one.writer.stage(&record).expect("staged");
        one.staged.push(record);
        one.open.push((opened, hold));
        self.told.insert(ticket, Told::default());
    }

    fn settle(&mut self, one: &mut Loop, limits: &mut Limits, dice: &mut Dice) {
        if one.open.is_empty() {
            return;
        }
        let at = dice.below(one.open.len() as u64) as usize;
        let (opened, hold) = one.open.swap_remove(at);
        let mut settled = journal::lost(&opened);
        settled.outcome = Outcome::Complete;
        settled.usage.output = limits.settle(hold, dice);
        let told = self.told.get_mut(&settled.ticket).expect("opened");
        told.settled = Some(settled.clone());
        let record = Record::Settled(Box::new(settled));
        one.writer.stage(&record).expect("staged");
        one.staged.push(record);
    }

    fn flush(&mut self, one: &mut Loop) {
        one.writer.flush().expect("written");
        for record in one.staged.drain(..) {
            let told = self.told.get_mut(&record.ticket()).expect("told");
            match record {
                Record::Opened(_) => told.is_opened_flushed = true,
                Record::Settled(_) => told.is_settled_flushed = true,
            }
        }
    }

    /// One batch, or a part of the way: read, kept, passed.
    fn carry(&mut self, journal: &Journal, carrier: &mut Carrier, dice: &mut Dice) {
        let max = 1 + dice.below(6) as usize;
        let Some(batch) = carrier.next(max).expect("readable") else {
            return;
        };
        if dice.one_in(4) {
            // The store refused, or the carrier began anew.
            if dice.one_in(2) {
                *carrier = Carrier::new(journal, self.kept.marks.clone());
            }
            return;
        }
        self.kept.commit(&batch);
        if dice.one_in(4) {
            *carrier = Carrier::new(journal, self.kept.marks.clone());
            return;
        }
        carrier.done(&batch);
    }

    fn ticket_in(&self, block: &[u8]) -> Option<TicketId> {
        // A copy of the block in a journal of its own.
        let folder = Folder::new(100 + self.seed);
        folder.empty();
        let file = folder.path().join("0000000000000001-0000-00000001.journal");
        std::fs::write(file, block).expect("written");
        let journal = Journal::open(folder.path(), Config::default(), 2).expect("opens");
        let mut carrier = Carrier::new(&journal, Default::default());
        let batch = carrier.next(2).expect("readable")?;
        Some(batch.records.first()?.ticket())
    }

    /// A last process carries everything; then the books are compared.
    pub(crate) fn end(mut self, generation: u64, folder: &Folder) {
        let journal = Journal::open(folder.path(), Config::default(), generation).expect("opens");
        let mut carrier = Carrier::new(&journal, self.kept.marks.clone());
        while let Some(batch) = carrier.next(5).expect("readable") {
            self.kept.commit(&batch);
            carrier.done(&batch);
        }
        let seed = self.seed;
        assert!(folder.image().is_empty(), "seed {seed}: segments stay");
        assert!(self.kept.open.is_empty(), "seed {seed}: open for ever");
        assert_eq!(journal.lag_records(), 0, "seed {seed}");
        for (ticket, settled) in &self.kept.ended {
            let told = self.told.get(ticket).expect("nobody said this");
            if settled.outcome == Outcome::Lost {
                assert!(
                    !told.is_settled_flushed || self.damaged.contains(ticket),
                    "seed {seed}: {ticket} is lost"
                );
            } else {
                assert_eq!(told.settled.as_ref(), Some(settled), "seed {seed}");
            }
        }
        for (ticket, told) in &self.told {
            let is_there = self.kept.ended.contains_key(ticket);
            let must = told.is_opened_flushed || told.is_settled_flushed;
            assert!(
                is_there || !must || self.damaged.contains(ticket),
                "seed {seed}: {ticket} is missing"
            );
        }
    }
}
