//! What it costs to bring requests from the journal into the database: CPU of
//! every thread, by request.
//!
//! `cargo bench -p portcullis-store --bench carry [-- REQUESTS [BATCH]]`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use domain::ids::TicketId;
use domain::record::{Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use domain::usage::{Usage, UsageSource};
use journal::{Carrier, Config, Journal};
use store::Store;

const KEYS: u64 = 100;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let requests = numbers.first().copied().unwrap_or(1_000_000);
    let batch = numbers.get(1).copied().unwrap_or(4096);
    let batch = usize::try_from(batch).unwrap_or(usize::MAX);
    let folder = std::env::temp_dir().join(format!("portcullis-carry-{}", std::process::id()));
    write(&folder.join("journal"), requests);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(carry(&folder, requests, batch));
    std::fs::remove_dir_all(&folder).expect("removed");
}

fn write(folder: &Path, requests: u64) {
    let journal = Journal::open(folder, Config::default(), 1).expect("opens");
    let writer = journal.writer(0).expect("a writer");
    for sequence in 1..=requests {
        let [opened, settled] = records(sequence);
        writer.stage(&opened).expect("staged");
        writer.stage(&settled).expect("staged");
        if sequence % 64 == 0 {
            writer.flush().expect("written");
        }
    }
}

async fn carry(folder: &Path, requests: u64, batch: usize) {
    let begin = Instant::now();
    let journal = Journal::open(&folder.join("journal"), Config::default(), 2).expect("opens");
    eprintln!("journal open after {:?}", begin.elapsed());
    let store = Store::open(&folder.join("portcullis.db"))
        .await
        .expect("opens");
    let marks = store.marks().await.expect("marks");
    let begin = Instant::now();
    let mut carrier = Carrier::new(&journal, marks);
    eprintln!("carrier made after {:?}", begin.elapsed());
    let before = threads();
    let mut reading = std::time::Duration::ZERO;
    let mut longest = std::time::Duration::ZERO;
    loop {
        let begin = Instant::now();
        let Some(batch) = carrier.next(batch).expect("readable") else {
            break;
        };
        reading += begin.elapsed();
        longest = longest.max(begin.elapsed());
        store.carry(&batch).await.expect("carried");
        carrier.done(&batch);
    }
    let wall = begin.elapsed();
    let mut total = 0.0;
    for (thread, after) in threads() {
        let spent = after - before.get(&thread).copied().unwrap_or(0.0);
        total += spent;
        eprintln!(
            "{:>8.3} µs a request: {}",
            spent / requests as f64,
            thread.1
        );
    }
    eprintln!(
        "{:>8.3} µs a request in all; {:.3} of them reading (longest {longest:?}); wall {:.3}; {} bytes a row",
        total / requests as f64,
        reading.as_secs_f64() * 1e6 / requests as f64,
        wall.as_secs_f64() * 1e6 / requests as f64,
        bytes(&folder.join("portcullis.db")) / requests,
    );
    store.close().await;
}

fn bytes(file: &Path) -> u64 {
    let wal = PathBuf::from(format!("{}-wal", file.display()));
    let length = |file: &Path| std::fs::metadata(file).map_or(0, |m| m.len());
    length(file).max(length(&wal))
}

/// Microseconds on a CPU, by thread.
fn threads() -> BTreeMap<(u64, String), f64> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/task").expect("Linux") {
        let path = entry.expect("an entry").path();
        let read = |name| std::fs::read_to_string(path.join(name)).unwrap_or_default();
        let id = path
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok());
        let spent: Option<f64> = read("schedstat")
            .split_whitespace()
            .next()
            .and_then(|nanos| nanos.parse().ok());
        if let (Some(id), Some(spent)) = (id, spent) {
            all.insert((id, read("comm").trim().to_owned()), spent / 1000.0);
        }
    }
    all
}

fn records(sequence: u64) -> [Record; 2] {
    let opened = Opened {
        ticket: TicketId {
            generation: 0x0123_4567_89ab_cdef,
            core: 1,
            sequence,
        },
        at: UnixMicros(1_790_000_000_000_000 + 317 * sequence.cast_signed()),
        tenant: "default".into(),
        key: format!("key_0123456789{:04x}", sequence * 7919 % KEYS).into(),
        operation: "chat".into(),
        model: "gpt-4o-mini".into(),
        reserved_tokens: 1234,
        asked: None,
        who: None,
        from: None,
    };
    let settled = Settled {
        outcome: Outcome::Complete,
        status: 200,
        duration_us: 812_345 + sequence % 9973,
        first_content_us: Some(212_345),
        streamed: true,
        provider: Some("openai".into()),
        deployment: Some("openai/gpt-4o-mini".into()),
        answered_model: Some("gpt-4o-mini-2024-07-18".into()),
        attempts: 1,
        usage: Usage {
            input: 812,
            output: sequence % 1024,
            ..Usage::default()
        },
        usage_source: UsageSource::Provider,
        cost: Some(domain::money::NanoUsd(
            123_456 + sequence.cast_signed() % 777,
        )),
        ..journal::lost(&opened)
    };
    [Record::Opened(opened), Record::Settled(Box::new(settled))]
}
