//! A model of what limits allow: every take that counts, summed up by hand.

use std::sync::Arc;
use std::time::Duration;

use domain::counters::{Answer, Ask, Counters, Measure, Span, Taken, Used};
use domain::time::{Now, Ticks, UnixMicros};
use store::memory::MemoryCounters;

use super::Dice;

const WINDOW: Duration = Duration::from_secs(60);
const PARALLEL: u64 = 5;
const REQUESTS: u64 = 12;
const TOKENS: u64 = 1_000;

/// Limits of one key over one life of the process.
pub(crate) struct Limits {
    counters: MemoryCounters,
    subject: Arc<str>,
    now: u64,
    takes: Vec<Take>,
}

struct Take {
    at: u64,
    tokens: u64,
    is_running: bool,
}

/// Room that a request holds.
pub(crate) struct Hold {
    taken: Box<dyn Taken>,
    number: usize,
    reserved: u64,
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            counters: MemoryCounters::default(),
            subject: "key_a".into(),
            now: 0,
            takes: Vec::new(),
        }
    }

    pub(crate) fn wait(&mut self, dice: &mut Dice) {
        self.now += dice.below(20_000_000);
    }

    pub(crate) fn take(&mut self, dice: &mut Dice) -> Option<Hold> {
        let reserved = 1 + dice.below(400);
        let ask = |measure, capacity, cost| Ask {
            subject: Arc::clone(&self.subject),
            measure,
            capacity,
            window: Span::Rolling(WINDOW),
            cost,
        };
        let asks = [
            ask(Measure::Parallel, PARALLEL, 1),
            ask(Measure::Requests, REQUESTS, 1),
            ask(Measure::Tokens, TOKENS, reserved),
        ];
        let Answer::Now(taken) = self.counters.take(&asks, self.moment()) else {
            unreachable!("memory never waits")
        };
        let taken = taken.ok()?;
        self.takes.push(Take {
            at: self.now,
            tokens: reserved,
            is_running: true,
        });
        self.check();
        Some(Hold {
            taken,
            number: self.takes.len() - 1,
            reserved,
        })
    }

    /// Ends a request; says how many tokens it used.
    pub(crate) fn settle(&mut self, mut hold: Hold, dice: &mut Dice) -> u64 {
        let used = dice.below(hold.reserved + 1);
        let booked = Used {
            tokens: used,
            cost: 0,
        };
        hold.taken.settle(booked, self.moment());
        self.takes[hold.number].tokens = used;
        self.takes[hold.number].is_running = false;
        used
    }

    fn moment(&self) -> Now {
        Now {
            ticks: Ticks(self.now),
            unix: UnixMicros(self.now.cast_signed()),
        }
    }

    fn check(&self) {
        let running = self.takes.iter().filter(|take| take.is_running).count();
        assert!(running as u64 <= PARALLEL, "{running} at a time");
        let window = WINDOW.as_micros() as u64;
        let counts = || self.takes.iter().filter(|t| self.now - t.at < window);
        let requests = counts().count() as u64;
        assert!(requests <= REQUESTS, "{requests} requests in a window");
        let tokens: u64 = counts().map(|take| take.tokens).sum();
        assert!(tokens <= TOKENS, "{tokens} tokens in a window");
    }
}
