//! What a start finds after a process that ended in the middle of something.

use std::collections::HashMap;

use crate::support::{Folder, opened, settled, small, ticket};
use domain::record::Record;
use journal::{Carrier, Journal, JournalError};

fn all(journal: &Journal) -> Vec<Record> {
    let mut carrier = Carrier::new(journal, HashMap::new());
    let mut records = Vec::new();
    while let Some(batch) = carrier.next(3).expect("readable") {
        records.extend(batch.records.iter().cloned());
        carrier.done(&batch);
    }
    records
}

/// Three records of generation 1; returns them and the segment's used bytes.
fn three(folder: &Folder) -> (Vec<Record>, Vec<u8>, Vec<usize>) {
    let records = vec![
        opened(ticket(1, 0, 1)),
        settled(ticket(1, 0, 1)),
        opened(ticket(1, 0, 2)),
    ];
    let mut ends = Vec::new();
    let journal = folder.open(1);
    let writer = journal.writer(0).expect("a writer");
    for record in &records {
        writer
            .append(std::slice::from_ref(record))
            .expect("written");
        // By the length in the header: a record may end in zeros, as the
        // preallocated rest of the file does.
        let bytes = std::fs::read(folder.segment()).expect("readable");
        let from = ends.last().copied().unwrap_or(0);
        let length = bytes[from + 4..from + 8].try_into().expect("four bytes");
        ends.push(from + 13 + u32::from_le_bytes(length) as usize);
    }
    let bytes = std::fs::read(folder.segment()).expect("readable");
    (records, bytes, ends)
}

#[test]
fn an_end_torn_at_any_byte_is_cut_and_nothing_else() {
    let source = Folder::new();
    let (records, bytes, ends) = three(&source);
    let name = source.segment().file_name().expect("a name").to_owned();
    for cut in 0..=ends[2] {
        for is_preallocated in [false, true] {
            let folder = Folder::new();
            let mut torn = bytes[..cut].to_vec();
            if is_preallocated {
                torn.resize(4096, 0);
            }
            std::fs::write(folder.path().join(&name), &torn).expect("written");
            let journal = folder.open(2);
            // Zeros that were cut off and are there again by preallocation
            // are no loss.
            let is_whole = |end: usize| match is_preallocated {
                true => end <= cut || bytes[cut..end].iter().all(|byte| *byte == 0),
                false => end <= cut,
            };
            let whole = ends.iter().filter(|end| is_whole(**end)).count();
            assert!(whole == 0 || journal.lag_records() > 0, "cut at {cut}");
            assert_eq!(all(&journal), records[..whole], "cut at {cut}");
            assert_eq!(journal.lag_records(), 0, "cut at {cut}");
            assert!(journal.damage().is_empty(), "cut at {cut}");
            assert_eq!(journal.bytes_on_disk(), 0, "carried whole, deleted");
        }
    }
}

#[test]
fn a_bad_block_in_the_middle_is_skipped_named_and_kept() {
    let folder = Folder::new();
    let (records, mut bytes, ends) = three(&folder);
    let path = folder.segment();
    for at in ends[0]..ends[1] {
        bytes[at] ^= 0x55;
        std::fs::write(&path, &bytes).expect("written");
        let journal = folder.open(2);
        assert_eq!(all(&journal), [records[0].clone(), records[2].clone()]);
        let [damage] = &journal.damage()[..] else {
            panic!("one damage at byte {at}")
        };
        assert_eq!((damage.from, damage.to), (ends[0] as u64, ends[1] as u64));
        assert_eq!(damage.after, Some(records[0].ticket()));
        assert_eq!(damage.before, Some(records[2].ticket()));
        let kept = std::fs::read(&damage.kept).expect("kept");
        assert_eq!(kept, bytes[ends[0]..ends[1]]);
        std::fs::remove_file(&damage.kept).expect("there");
        bytes[at] ^= 0x55;
    }
}

#[test]
fn what_was_written_survives_a_process_that_only_stopped() {
    let folder = Folder::new();
    let path = folder.path().to_path_buf();
    // The lock goes with the process; here it is moved away by hand, because
    // this process goes on.
    let journal = folder.open(1);
    let writer = journal.writer(3).expect("a writer");
    let mut written = Vec::new();
    for sequence in 1..200 {
        let pair = [
            opened(ticket(1, 3, sequence)),
            settled(ticket(1, 3, sequence)),
        ];
        writer.append(&pair).expect("written");
        written.extend(pair);
    }
    std::mem::forget((writer, journal));
    std::fs::remove_file(path.join("lock")).expect("there");
    let next = folder.open(2);
    assert!(folder.files(".journal").len() > 2, "several segments");
    assert_eq!(all(&next), written);
}

#[test]
fn two_processes_cannot_share_a_folder() {
    let folder = Folder::new();
    let journal = folder.open(1);
    let second = Journal::open(folder.path(), small(), 2);
    assert!(matches!(second, Err(JournalError::InUse(_))));
    drop(journal);
    folder.open(2);
}

#[test]
fn a_generation_never_comes_twice() {
    let folder = Folder::new();
    let journal = folder.open(1);
    journal
        .writer(0)
        .expect("a writer")
        .append(&[opened(ticket(1, 0, 1))])
        .expect("written");
    drop(journal);
    let again = Journal::open(folder.path(), small(), 1);
    assert!(matches!(again, Err(JournalError::GenerationTaken(1))));
}

#[test]
fn nobody_else_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let _journal = folder.open(1);
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("metadata");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(folder.path()), 0o700);
    assert_eq!(mode(&folder.path().join("lock")), 0o600);
}
