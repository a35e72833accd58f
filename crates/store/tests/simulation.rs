//! Limits, journal, carrier and marks under processes that end between any two
//! steps and tear what they were writing, that hand over to the next one and live
//! on for a while, and over a disk that says no to who reads. Requests are announced
//! again and again. Every seed is one history; the same seed is the same history.
//!
//! `SEEDS=100000 cargo test -p portcullis-store --test simulation` for longer.

#[path = "simulation/disk.rs"]
mod disk;
#[path = "simulation/life.rs"]
mod life;
#[path = "simulation/limits.rs"]
mod limits;
#[path = "simulation/process.rs"]
mod process;
#[path = "simulation/store.rs"]
mod store;

use disk::Folder;
use life::History;

/// A number from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }

    pub(crate) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

fn run(seed: u64, folder: &Folder) {
    let mut dice = Dice::new(seed);
    let mut history = History::new(seed);
    folder.empty();
    let lives = 1 + dice.below(4);
    for generation in 1..=lives {
        history.live(generation, folder, &mut dice);
    }
    history.end(lives + 1, folder, &mut dice);
}

#[test]
fn whatever_was_flushed_is_kept_once_and_no_limit_is_passed() {
    let seeds = std::env::var("SEEDS").ok();
    let seeds: u64 = seeds.and_then(|n| n.parse().ok()).unwrap_or(1_000);
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                let folder = Folder::new(half);
                for seed in (0..seeds).filter(|seed| seed % 2 == half) {
                    run(seed, &folder);
                }
            });
        }
    });
}
