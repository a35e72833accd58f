//! Limits, asked from several threads and at chosen times.

use std::time::Duration;

use domain::calendar::{Period, Unit};
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

fn in_period(start: i64, cost: u64) -> Ask {
    let period = Period {
        start: UnixMicros(start),
        end: UnixMicros(start + 100),
    };
    Ask {
        window: Span::Period {
            unit: Unit::Month,
            period,
        },
        ..ask(Measure::Cost, 10, cost)
    }
}

fn used(cost: u64) -> Used {
    Used { tokens: 0, cost }
}

#[test]
fn a_period_begins_empty_and_what_settles_late_is_of_its_own() {
    let counters = MemoryCounters::default();
    let mut late = take(&counters, &[in_period(0, 8)], 50).expect("room");
    let full = take(&counters, &[in_period(0, 3)], 60).err().expect("none");
    assert!(full.is_pending, "the first may use less");
    assert_eq!(full.retry_after, Some(Duration::from_micros(40)));
    let next = take(&counters, &[in_period(100, 10)], 100).expect("it begins empty");
    assert_eq!(next.room()[0].remaining, 0);
    late.settle(used(2), at(101));
    assert!(take(&counters, &[in_period(100, 1)], 102).is_err());
}

#[test]
fn what_was_reserved_and_never_settled_comes_back() {
    let counters = MemoryCounters::default();
    drop(take(&counters, &[in_period(0, 10)], 1).expect("room"));
    let mut settled = take(&counters, &[in_period(0, 10)], 2).expect("it came back");
    settled.settle(used(7), at(3));
    drop(settled);
    let full = take(&counters, &[in_period(0, 4)], 4).err().expect("spent");
    assert!(!full.is_pending, "nobody will give it back");
    assert!(
        take(&counters, &[in_period(0, 0)], 5).is_ok(),
        "nothing costs nothing"
    );
}

#[test]
fn more_is_reserved_of_all_limits_or_of_none() {
    let counters = MemoryCounters::default();
    let other = Ask {
        subject: "key_b".into(),
        capacity: 12,
        ..in_period(0, 5)
    };
    let mut taken = take(&counters, &[in_period(0, 5), other.clone()], 1).expect("room");
    assert!(!taken.extend(used(6), at(2)), "the first has five left");
    assert!(taken.extend(used(5), at(3)));
    taken.settle(used(6), at(4));
    let left = take(&counters, &[in_period(0, 4), Ask { cost: 6, ..other }], 5);
    assert!(left.is_ok(), "both were corrected to six");
}

/// Puts requests of these tenants and priorities in line behind one that runs,
/// and lets one after the other end: in which order they were served.
async fn served(line: &[(&str, u8)]) -> Vec<usize> {
    let counters = MemoryCounters::default();
    let one = [ask(Measure::Parallel, 1, 1)];
    let mut running = take(&counters, &one, 0).expect("room");
    let mut waiting: Vec<_> = line
        .iter()
        .map(|(tenant, priority)| {
            let rank = Rank {
                priority: *priority,
                tenant: (*tenant).into(),
                is_patient: false,
            };
            Some(counters.queue(one.to_vec(), rank, at(1)))
        })
        .collect();
    let mut order = Vec::new();
    while order.len() < line.len() {
        drop(running);
        let next = std::future::poll_fn(|cx| {
            for (number, place) in waiting.iter_mut().enumerate() {
                if let Some(future) = place
                    && let std::task::Poll::Ready(granted) = future.as_mut().poll(cx)
                {
                    *place = None;
                    return std::task::Poll::Ready((number, granted));
                }
            }
            std::task::Poll::Pending
        });
        let (number, granted) = next.await;
        order.push(number);
        running = granted.expect("room");
    }
    order
}

#[tokio::test]
async fn the_highest_priority_comes_first_then_tenants_in_turn_then_who_came_first() {
    let line = [("a", 5), ("a", 5), ("a", 5), ("b", 5), ("c", 9), ("b", 5)];
    assert_eq!(served(&line).await, [4, 0, 3, 1, 5, 2]);
}

#[tokio::test]
async fn who_leaves_the_line_holds_nobody_up() {
    let counters = MemoryCounters::default();
    let one = [ask(Measure::Parallel, 1, 1)];
    let running = take(&counters, &one, 0).expect("room");
    let rank = || Rank {
        priority: 5,
        tenant: "a".into(),
        is_patient: false,
    };
    let left = counters.queue(one.to_vec(), rank(), at(1));
    let stays = counters.queue(one.to_vec(), rank(), at(1));
    drop(left);
    drop(running);
    assert!(stays.await.is_ok());
}

#[tokio::test]
async fn who_needs_much_is_not_passed_by_who_needs_little() {
    let counters = MemoryCounters::default();
    let rank = || Rank {
        priority: 5,
        tenant: "a".into(),
        is_patient: false,
    };
    let first = take(&counters, &[in_period(0, 5)], 1).expect("room");
    let second = take(&counters, &[in_period(0, 5)], 1).expect("room");
    let much = counters.queue(vec![in_period(0, 10)], rank(), at(1));
    let little = counters.queue(vec![in_period(0, 2)], rank(), at(1));
    drop(first);
    let mut little = Box::pin(little);
    let is_served =
        std::future::poll_fn(|cx| std::task::Poll::Ready(little.as_mut().poll(cx).is_ready()));
    assert!(!is_served.await, "though there would be room for it");
    drop(second);
    drop(much.await.expect("all of it"));
    assert!(little.await.is_ok());
}
