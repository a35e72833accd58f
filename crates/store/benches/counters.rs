//! What a request's limits cost: three asks of one subject, settled and given
//! back.
//!
//! `cargo bench -p portcullis-store --bench counters`

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::counters::{Answer, Ask, Counters, Measure, Span, Used};
use domain::time::{Now, Ticks, UnixMicros};
use store::memory::MemoryCounters;

const REQUESTS: u64 = 2_000_000;

fn main() {
    for keys in [1, 100] {
        let counters = MemoryCounters::default();
        let subjects: Vec<Arc<str>> = (0..keys)
            .map(|key| format!("key_0123456789{key:04x}").into())
            .collect();
        let (mut taking, mut settling) = (Duration::ZERO, Duration::ZERO);
        let mut room = 0;
        for chunk in 0..REQUESTS / 64 {
            let asks: Vec<[Ask; 3]> = (0..64)
                .map(|at| asks(&subjects[(chunk as usize * 64 + at) % subjects.len()]))
                .collect();
            // A request every 20 µs: windows have all their sub-windows.
            let now = |at: u64| Now {
                ticks: Ticks((chunk * 64 + at) * 20),
                unix: UnixMicros(0),
            };
            let begin = Instant::now();
            let mut taken: Vec<_> = (0..)
                .zip(&asks)
                .map(|(at, asks)| match counters.take(asks, now(at)) {
                    Answer::Now(Ok(taken)) => taken,
                    _ => unreachable!("there is room"),
                })
                .collect();
            taking += begin.elapsed();
            room += taken[0].room()[0].remaining;
            let begin = Instant::now();
            for taken in &mut taken {
                let used = Used {
                    tokens: 17,
                    cost: 0,
                };
                taken.settle(used, now(64));
            }
            drop(taken);
            settling += begin.elapsed();
        }
        let each = |spent: Duration| spent.as_secs_f64() * 1e9 / REQUESTS as f64;
        eprintln!(
            "{keys:>4} keys: {:.0} ns to take, {:.0} ns to settle and give back ({room})",
            each(taking),
            each(settling)
        );
    }
}

fn asks(subject: &Arc<str>) -> [Ask; 3] {
    let ask = |measure, capacity, cost| Ask {
        subject: Arc::clone(subject),
        measure,
        capacity,
        window: Span::Rolling(Duration::from_secs(60)),
        cost,
    };
    [
        ask(Measure::Parallel, 1_000_000, 1),
        ask(Measure::Requests, 1_000_000_000, 1),
        ask(Measure::Tokens, 1_000_000_000_000, 900),
    ]
}
