//! What a record costs the event loop: staging, and a write of two.
//!
//! `cargo bench -p portcullis-journal`

use std::time::Instant;

use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Asked, Opened, Outcome, Record, Settled};
use domain::time::UnixMicros;
use domain::usage::{Usage, UsageSource};
use journal::{Config, Journal};

const REQUESTS: u64 = 500_000;

fn records(sequence: u64) -> [Record; 2] {
    let opened = Opened {
        ticket: TicketId {
            generation: 0x0123_4567_89ab_cdef,
            core: 1,
            sequence,
        },
        at: UnixMicros(1_790_000_000_000_000),
        tenant: "default".into(),
        key: "key_0123456789abcdef".into(),
        operation: "chat".into(),
        model: "gpt-4o-mini".into(),
        reserved_tokens: 1234,
        who: None,
        asked: Some(Asked {
            streamed: true,
            provider: "openai".into(),
            deployment: "openai/gpt-4o-mini".into(),
            attempts: 1,
            prompt: 812,
            usage_source: UsageSource::Estimated,
            cost: Some(NanoUsd(121_800)),
            passed: None,
        }),
        from: None,
    };
    let settled = Settled {
        outcome: Outcome::Complete,
        status: 200,
        duration_us: 812_345,
        first_content_us: Some(212_345),
        streamed: true,
        provider: Some("openai".into()),
        deployment: Some("openai/gpt-4o-mini".into()),
        answered_model: Some("gpt-4o-mini-2024-07-18".into()),
        attempts: 1,
        usage: Usage {
            input: 812,
            output: 345,
            ..Usage::default()
        },
        usage_source: UsageSource::Provider,
        ..journal::lost(&opened)
    };
    [Record::Opened(opened), Record::Settled(Box::new(settled))]
}

fn main() {
    let folder = std::env::temp_dir().join(format!("portcullis-write-{}", std::process::id()));
    for flush_every in [1, 2, 16, 256] {
        let journal = Journal::open(&folder, Config::default(), 1).expect("opens");
        let writer = journal.writer(1).expect("a writer");
        let pair = records(77);
        let (mut staging, mut flushing, mut worst) = (0.0, 0.0, 0.0_f64);
        for chunk in 0..REQUESTS * 2 / flush_every {
            let begin = Instant::now();
            for at in 0..flush_every {
                let which = (chunk * flush_every + at) % 2;
                writer.stage(&pair[which as usize]).expect("staged");
            }
            let between = Instant::now();
            writer.flush().expect("written");
            let flush = between.elapsed().as_secs_f64();
            staging += (between - begin).as_secs_f64();
            flushing += flush;
            worst = worst.max(flush);
        }
        let each = 1e6 / (REQUESTS * 2) as f64;
        eprintln!(
            "{flush_every:>4} records a write: {:.3} µs to stage one, {:.3} µs to write it, slowest write {:.0} µs",
            staging * each,
            flushing * each,
            worst * 1e6,
        );
        drop((writer, journal));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
