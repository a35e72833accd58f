//! Answers kept in memory, bounded by bytes and by age.

use std::sync::Arc;
use std::time::Duration;

use domain::counters::Answer;
use domain::shelf::{Shelf, ShelfKey, Shelved};
use domain::time::Ticks;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// What an entry costs beside its body.
const OVERHEAD: u64 = 512;

#[derive(Clone)]
struct ByBytes;

impl Weighter<ShelfKey, Arc<Shelved>> for ByBytes {
    fn weight(&self, _: &ShelfKey, answer: &Arc<Shelved>) -> u64 {
        answer.body.len() as u64 + OVERHEAD
    }
}

/// A cache of answers.
pub struct MemoryShelf {
    cache: Cache<ShelfKey, Arc<Shelved>, ByBytes>,
}

impl MemoryShelf {
    /// A shelf of at most `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let entries = usize::try_from(bytes / 4096)
            .unwrap_or(usize::MAX)
            .clamp(16, 1 << 20);
        Self {
            cache: Cache::with_weighter(entries, bytes, ByBytes),
        }
    }
}

impl Shelf for MemoryShelf {
    fn get(&self, key: &ShelfKey, now: Ticks) -> Answer<Option<Arc<Shelved>>> {
        let fresh =
            |answer: &Arc<Shelved>| Duration::from_micros(now.since(answer.stored)) < answer.ttl;
        let found = self.cache.get(key);
        if found.as_ref().is_some_and(|answer| !fresh(answer)) {
            self.cache.remove(key);
        }
        Answer::Now(found.filter(fresh))
    }

    fn put(&self, key: ShelfKey, answer: Arc<Shelved>) {
        self.cache.insert(key, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(size: usize) -> Arc<Shelved> {
        Arc::new(Shelved {
            streamed: false,
            body: vec![b'x'; size].into(),
            usage: domain::usage::Usage::default(),
            model: String::new(),
            provider: String::new(),
            cost: None,
            stored: Ticks(0),
            ttl: Duration::from_secs(1),
        })
    }

    fn has(shelf: &MemoryShelf, key: u8, now: u64) -> bool {
        match shelf.get(&[key; 32], Ticks(now)) {
            Answer::Now(found) => found.is_some(),
            Answer::Later(_) => unreachable!("memory never waits"),
        }
    }

    #[test]
    fn an_answer_is_served_until_its_time_is_over() {
        let shelf = MemoryShelf::new(1 << 20);
        shelf.put([1; 32], answer(10));
        assert!(has(&shelf, 1, 999_999));
        assert!(!has(&shelf, 1, 1_000_000));
    }

    #[test]
    fn the_shelf_never_holds_more_than_its_bytes() {
        let shelf = MemoryShelf::new(100_000);
        for key in 0..200 {
            shelf.put([key; 32], answer(10_000));
        }
        let held = (0..200).filter(|key| has(&shelf, *key, 0)).count();
        assert!(held <= 10, "{held}");
    }
}
