//! One history: processes that come and go over one folder and one store.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Asked, Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use domain::usage::UsageSource;
use journal::{Carrier, Config, Journal};

use super::Dice;
use super::disk::{self, Folder};
use super::process::Process;
use super::store::Kept;

/// What was said of a ticket, and how much of that was flushed.
#[derive(Debug, Default)]
struct Told {
    /// Each time that it was announced, and how many of these were flushed.
    opened: Vec<Opened>,
    flushed: usize,
    settled: Option<Settled>,
    is_settled_flushed: bool,
}

pub(crate) struct History {
    seed: u64,
    kept: Kept,
    told: BTreeMap<TicketId, Told>,
    /// Tickets of blocks that were damaged on disk.
    damaged: BTreeSet<TicketId>,
    /// Processes that have handed over, and end their requests.
    elders: Vec<Process>,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            kept: Kept::default(),
            told: BTreeMap::new(),
            damaged: BTreeSet::new(),
            elders: Vec::new(),
        }
    }

    /// A process begins, takes over if there is one to take over from, works,
    /// and is killed or hands over.
    pub(crate) fn live(&mut self, generation: u64, folder: &Folder, dice: &mut Dice) {
        let config = Config {
            segment_bytes: 300 + dice.below(1_500),
            ..Config::default()
        };
        let lock = self
            .elders
            .last()
            .and_then(|elder| elder.journal.lock().ok());
        let journal = match lock {
            Some(lock) => Journal::open_locked(folder.path(), config, generation, lock),
            None => Journal::open(folder.path(), config, generation),
        };
        let journal = journal.expect("opens");
        for elder in &self.elders {
            elder.journal.give_up_lock();
        }
        let mut carrier = Carrier::new(&journal, self.kept.marks.clone());
        let mut process = Process::new(journal, generation);
        for _ in 0..dice.below(60) {
            let core = dice.below(2) as usize;
            match dice.below(12) {
                0 | 1 => self.open(&mut process, core, dice),
                2 | 3 => self.settle(&mut process, core, dice),
                4 | 5 => self.flush(&mut process, core),
                6 => process.limits.wait(dice),
                7 => self.announce(&mut process, core, dice),
                8 | 9 => self.elder_works(folder, dice),
                _ => self.carry(&process.journal, &mut carrier, (folder, dice)),
            }
        }
        drop(carrier);
        match dice.one_in(3) {
            true => self.elders.push(process),
            false => self.kill(process, folder, dice),
        }
    }

    /// One who has handed over ends a request, or itself.
    fn elder_works(&mut self, folder: &Folder, dice: &mut Dice) {
        let which = dice.below(self.elders.len() as u64) as usize;
        if which >= self.elders.len() {
            return;
        }
        let mut elder = self.elders.swap_remove(which);
        let core = dice.below(2) as usize;
        match dice.below(8) {
            0 => return self.kill(elder, folder, dice),
            1 => return self.end_well(elder),
            2..=4 => self.settle(&mut elder, core, dice),
            5 => self.announce(&mut elder, core, dice),
            _ => self.flush(&mut elder, core),
        }
        self.elders.push(elder);
    }

    /// It ends by itself: what is staged is flushed.
    fn end_well(&mut self, mut process: Process) {
        for core in 0..2 {
            self.flush(&mut process, core);
        }
    }

    /// Killed, perhaps in the middle of a write of each loop.
    fn kill(&mut self, process: Process, folder: &Folder, dice: &mut Dice) {
        let prefix = format!("{:016x}-", process.generation);
        let before = folder.image(&prefix);
        let mut image = before.clone();
        if dice.one_in(2) {
            for one in &process.loops {
                one.writer.flush().expect("written");
            }
            image = folder.image(&prefix);
            disk::tear(&before, &mut image, dice);
        }
        if dice.one_in(8)
            && let Some(block) = disk::damage(&mut image, dice)
        {
            self.damaged.extend(self.ticket_in(&block));
        }
        drop(process);
        folder.restore(&prefix, &image);
    }

    fn open(&mut self, process: &mut Process, core: usize, dice: &mut Dice) {
        let Some(hold) = process.limits.take(dice) else {
            return;
        };
        let one = &mut process.loops[core];
        one.sequence += 1;
        let ticket = TicketId {
            generation: process.generation,
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
            who: None,
            from: None,
            asked: Some(asked(1, dice)),
        };
        one.open.push((opened.clone(), hold));
        self.told.insert(ticket, Told::default());
        self.say(process, core, Record::Opened(opened));
    }

    /// A request goes to another target.
    fn announce(&mut self, process: &mut Process, core: usize, dice: &mut Dice) {
        let open = &mut process.loops[core].open;
        let at = dice.below(open.len() as u64) as usize;
        let Some((opened, _)) = open.get_mut(at) else {
            return;
        };
        let attempts = opened.asked.as_ref().map_or(0, |asked| asked.attempts);
        opened.asked = Some(asked(attempts + 1, dice));
        let record = Record::Opened(opened.clone());
        self.say(process, core, record);
    }

    fn settle(&mut self, process: &mut Process, core: usize, dice: &mut Dice) {
        let open = &mut process.loops[core].open;
        if open.is_empty() {
            return;
        }
        let at = dice.below(open.len() as u64) as usize;
        let (opened, hold) = open.swap_remove(at);
        let mut settled = journal::lost(&opened);
        settled.outcome = Outcome::Complete;
        settled.usage.output = process.limits.settle(hold, dice);
        self.say(process, core, Record::Settled(Box::new(settled)));
    }

    fn say(&mut self, process: &mut Process, core: usize, record: Record) {
        let told = self.told.get_mut(&record.ticket()).expect("opened");
        match &record {
            Record::Opened(opened) => told.opened.push(opened.clone()),
            Record::Settled(settled) => told.settled = Some((**settled).clone()),
        }
        let one = &mut process.loops[core];
        one.writer.stage(&record).expect("staged");
        one.staged.push(record);
    }

    fn flush(&mut self, process: &mut Process, core: usize) {
        let one = &mut process.loops[core];
        one.writer.flush().expect("written");
        for record in one.staged.drain(..) {
            let told = self.told.get_mut(&record.ticket()).expect("told");
            match record {
                Record::Opened(_) => told.flushed += 1,
                Record::Settled(_) => told.is_settled_flushed = true,
            }
        }
    }

    /// One batch, or a part of the way: read, kept, passed.
    fn carry(
        &mut self,
        journal: &Journal,
        carrier: &mut Carrier,
        (folder, dice): (&Folder, &mut Dice),
    ) {
        let max = 1 + dice.below(6) as usize;
        let failing = dice.one_in(4).then(|| folder.fails(dice));
        let next = carrier.next(max);
        let batch = match next {
            Err(_) if failing.is_some() => return,
            next => next.expect("readable"),
        };
        drop(failing);
        let Some(batch) = batch else { return };
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
    pub(crate) fn end(mut self, generation: u64, folder: &Folder, dice: &mut Dice) {
        while let Some(elder) = self.elders.pop() {
            self.kill(elder, folder, dice);
        }
        let journal = Journal::open(folder.path(), Config::default(), generation).expect("opens");
        let mut carrier = Carrier::new(&journal, self.kept.marks.clone());
        while let Some(batch) = carrier.next(5).expect("readable") {
            self.kept.commit(&batch);
            carrier.done(&batch);
        }
        let seed = self.seed;
        assert!(folder.image("").is_empty(), "seed {seed}: segments stay");
        assert!(self.kept.open.is_empty(), "seed {seed}: open for ever");
        assert_eq!(journal.lag_records(), 0, "seed {seed}");
        for (ticket, settled) in &self.kept.ended {
            let told = self.told.get(ticket).expect("nobody said this");
            if settled.outcome == Outcome::Lost {
                // As it was announced last, so far as that was flushed.
                let last = told.flushed.saturating_sub(1);
                let is_known = told.opened[last..]
                    .iter()
                    .any(|opened| journal::lost(opened) == *settled);
                assert!(
                    is_known && !told.is_settled_flushed || self.damaged.contains(ticket),
                    "seed {seed}: {ticket} is lost"
                );
            } else {
                assert_eq!(told.settled.as_ref(), Some(settled), "seed {seed}");
            }
        }
        for (ticket, told) in &self.told {
            let is_there = self.kept.ended.contains_key(ticket);
            let must = told.flushed > 0 || told.is_settled_flushed;
            assert!(
                is_there || !must || self.damaged.contains(ticket),
                "seed {seed}: {ticket} is missing"
            );
        }
    }
}

fn asked(attempts: u32, dice: &mut Dice) -> Asked {
    Asked {
        streamed: dice.one_in(2),
        provider: "p".into(),
        deployment: "p/m".into(),
        attempts,
        prompt: dice.below(1_000),
        usage_source: UsageSource::Estimated,
        cost: Some(NanoUsd(7)),
        passed: None,
    }
}
