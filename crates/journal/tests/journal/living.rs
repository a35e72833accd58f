//! Two processes in one folder: one that ends its requests, and the next one,
//! which carries the records of both.

use std::collections::HashMap;

use crate::support::{Folder, opened, settled, small, ticket};
use domain::record::Record;
use journal::{Batch, Carrier, Journal, JournalError};

fn carried(carrier: &mut Carrier) -> Batch {
    let mut all = Batch::default();
    while let Some(batch) = carrier.next(7).expect("readable") {
        carrier.done(&batch);
        all.records.extend(batch.records);
        all.alive = all.alive.or(batch.alive);
    }
    all
}

#[test]
fn the_records_of_a_process_that_still_writes_are_carried_once() {
    let folder = Folder::new();
    let elder = folder.open(1);
    let writer = elder.writer(0).expect("a writer");
    writer.append(&[opened(ticket(1, 0, 1))]).expect("written");
    let refused = Journal::open(folder.path(), small(), 2);
    assert!(matches!(refused, Err(JournalError::InUse(_))));
    let lock = elder.lock().expect("a descriptor");
    let heir = Journal::open_locked(folder.path(), small(), 2, lock).expect("opens");
    let own = heir.writer(0).expect("a writer");
    own.append(&[opened(ticket(2, 0, 1))]).expect("written");
    let mut carrier = Carrier::new(&heir, HashMap::new());
    let first = carried(&mut carrier);
    assert_eq!(
        first.records,
        [opened(ticket(1, 0, 1)), opened(ticket(2, 0, 1))]
    );
    assert_eq!(first.alive, None, "the elder may still end what it opened");
    let mut expected = Vec::new();
    // More than a segment holds.
    for sequence in 2..100 {
        let records = [
            opened(ticket(1, 0, sequence)),
            settled(ticket(1, 0, sequence)),
        ];
        writer.append(&records).expect("written");
        expected.extend(records);
        if sequence % 10 == 0 {
            let next = carried(&mut carrier).records;
            assert_eq!(next, expected, "up to {sequence}");
            expected.clear();
        }
    }
    writer.append(&[settled(ticket(1, 0, 1))]).expect("written");
    expected.push(settled(ticket(1, 0, 1)));
    drop((writer, elder));
    let last = carried(&mut carrier);
    assert_eq!(last.records, expected);
    assert_eq!(last.alive, Some(2), "nobody else lives");
    assert!(
        folder
            .files(".journal")
            .iter()
            .all(|path| path.to_string_lossy().contains("0002-"))
    );
    assert_eq!(folder.files(".alive").len(), 1);
}

#[test]
fn a_process_that_is_killed_while_it_ends_leaves_what_any_other_would() {
    let folder = Folder::new();
    let elder = folder.open(1);
    let writer = elder.writer(0).expect("a writer");
    writer.append(&[opened(ticket(1, 0, 1))]).expect("written");
    let lock = elder.lock().expect("a descriptor");
    let heir = Journal::open_locked(folder.path(), small(), 2, lock).expect("opens");
    let mut carrier = Carrier::new(&heir, HashMap::new());
    assert_eq!(carried(&mut carrier).alive, None);
    let kept: Vec<_> = folder
        .files(".journal")
        .into_iter()
        .map(|path| (std::fs::read(&path), path))
        .collect();
    drop((writer, elder));
    for (bytes, path) in kept {
        std::fs::write(path, bytes.expect("read")).expect("written");
    }
    let last = carried(&mut carrier);
    assert_eq!((last.records, last.alive), (Vec::<Record>::new(), Some(2)));
    drop((carrier, heir));
    assert!(Journal::open(folder.path(), small(), 3).is_ok());
}

/// An elder that has ended one of its two requests, and whose heir has carried
/// what both opened.
fn handed_over(folder: &Folder) -> (Journal, journal::Writer, Journal, Carrier) {
    let elder = folder.open(1);
    let writer = elder.writer(0).expect("a writer");
    let both = [opened(ticket(1, 0, 1)), opened(ticket(1, 0, 2))];
    writer.append(&both).expect("written");
    let lock = elder.lock().expect("a descriptor");
    let heir = Journal::open_locked(folder.path(), small(), 2, lock).expect("opens");
    let mut carrier = Carrier::new(&heir, HashMap::new());
    assert_eq!(carried(&mut carrier).records, both);
    writer.append(&[settled(ticket(1, 0, 1))]).expect("written");
    (elder, writer, heir, carrier)
}

#[test]
fn who_ends_while_the_folder_cannot_be_read_has_not_ended_before_it_can() {
    let folder = Folder::new();
    let (elder, writer, _heir, mut carrier) = handed_over(&folder);
    drop((writer, elder));
    let away = folder.path().with_extension("away");
    std::fs::rename(folder.path(), &away).expect("moved");
    for _ in 0..3 {
        assert!(carrier.next(7).is_err(), "nobody knows what is there");
    }
    std::fs::rename(&away, folder.path()).expect("moved back");
    let last = carried(&mut carrier);
    assert_eq!(last.records, [settled(ticket(1, 0, 1))]);
    assert_eq!(last.alive, Some(2));
}

#[test]
fn who_ends_while_a_segment_cannot_be_looked_at_has_not_ended_before_it_can() {
    let folder = Folder::new();
    let (elder, writer, _heir, mut carrier) = handed_over(&folder);
    drop((writer, elder));
    // A link to itself: the system says no.
    let name = "0000000000000001-0003-00000009.journal";
    let unreadable = folder.path().join(name);
    std::os::unix::fs::symlink(name, &unreadable).expect("a link");
    for _ in 0..3 {
        assert!(carrier.next(7).is_err(), "nobody knows what is there");
    }
    std::fs::remove_file(&unreadable).expect("removed");
    let last = carried(&mut carrier);
    assert_eq!(last.records, [settled(ticket(1, 0, 1))]);
    assert_eq!(last.alive, Some(2));
}

#[test]
fn what_stands_behind_a_segment_that_cannot_be_looked_at_waits_for_it() {
    let folder = Folder::new();
    let (_elder, writer, _heir, mut carrier) = handed_over(&folder);
    let first = folder.segment();
    // More than the first segment holds.
    let rest: Vec<Record> = (3..200).map(|at| opened(ticket(1, 0, at))).collect();
    for records in rest.chunks(10) {
        writer.append(records).expect("written");
    }
    let away = first.with_extension("away");
    std::fs::rename(&first, &away).expect("moved");
    std::os::unix::fs::symlink(&first, &first).expect("a link to itself");
    assert!(carrier.next(1_000).is_err(), "its records come first");
    std::fs::rename(&away, &first).expect("moved back");
    let expected = [&[settled(ticket(1, 0, 1))], &rest[..]].concat();
    assert_eq!(carried(&mut carrier).records, expected);
}
