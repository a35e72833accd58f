//! How many records a second are appended, and verified.
//!
//! `cargo bench -p portcullis-audit`, or with `-- 4000000` for another count.

use std::io::Write as _;
use std::time::Instant;

use audit::{Durability, KeyFile, Log, Signer as _, Work, verify};
use domain::time::UnixMicros;

/// What a carrier hands over at once.
const BATCH: usize = 4096;
const BYTES: usize = 500;

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok());
    let records: usize = count.unwrap_or(2_000_000);
    let folder = std::env::temp_dir().join(format!("portcullis-audit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let key = KeyFile::open_or_make(&folder.join("key"), "bench.example").expect("a key");
    let path = folder.join("log");
    let mut log = Log::open(&path, "bench.example", Durability::System).expect("a log");

    let mut batch = vec![vec![b'x'; BYTES]; BATCH];
    let begun = Instant::now();
    for first in (0..records).step_by(BATCH) {
        for (place, entry) in batch.iter_mut().enumerate() {
            entry[..8].copy_from_slice(&(first + place).to_be_bytes());
        }
        let marks = first.to_be_bytes();
        log.append(&batch, Some(&marks)).expect("appended");
        log.seal(&key, UnixMicros(0)).expect("sealed");
    }
    let size = log.size();
    say("appended and sealed", size, begun);

    for threads in [1, 2] {
        let begun = Instant::now();
        let work = Work {
            key: key.verifier(),
            anchor: None,
            threads,
        };
        let report = verify(&path, work).expect("verified");
        assert!(report.is_sound() && report.records == size, "{report:?}");
        say(&format!("verified on {threads}"), size, begun);
    }
    std::fs::remove_dir_all(&folder).expect("cleared away");
}

fn say(what: &str, records: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    let a_second = records as f64 / seconds;
    let text = format!("{what}: {records} records, {a_second:.0} a second\n");
    std::io::stdout().write_all(text.as_bytes()).expect("said");
}
