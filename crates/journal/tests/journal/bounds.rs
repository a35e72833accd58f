//! Slots, the bound of the folder, and a disk that takes no more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::support::{Folder, opened, settled, small, ticket};
use journal::{Carrier, Config, Journal, JournalError};

#[test]
fn slots_bound_what_is_in_flight_and_come_back() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let slots: Vec<_> = (0..20)
        .map(|_| journal.reserve().expect("a slot"))
        .collect();
    assert!(journal.reserve().is_none());
    assert!(!journal.is_writable());
    assert_eq!(journal.in_flight(), 20);
    drop(slots);
    assert_eq!(journal.in_flight(), 0);
    assert!(journal.reserve().is_some());
}

#[test]
fn a_full_folder_turns_newcomers_away_until_it_is_carried() {
    let folder = Folder::new();
    let config = Config {
        max_bytes: 64 << 10,
        ..small()
    };
    let journal = Journal::open(folder.path(), config, 1).expect("opens");
    let writer = journal.writer(0).expect("a writer");
    let mut sequence = 0;
    while let Some(_slot) = journal.reserve() {
        sequence += 1;
        let ticket = ticket(1, 0, sequence);
        writer
            .append(&[opened(ticket), settled(ticket)])
            .expect("written");
        assert!(sequence < 10_000, "never full");
    }
    assert!(!journal.is_writable());
    assert!(journal.bytes_on_disk() <= config.max_bytes);
    writer
        .append(&[settled(ticket(1, 0, 1))])
        .expect("who is admitted may write");
    let mut carrier = Carrier::new(&journal, HashMap::new());
    while let Some(batch) = carrier.next(100).expect("readable") {
        carrier.done(&batch);
    }
    assert!(journal.is_writable());
    assert!(journal.reserve().is_some());
    assert_eq!(journal.lag_records(), 0);
}

#[test]
fn the_bound_holds_although_every_slot_is_used_to_the_full() {
    let folder = Folder::new();
    let config = Config {
        max_bytes: 64 << 10,
        ..small()
    };
    let journal = Journal::open(folder.path(), config, 1).expect("opens");
    let writers = [0, 1].map(|core| journal.writer(core).expect("a writer"));
    let mut sequence = 0;
    loop {
        let slots: Vec<_> = std::iter::from_fn(|| journal.reserve()).collect();
        if slots.is_empty() {
            break;
        }
        for (at, _slot) in slots.iter().enumerate() {
            sequence += 1;
            let ticket = ticket(1, (at % 2) as u16, sequence);
            writers[at % 2].append(&[opened(ticket)]).expect("written");
            writers[at % 2].append(&[settled(ticket)]).expect("written");
            assert!(journal.bytes_on_disk() <= config.max_bytes);
        }
    }
    assert!(sequence > 20);
}

#[test]
fn a_record_larger_than_a_segment_gets_a_segment_of_its_own() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let writer = journal.writer(0).expect("a writer");
    let long: domain::ids::ModelName = "m".repeat(700_000).into();
    let domain::record::Record::Opened(mut large) = opened(ticket(1, 0, 2)) else {
        panic!()
    };
    large.model = long;
    let large = domain::record::Record::Opened(large);
    let records = [opened(ticket(1, 0, 1)), large, opened(ticket(1, 0, 3))];
    for record in &records {
        writer
            .append(std::slice::from_ref(record))
            .expect("written");
    }
    let mut carrier = Carrier::new(&journal, HashMap::new());
    let batch = carrier.next(10).expect("readable").expect("a batch");
    assert_eq!(batch.records, records);
}

#[test]
fn a_folder_that_takes_no_segment_turns_newcomers_away_until_it_does() {
    let folder = Folder::new();
    let inside = folder.path().join("journal");
    let away = folder.path().join("away");
    let journal = Journal::open(&inside, small(), 1).expect("opens");
    let writer = journal.writer(0).expect("a writer");
    std::fs::rename(&inside, &away).expect("renamed");
    let mut kept = 0;
    let refused = loop {
        match writer.append(&[settled(ticket(1, 0, kept + 1))]) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, JournalError::Io { what: "create", .. }),
        "{refused}"
    );
    assert!(journal.reserve().is_none());
    std::fs::rename(&away, &inside).expect("renamed back");
    // Nobody writes: asking for a slot asks the disk, a few times a second.
    let give_up = Instant::now() + Duration::from_secs(10);
    while journal.reserve().is_none() {
        assert!(Instant::now() < give_up, "the disk is well again");
        std::thread::yield_now();
    }
    assert!(writer.is_in_debt());
    writer.flush().expect("what is owed is written");
    assert_eq!(journal.lag_records(), kept + 1);
}

#[test]
fn a_core_has_one_writer() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let writer = journal.writer(0).expect("a writer");
    assert!(matches!(journal.writer(0), Err(JournalError::CoreTaken(0))));
    drop(writer);
    journal.writer(0).expect("free again");
}

#[test]
fn a_journal_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Journal>();
    is_shared::<journal::Slot>();
    is_shared::<Carrier>();
}

#[test]
fn nobody_is_let_in_while_the_files_are_not_where_a_start_would_look() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let writer = journal.writer(0).expect("a writer");
    let first = ticket(1, 0, 1);
    writer
        .append(&[opened(first), settled(first)])
        .expect("written");
    journal.look();
    assert!(journal.is_writable() && !journal.is_away());
    let aside = folder.path().with_extension("aside");
    std::fs::rename(folder.path(), &aside).expect("moves");
    journal.look();
    // Who was let in before may still write: it is found if the files return.
    let second = ticket(1, 0, 2);
    writer
        .append(&[opened(second), settled(second)])
        .expect("written");
    assert!(journal.reserve().is_none() && !journal.is_writable());
    std::fs::rename(&aside, folder.path()).expect("moves back");
    journal.look();
    assert!(journal.reserve().is_some());
    let mut carrier = Carrier::new(&journal, HashMap::new());
    let batch = carrier.next(10).expect("readable").expect("a batch");
    assert_eq!(batch.records.len(), 4);
}
