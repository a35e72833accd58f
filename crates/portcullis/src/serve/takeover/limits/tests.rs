//! What is asked of another process, and given back to it.

use domain::counters::{Measure, Span};
use domain::time::{Ticks, UnixMicros};

use super::*;

fn now() -> Now {
    Now {
        ticks: Ticks(0),
        unix: UnixMicros(0),
    }
}

fn one() -> [Ask; 1] {
    [Ask {
        subject: "key:a".into(),
        measure: Measure::Parallel,
        capacity: 1,
        window: Span::Rolling(Duration::ZERO),
        cost: 1,
    }]
}

/// Limits that are counted elsewhere, and what is said there.
fn away() -> (Limits, Arc<Away>, Receiver<Word>) {
    let (away, words) = Away::new();
    let limits = Limits::default();
    limits.go_to(Some(Arc::clone(&away)));
    (limits, away, words)
}

fn taken(words: &Receiver<Word>) -> u64 {
    match words.try_recv() {
        Ok(Word::Take { id, .. }) => id,
        other => panic!("no question: {other:?}"),
    }
}

fn is_given_back(words: &Receiver<Word>, whose: u64) {
    let settled = words.try_recv();
    assert!(matches!(settled, Ok(Word::Settle { id, tokens: 0, cost: 0 }) if id == whose));
    assert!(matches!(words.try_recv(), Ok(Word::End { id }) if id == whose));
    assert!(words.try_recv().is_err(), "said once");
}

#[test]
fn room_that_comes_after_its_client_has_left_is_given_back() {
    let (limits, away, words) = away();
    away.serves();
    let taking = limits.take(&one(), now());
    let id = taken(&words);
    drop(taking);
    away.answered(id, Ok(Vec::new()));
    is_given_back(&words, id);
}

#[test]
fn room_that_came_but_was_not_seen_is_given_back() {
    let (limits, away, words) = away();
    away.serves();
    let taking = limits.take(&one(), now());
    let id = taken(&words);
    away.answered(id, Ok(Vec::new()));
    drop(taking);
    is_given_back(&words, id);
}

#[tokio::test(start_paused = true)]
async fn an_heir_that_starts_is_asked_once_it_serves_by_who_still_waits() {
    let (limits, away, words) = away();
    let (left, waits) = (limits.take(&one(), now()), limits.take(&one(), now()));
    drop(left);
    let answered = async {
        tokio::time::sleep(PATIENCE / 2).await;
        assert!(words.try_recv().is_err(), "it does not serve yet");
        away.serves();
        // Longer than anybody waits for a start.
        tokio::time::sleep(PATIENCE).await;
        let id = taken(&words);
        away.answered(id, Ok(Vec::new()));
        id
    };
    let (granted, id) = tokio::join!(waits.get(), answered);
    assert!(words.try_recv().is_err(), "who left asks nothing");
    drop(granted.expect("room"));
    assert!(matches!(words.try_recv(), Ok(Word::End { id: ended }) if ended == id));
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_for_an_heir_that_starts_is_counted_here() {
    let (limits, away, words) = away();
    let held = limits.take(&one(), now()).get().await;
    let held = held.expect("room");
    assert_eq!(limits.holdings()[0].running, 1);
    assert!(
        limits.take(&one(), now()).get().await.is_err(),
        "one at a time"
    );
    away.serves();
    drop(held);
    assert!(words.try_recv().is_err(), "the heir was not asked");
}
