//! The carrier against a store that may stop between any two steps.

use std::collections::{BTreeMap, HashMap};

use crate::support::{Folder, opened, settled, ticket};
use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use journal::{Batch, Carrier, Journal};

/// What a store does with a batch, in one step.
#[derive(Clone, Debug, Default)]
struct Kept {
    marks: HashMap<String, u64>,
    open: BTreeMap<TicketId, Opened>,
    ended: Vec<Settled>,
}

impl Kept {
    fn commit(&mut self, batch: &Batch) {
        for record in &batch.records {
            match record {
                Record::Opened(opened) => {
                    self.open.insert(opened.ticket, opened.clone());
                }
                Record::Settled(settled) => {
                    self.open.remove(&settled.ticket);
                    self.ended.push((**settled).clone());
                }
            }
        }
        self.marks.extend(batch.marks.iter().cloned());
        for name in &batch.gone {
            self.marks.remove(name);
        }
        if let Some(alive) = batch.alive {
            let gone: Vec<_> = self
                .open
                .keys()
                .copied()
                .filter(|t| t.generation != alive)
                .collect();
            for ticket in gone {
                self.ended.extend(
                    self.open
                        .remove(&ticket)
                        .map(|opened| journal::lost(&opened)),
                );
            }
        }
    }

    fn outcomes(&self) -> Vec<(u64, u16, u64, Outcome)> {
        let key = |s: &Settled| {
            (
                s.ticket.generation,
                s.ticket.core,
                s.ticket.sequence,
                s.outcome,
            )
        };
        let mut all: Vec<_> = self.ended.iter().map(key).collect();
        all.sort_by_key(|(generation, core, sequence, _)| (*generation, *core, *sequence));
        all
    }
}

fn drain(journal: &Journal, kept: &mut Kept) {
    let mut carrier = Carrier::new(journal, kept.marks.clone());
    while let Some(batch) = carrier.next(4).expect("readable") {
        kept.commit(&batch);
        carrier.done(&batch);
    }
}

/// Two cores write 60 requests each; every tenth has no end.
fn a_life(journal: &Journal, generation: u64) -> Vec<(u64, u16, u64, Outcome)> {
    let mut expected = Vec::new();
    let writers = [0, 1].map(|core| journal.writer(core).expect("a writer"));
    for (core, writer) in (0..).zip(&writers) {
        for sequence in 1..=60 {
            let ticket = ticket(generation, core, sequence);
            writer.append(&[opened(ticket)]).expect("written");
            let outcome = if sequence % 10 == 0 {
                Outcome::Lost
            } else {
                Outcome::Complete
            };
            if outcome == Outcome::Complete {
                writer.append(&[settled(ticket)]).expect("written");
            }
            expected.push((generation, core, sequence, outcome));
        }
    }
    expected
}

#[test]
fn each_request_arrives_once_wherever_the_carrier_stops() {
    // A step is: next, commit, done. The carrier is made anew after `stop`
    // steps, again and again, until all is carried.
    for stop in 1..24 {
        let folder = Folder::new();
        let expected = a_life(&folder.open(1), 1);
        let journal = folder.open(2);
        let mut kept = Kept::default();
        let mut is_finished = false;
        while !is_finished {
            let mut carrier = Carrier::new(&journal, kept.marks.clone());
            let mut steps = 0;
            loop {
                let Some(batch) = carrier.next(7).expect("readable") else {
                    is_finished = true;
                    break;
                };
                steps += 1;
                // Two steps a lifetime at least, or nothing is ever kept.
                if steps >= stop.max(2) {
                    break;
                }
                kept.commit(&batch);
                steps += 1;
                // Every new carrier says once that earlier processes are
                // over: a batch of nothing else is the last.
                is_finished = batch.records.is_empty() && batch.marks.is_empty();
                if is_finished || steps >= stop {
                    break;
                }
                carrier.done(&batch);
                steps += 1;
            }
        }
        assert_eq!(kept.outcomes(), expected, "stopped every {stop} steps");
        assert!(folder.files(".journal").is_empty());
    }
}

#[test]
fn a_batch_that_the_store_refused_comes_again() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let writer = journal.writer(0).expect("a writer");
    writer
        .append(&[opened(ticket(1, 0, 1)), settled(ticket(1, 0, 1))])
        .expect("written");
    let mut carrier = Carrier::new(&journal, HashMap::new());
    let first = carrier.next(1).expect("readable").expect("a batch");
    let again = carrier.next(1).expect("readable").expect("a batch");
    assert_eq!(first, again);
    carrier.done(&again);
    let rest = carrier.next(1).expect("readable").expect("a batch");
    assert_eq!(rest.records, [settled(ticket(1, 0, 1))]);
    carrier.done(&rest);
    assert_eq!(carrier.next(1).expect("readable"), None);
    assert_eq!(journal.lag_records(), 0);
}

