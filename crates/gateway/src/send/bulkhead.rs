//! How many requests may be at a provider at once, over all event loops. One
//! that hangs fills its own room, and nobody else's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use domain::ids::ProviderName;
use domain::model::Provider;

use crate::accept::listen;

/// The requests that are at each provider now.
#[derive(Debug, Default)]
pub struct Bulkheads(RwLock<HashMap<ProviderName, Arc<AtomicUsize>>>);

impl Bulkheads {
    /// The provider's. A reload that changes the limit keeps the count.
    pub(super) fn of(&self, provider: &Provider) -> Bulkhead {
        // Three quarters of all: whatever one provider does, others go on.
        let usual = || listen::room() / 4 * 3;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(provider.name.clone()).or_default();
        Bulkhead {
            most: provider
                .max_parallel
                .map_or_else(usual, |most| most as usize),
            taken: Arc::clone(taken),
        }
    }
}

/// One provider's room.
pub(super) struct Bulkhead {
    most: usize,
    taken: Arc<AtomicUsize>,
}

impl Bulkhead {
    /// Whether nobody would get a place now.
    pub(super) fn is_full(&self) -> bool {
        self.taken.load(Ordering::Relaxed) >= self.most
    }

    /// A place, if there is one.
    pub(super) fn enter(&self) -> Option<Place> {
        let place = Place(Arc::clone(&self.taken));
        // One too many is given back at once by its drop.
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.most).then_some(place)
    }
}

/// Held as long as a request is at the provider.
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_provider_has_room_again_once_a_request_is_over() {
        let bulkhead = Bulkhead {
            most: 2,
            taken: Arc::default(),
        };
        let first = bulkhead.enter();
        let second = bulkhead.enter();
        assert!(first.is_some() && second.is_some());
        assert!(bulkhead.is_full() && bulkhead.enter().is_none());
        assert!(bulkhead.enter().is_none(), "a refusal takes no place");
        drop(first);
        assert!(!bulkhead.is_full());
        assert!(bulkhead.enter().is_some());
    }
}
