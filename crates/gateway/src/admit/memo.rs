//! The keys that one loop has seen since the world last changed. Digesting a
//! key costs more than all else that is asked about its owner.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use domain::principal::Principal;
use domain::secret::Secret;
use domain::snapshot::Snapshot;

/// More keys than this begin anew.
const MOST: usize = 4096;

/// Keys whose owners are known. A change of the world, a revocation above
/// all, forgets them.
#[derive(Default)]
pub(crate) struct Memo(RefCell<Known>);

#[derive(Default)]
struct Known {
    /// Held, so that no other can be taken for it.
    world: Option<Arc<Snapshot>>,
    /// Under a hash whose own key is random: the time that a look-up takes
    /// tells nothing of the keys.
    owners: HashMap<u64, (Secret, Arc<Principal>)>,
    hash: RandomState,
}

impl Memo {
    /// Whose key this is, if it was asked about in the same world.
    pub(super) fn owner(
        &self,
        world: &Arc<Snapshot>,
        key: &str,
        find: impl FnOnce() -> Option<Arc<Principal>>,
    ) -> Option<Arc<Principal>> {
        let known = &mut *self.0.borrow_mut();
        if !known.world.as_ref().is_some_and(|w| Arc::ptr_eq(w, world)) {
            known.world = Some(Arc::clone(world));
            known.owners.clear();
        }
        let place = known.hash.hash_one(key);
        if let Some((secret, owner)) = known.owners.get(&place)
            && secret.reveal() == key
        {
            return Some(Arc::clone(owner));
        }
        let owner = find()?;
        if known.owners.len() >= MOST {
            known.owners.clear();
        }
        let secret = Secret::new(key);
        known.owners.insert(place, (secret, Arc::clone(&owner)));
        Some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Arc<Principal> {
        Arc::new(testkit::scene::principal(
            "key_1",
            testkit::scene::Limits::default(),
        ))
    }

    #[test]
    fn a_key_is_looked_up_once_a_world_and_unknown_ones_each_time() {
        let memo = Memo::default();
        let (old, new) = (Arc::new(Snapshot::default()), Arc::new(Snapshot::default()));
        assert!(memo.owner(&old, "sk-a", || None).is_none());
        assert!(memo.owner(&old, "sk-a", || Some(principal())).is_some());
        let remembered = memo.owner(&old, "sk-a", || panic!("looked up again"));
        assert!(remembered.is_some());
        assert!(memo.owner(&old, "sk-b", || None).is_none(), "another key");
        assert!(memo.owner(&new, "sk-a", || None).is_none(), "revoked");
    }
}