#[test]
fn a_request_that_outlives_its_segment_is_lost_once_when_the_process_dies() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let writer = journal.writer(0).expect("a writer");
    let mut kept = Kept::default();
    writer.append(&[opened(ticket(1, 0, 1))]).expect("written");
    for sequence in 2..100 {
        let ticket = ticket(1, 0, sequence);
        writer
            .append(&[opened(ticket), settled(ticket)])
            .expect("written");
    }
    drain(&journal, &mut kept);
    assert!(
        folder.files("-00000001.journal").is_empty(),
        "the opened record's segment is deleted"
    );
    drop((writer, journal));
    for generation in 2..5 {
        drain(&folder.open(generation), &mut kept);
    }
    let lost: Vec<_> = kept
        .ended
        .iter()
        .filter(|s| s.outcome == Outcome::Lost)
        .collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].ticket, ticket(1, 0, 1));
    assert_eq!(kept.ended.len(), 99);
}

#[test]
fn requests_of_this_process_are_not_lost_while_it_lives() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let writer = journal.writer(0).expect("a writer");
    writer.append(&[opened(ticket(1, 0, 1))]).expect("written");
    let mut kept = Kept::default();
    drain(&journal, &mut kept);
    drain(&journal, &mut kept);
    assert!(kept.ended.is_empty());
    writer.append(&[settled(ticket(1, 0, 1))]).expect("written");
    drain(&journal, &mut kept);
    assert_eq!(kept.outcomes(), [(1, 0, 1, Outcome::Complete)]);
}

#[test]
fn marks_of_deleted_segments_are_forgotten() {
    let folder = Folder::new();
    let mut kept = Kept::default();
    for generation in 1..6 {
        let journal = folder.open(generation);
        a_life(&journal, generation);
        drain(&journal, &mut kept);
        assert_eq!(journal.lag_records(), 0);
        assert_eq!(journal.bytes_on_disk(), 0);
    }
    drain(&folder.open(9), &mut kept);
    assert!(kept.marks.is_empty(), "{:?}", kept.marks);
}

#[test]
fn what_was_not_deleted_because_the_folder_was_away_is_deleted_once_it_is_back() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let mut expected = a_life(&journal, 1);
    let mut carrier = Carrier::new(&journal, HashMap::new());
    let mut kept = Kept::default();
    while let Some(batch) = carrier.next(7).expect("readable") {
        kept.commit(&batch);
        let away = folder.path().with_extension("away");
        std::fs::rename(folder.path(), &away).expect("moved");
        carrier.done(&batch);
        std::fs::rename(&away, folder.path()).expect("moved back");
    }
    drop((carrier, journal));
    drain(&folder.open(2), &mut kept);
    expected.sort_by_key(|(generation, core, sequence, _)| (*generation, *core, *sequence));
    assert_eq!(kept.outcomes(), expected, "each once");
    assert!(folder.files(".journal").is_empty());
}

#[test]
fn carrying_beside_the_writers_loses_and_doubles_nothing() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let mut kept = Kept::default();
    std::thread::scope(|scope| {
        let writing: Vec<_> = (0..2_u16)
            .map(|core| {
                let journal = journal.clone();
                scope.spawn(move || {
                    let writer = journal.writer(core).expect("a writer");
                    for sequence in 1..=500 {
                        let ticket = ticket(1, core, sequence);
                        writer.append(&[opened(ticket)]).expect("written");
                        writer.append(&[settled(ticket)]).expect("written");
                    }
                })
            })
            .collect();
        while !writing.iter().all(|thread| thread.is_finished()) {
            drain(&journal, &mut kept);
        }
    });
    drain(&journal, &mut kept);
    assert!(kept.open.is_empty(), "no opened record came behind its end");
    let tickets: Vec<_> = kept
        .outcomes()
        .iter()
        .map(|(_, core, n, _)| (*core, *n))
        .collect();
    let expected: Vec<_> = (0..2)
        .flat_map(|core| (1..=500).map(move |n| (core, n)))
        .collect();
    assert_eq!(tickets, expected);
}

#[test]
fn a_batch_is_read_again_up_to_the_same_marks_and_no_further() {
    let folder = Folder::new();
    let first = folder.open(1);
    a_life(&first, 1);
    drop(first);
    let mut kept = Kept::default();
    let mut generation = 2;
    let mut batches = 0;
    loop {
        let journal = folder.open(generation);
        let mut carrier = Carrier::new(&journal, kept.marks.clone());
        let Some(batch) = carrier.next(7).expect("readable") else {
            break;
        };
        // The process ends here; the next one writes before it reads.
        drop((carrier, journal));
        generation += 1;
        let journal = folder.open(generation);
        let writer = journal.writer(0).expect("a writer");
        writer
            .append(&[opened(ticket(generation, 0, 1))])
            .expect("written");
        let mut carrier = Carrier::new(&journal, kept.marks.clone());
        let again = carrier.again(&batch.marks, batch.alive).expect("readable");
        assert_eq!(again.records, batch.records);
        assert_eq!((&again.marks, again.alive), (&batch.marks, batch.alive));
        kept.commit(&again);
        carrier.done(&again);
        generation += 1;
        batches += 1;
        if batches > 60 {
            break;
        }
    }
    assert!(batches > 30, "{batches} batches");
    let ended = kept.outcomes();
    let of_first = ended.iter().filter(|(generation, ..)| *generation == 1);
    assert_eq!(of_first.count(), 120, "each once");
}
