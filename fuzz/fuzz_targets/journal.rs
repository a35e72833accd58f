//! Whatever stands in a segment: the carrier reads it to its end, gives out
//! only what has a good checksum, and deletes the file when it is carried.
//!
//! The input is a list of pieces, so that good blocks and rubbish mix: the
//! first byte of a piece says what it is, the second how long.

#![no_main]

use std::collections::HashMap;
use std::path::PathBuf;

use domain::ids::TicketId;
use domain::record::{Opened, Record};
use domain::time::UnixMicros;
use journal::{Carrier, Config, Journal};
use libfuzzer_sys::fuzz_target;

const SYNC: [u8; 4] = [0xFF, b'P', b'J', 0xFE];
const HEADER: usize = 13;

fuzz_target!(|input: &[u8]| {
    let bytes = segment(input);
    let folder = folder();
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("0000000000000001-0000-00000001.journal");
    std::fs::write(&file, &bytes).expect("written");
    let journal = Journal::open(&folder, Config::default(), 2).expect("opens");
    let mut carrier = Carrier::new(&journal, HashMap::new());
    let mut records = 0;
    for _ in 0..=bytes.len() {
        let Some(batch) = carrier.next(3).expect("readable") else {
            break;
        };
        records += batch.records.len();
        carrier.done(&batch);
    }
    assert!(carrier.next(3).expect("readable").is_none(), "an end");
    assert!(records <= good(&bytes), "a record that nobody wrote");
    assert!(!file.exists(), "carried and still there");
    assert_eq!(journal.lag_records(), 0);
    for damage in journal.damage() {
        let kept = std::fs::read(&damage.kept).expect("kept");
        assert_eq!(kept, bytes[damage.from as usize..damage.to as usize]);
    }
});

fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let base = match memory.is_dir() {
        true => memory,
        false => std::env::temp_dir(),
    };
    base.join(format!("portcullis-fuzz-{}", std::process::id()))
}

fn segment(mut input: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [kind, length, rest @ ..] = input {
        let (piece, after) = rest.split_at(usize::from(*length).min(rest.len()));
        input = after;
        match kind % 5 {
            0 => bytes.extend_from_slice(piece),
            1 => bytes.extend(block(&payload(piece))),
            // A good checksum over what is no record, or one of another kind.
            2 => bytes.extend(block(piece)),
            3 => {
                let block = block(&payload(piece));
                bytes.extend_from_slice(&block[..block.len() * usize::from(*kind) / 256]);
            }
            _ => bytes.resize(bytes.len() + usize::from(*length), 0),
        }
    }
    bytes
}

fn payload(piece: &[u8]) -> Vec<u8> {
    let record = Record::Opened(Opened {
        ticket: TicketId {
            generation: 1,
            core: 0,
            sequence: piece.len() as u64,
        },
        at: UnixMicros(3),
        tenant: "t".into(),
        key: "k".into(),
        operation: "chat".into(),
        model: String::from_utf8_lossy(piece).as_ref().into(),
        reserved_tokens: 300,
        asked: None,
        who: None,
        from: None,
    });
    postcard::to_allocvec(&record).expect("encodes")
}

fn block(payload: &[u8]) -> Vec<u8> {
    let mut block = SYNC.to_vec();
    block.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    block.extend_from_slice(&[0; 4]);
    block.push(1);
    block.extend_from_slice(payload);
    let sum = checksum(&block);
    block[8..12].copy_from_slice(&sum.to_le_bytes());
    block
}

fn checksum(block: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&block[4..8]);
    hasher.update(&block[12..]);
    hasher.finalize()
}

/// Places where a block with a good checksum begins.
fn good(bytes: &[u8]) -> usize {
    let is_good = |at: &usize| {
        let bytes = &bytes[*at..];
        bytes.len() >= HEADER && bytes.starts_with(&SYNC) && {
            let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
            let sum = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
            let block = bytes.get(..HEADER + length);
            block.is_some_and(|block| checksum(block) == sum)
        }
    };
    (0..bytes.len()).filter(is_good).count()
}
