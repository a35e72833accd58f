//! Reasoning kept in memory, bounded by bytes and by how long nobody asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::counters::Answer;
use domain::reasoning::{KeptReasoning, ReasoningKey, ReasoningStore};
use domain::time::Ticks;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// What an entry costs beside what is kept and its key's texts.
const OVERHEAD: usize = 256;
/// What an entry is taken to weigh before there are any.
const USUAL: u64 = 2048;

/// One entry.
struct Held {
    kept: Arc<KeptReasoning>,
    keep: Duration,
    /// When somebody last asked for it, in ticks.
    used: AtomicU64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<ReasoningKey, Arc<Held>> for ByBytes {
    fn weight(&self, key: &ReasoningKey, held: &Arc<Held>) -> u64 {
        (key.call.len() + held.kept.weight() + OVERHEAD) as u64
    }
}

/// The reasoning of this process' clients.
pub struct MemoryReasoning {
    cache: Cache<ReasoningKey, Arc<Held>, ByBytes>,
}

impl MemoryReasoning {
    /// A store of at most `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let entries = usize::try_from(bytes / USUAL)
            .unwrap_or(usize::MAX)
            .clamp(16, 1 << 20);
        Self {
            cache: Cache::with_weighter(entries, bytes, ByBytes),
        }
    }
}

impl ReasoningStore for MemoryReasoning {
    fn get(&self, key: &ReasoningKey, now: Ticks) -> Answer<Option<Arc<KeptReasoning>>> {
        let Some(held) = self.cache.get(key) else {
            return Answer::Now(None);
        };
        let used = Ticks(held.used.load(Ordering::Relaxed));
        if Duration::from_micros(now.since(used)) >= held.keep {
            self.cache.remove(key);
            return Answer::Now(None);
        }
        held.used.fetch_max(now.0, Ordering::Relaxed);
        Answer::Now(Some(Arc::clone(&held.kept)))
    }

    fn put(&self, key: ReasoningKey, kept: Arc<KeptReasoning>, keep: Duration, now: Ticks) {
        let used = AtomicU64::new(now.0);
        self.cache.insert(key, Arc::new(Held { kept, keep, used }));
    }
}

#[cfg(test)]
mod tests {
    use domain::canon::{Dialect, Signature};

    use super::*;

    const SECOND: u64 = 1_000_000;

    fn key(owner: &str, call: &str) -> ReasoningKey {
        ReasoningKey {
            tenant: "t".into(),
            key: owner.into(),
            scope: "claude".into(),
            call: call.to_owned(),
        }
    }

    fn put(store: &MemoryReasoning, key: ReasoningKey, size: usize) {
        let kept = KeptReasoning {
            signature: Some(Signature {
                family: Dialect::Gemini,
                value: "x".repeat(size),
            }),
            ..KeptReasoning::default()
        };
        store.put(key, Arc::new(kept), Duration::from_secs(1), Ticks(0));
    }

    fn has(store: &MemoryReasoning, key: &ReasoningKey, now: u64) -> bool {
        match store.get(key, Ticks(now)) {
            Answer::Now(found) => found.is_some(),
            Answer::Later(_) => unreachable!("memory never waits"),
        }
    }

    #[test]
    fn reasoning_is_kept_while_somebody_asks_for_it() {
        let store = MemoryReasoning::new(1 << 20);
        let key = key("k", "call_1");
        put(&store, key.clone(), 10);
        assert!(has(&store, &key, SECOND - 1));
        assert!(has(&store, &key, 2 * SECOND - 2));
        assert!(!has(&store, &key, 3 * SECOND - 2));
        assert!(!has(&store, &key, 0));
    }

    #[test]
    fn nobody_finds_what_another_key_was_answered() {
        let store = MemoryReasoning::new(1 << 20);
        put(&store, key("k", "call_1"), 10);
        assert!(!has(&store, &key("other", "call_1"), 0));
        let elsewhere = ReasoningKey {
            tenant: "other".into(),
            ..key("k", "call_1")
        };
        assert!(!has(&store, &elsewhere, 0));
    }

    #[test]
    fn it_never_takes_more_than_its_bytes() {
        let store = MemoryReasoning::new(100_000);
        let keys: Vec<_> = (0..200).map(|n| key("k", &format!("call_{n}"))).collect();
        for key in &keys {
            put(&store, key.clone(), 10_000);
        }
        let held = keys.iter().filter(|key| has(&store, key, 0)).count();
        assert!((1..=9).contains(&held), "{held}");
    }
}
