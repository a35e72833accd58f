//! Leaves a folder as a process leaves it that was killed under load with its
//! database away, and shows how soon the next one can work.
//!
//! `cargo run --release -p portcullis-journal --example uncarried -- FOLDER [RECORDS]`

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use journal::{Carrier, Config, Journal, JournalError};

fn main() -> Result<(), JournalError> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "uncarried".to_owned()));
    let records = arguments.next().and_then(|n| n.parse().ok());
    let records: u64 = records.unwrap_or(1_000_000);
    let journal = Journal::open(&folder, Config::default(), 1)?;
    let writer = journal.writer(0)?;
    for sequence in 1..=records / 2 {
        let opened = opened(sequence);
        let settled = Settled {
            outcome: Outcome::Complete,
            status: 200,
            ..journal::lost(&opened)
        };
        writer.stage(&Record::Opened(opened))?;
        writer.stage(&Record::Settled(Box::new(settled)))?;
        if sequence % 64 == 0 {
            writer.flush()?;
        }
    }
    drop((writer, journal));

    let begin = Instant::now();
    let journal = Journal::open(&folder, Config::default(), 2)?;
    let bytes = journal.bytes_on_disk();
    let _writer = journal.writer(0)?;
    let is_ready = journal.reserve().is_some();
    eprintln!(
        "{records} records, {bytes} bytes: ready to serve ({is_ready}) after {:?}, about {} to carry",
        begin.elapsed(),
        journal.lag_records(),
    );
    let begin = Instant::now();
    let mut carrier = Carrier::new(&journal, HashMap::new());
    let batch = carrier.next(4096)?;
    eprintln!(
        "the first {} records read after {:?}",
        batch.map_or(0, |batch| batch.records.len()),
        begin.elapsed()
    );
    Ok(())
}

fn opened(sequence: u64) -> Opened {
    Opened {
        ticket: TicketId {
            generation: 1,
            core: 0,
            sequence,
        },
        at: UnixMicros(1_790_000_000_000_000),
        tenant: "default".into(),
        key: "key_0123456789abcdef".into(),
        operation: "chat".into(),
        model: "gpt-4o-mini".into(),
        reserved_tokens: 1234,
        asked: None,
        who: None,
        from: None,
    }
}
