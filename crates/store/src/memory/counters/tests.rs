//! Limits, asked from several threads and at chosen times.

use std::time::Duration;

use domain::counters::{Measure, Span, Used};
use domain::time::{Ticks, UnixMicros};

use super::*;

fn ask(measure: Measure, capacity: u64, cost: u64) -> Ask {
    Ask {
        subject: "key_a".into(),
        measure,
        capacity,
        window: Span::Rolling(Duration::from_secs(60)),
        cost,
    }
}

fn at(micros: u64) -> Now {
    Now {
        ticks: Ticks(micros),
        unix: UnixMicros(micros as i64),
    }
}

fn take(counters: &MemoryCounters, asks: &[Ask], now: u64) -> Result<Box<dyn Taken>, Full> {
    match counters.take(asks, at(now)) {
        Answer::Now(taken) => taken,
        Answer::Later(_) => unreachable!("memory never waits"),
    }
}

#[test]
fn of_a_thousand_at_once_exactly_k_are_taken() {
    let counters = Arc::new(MemoryCounters::default());
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let counters = Arc::clone(&counters);
            std::thread::spawn(move || {
                (0..100)
                    .filter(|_| take(&counters, &[ask(Measure::Requests, 137, 1)], 5).is_ok())
                    .count()
            })
        })
        .collect();
    let taken: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("no panic"))
        .sum();
    assert_eq!(taken, 137);
}

#[test]
fn a_request_takes_from_all_limits_or_from_none() {
    let counters = MemoryCounters::default();
    let both = [ask(Measure::Requests, 10, 1), ask(Measure::Tokens, 100, 90)];
    let _first = take(&counters, &both, 0).expect("room");
    let full = take(&counters, &both, 0).err().expect("no tokens left");
    assert_eq!(full.ask, 1);
    assert!(full.retry_after.is_some());
    let third = take(&counters, &[ask(Measure::Requests, 10, 1)], 0).expect("room");
    assert_eq!(third.room()[0].remaining, 8, "the refused one took nothing");
}

#[test]
fn what_is_left_counts_the_request_that_asks() {
    let counters = MemoryCounters::default();
    let taken = take(&counters, &[ask(Measure::Requests, 10, 1)], 0).expect("room");
    let room = taken.room()[0];
    assert_eq!(
        (room.remaining, room.reset),
        (9, std::time::Duration::from_secs(60))
    );
}

#[test]
fn a_parallel_slot_comes_back_however_the_request_ends() {
    let counters = MemoryCounters::default();
    let one = [ask(Measure::Parallel, 1, 1)];
    let first = take(&counters, &one, 0).expect("room");
    assert!(take(&counters, &one, 0).is_err());
    drop(first);
    assert!(take(&counters, &one, 0).is_ok());
}

#[test]
fn settling_gives_unused_tokens_back() {
    let counters = MemoryCounters::default();
    let mut taken = take(&counters, &[ask(Measure::Tokens, 100, 80)], 0).expect("room");
    taken.settle(
        Used {
            tokens: 10,
            cost: 0,
        },
        at(0),
    );
    assert!(take(&counters, &[ask(Measure::Tokens, 100, 90)], 0).is_ok());
}

#[test]
fn more_than_a_limit_can_ever_hold_is_never() {
    let counters = MemoryCounters::default();
    let full = take(&counters, &[ask(Measure::Tokens, 100, 101)], 0)
        .err()
        .expect("too much");
    assert_eq!(full.retry_after, None);
}

#[test]
fn limits_of_several_subjects_are_taken_together() {
    let counters = MemoryCounters::default();
    let of = |subject: &str, capacity| Ask {
        subject: subject.into(),
        ..ask(Measure::Requests, capacity, 1)
    };
    let both = [of("team_b", 5), of("key_a", 2), of("org_c", 9)];
    let first = take(&counters, &both, 0).expect("room");
    let left: Vec<u64> = first.room().iter().map(|room| room.remaining).collect();
    assert_eq!(left, [4, 1, 8]);
    let _second = take(&counters, &both, 0).expect("room");
    let full = take(&counters, &both, 0).err().expect("key_a is full");
    assert_eq!(full.ask, 1);
    let left: Vec<u64> = full.room.iter().map(|room| room.remaining).collect();
    assert_eq!(left, [3, 0, 7]);
}

#[test]
fn more_limits_than_usual_are_limits_too() {
    let counters = MemoryCounters::default();
    let asks: Vec<Ask> = (1..=9)
        .map(|minutes| Ask {
            window: Span::Rolling(Duration::from_secs(60 * minutes)),
            ..ask(Measure::Requests, 10 + minutes, 1)
        })
        .collect();
    let taken = take(&counters, &asks, 0).expect("room");
    let left: Vec<u64> = taken.room().iter().map(|room| room.remaining).collect();
    assert_eq!(left, (10..19).collect::<Vec<u64>>());
}
