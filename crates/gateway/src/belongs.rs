//! Where things belong that do not say so themselves: items under ids of their
//! provider's, thoughts that it sealed. Known to whom they were told, for a time, as
//! long as there is room.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ids::KeyId;
use domain::time::Ticks;

/// So many of them are remembered at least, and twice as many at most.
const MANY: usize = 50_000;
/// When the young become old by time: nothing is remembered for more than twice as
/// long.
const LONG: Duration = Duration::from_secs(15 * 24 * 60 * 60);
/// Longer ids are of no provider that we know.
const LONGEST: usize = 256;

/// Where things belong, by whose they are.
#[derive(Debug, Default)]
pub struct Belongings(Mutex<Generations>);

/// By whose they are and by their names; and the names, whosever they are.
#[derive(Debug, Default)]
struct Places {
    of: HashMap<(KeyId, Box<str>), Box<str>>,
    names: HashSet<Box<str>>,
}

/// The young become old once they are many, and the old are forgotten then.
#[derive(Debug, Default)]
struct Generations {
    young: Places,
    old: Places,
    since: Option<Ticks>,
}

impl Generations {
    fn age(&mut self, now: Ticks) {
        let long = u64::try_from(LONG.as_micros()).unwrap_or(u64::MAX);
        let age = now.since(self.since.unwrap_or(Ticks(0)));
        if age < long && self.young.of.len() < MANY {
            return;
        }
        let young = std::mem::take(&mut self.young);
        self.old = match age < long.saturating_mul(2) {
            true => young,
            false => Places::default(),
        };
        self.since = Some(now);
    }
}

impl Belongings {
    fn all(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers where things of these names belong.
    pub fn learn<'a>(
        &self,
        owner: &KeyId,
        place: &str,
        names: impl IntoIterator<Item = &'a String>,
        now: Ticks,
    ) {
        let mut all = self.all();
        for name in names.into_iter().filter(|it| it.len() <= LONGEST) {
            all.age(now);
            all.young.names.insert(name.as_str().into());
            let name = (owner.clone(), name.as_str().into());
            all.young.of.insert(name, place.into());
        }
    }

    /// Where a thing of this owner belongs.
    #[must_use]
    pub fn find(&self, owner: &KeyId, name: &str, now: Ticks) -> Option<String> {
        let name = (owner.clone(), name.into());
        let mut all = self.all();
        all.age(now);
        let found = all.young.of.get(&name).or_else(|| all.old.of.get(&name));
        found.map(|place| place.to_string())
    }

    /// Whether a thing is known to be somebody else's, and not this owner's.
    #[must_use]
    pub fn is_anothers(&self, owner: &KeyId, name: &str, now: Ticks) -> bool {
        if self.find(owner, name, now).is_some() {
            return false;
        }
        let all = self.all();
        all.young.names.contains(name) || all.old.names.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners() -> (KeyId, KeyId) {
        ("key_1".into(), "key_2".into())
    }

    #[test]
    fn a_thing_is_found_by_its_owner_alone_until_too_many_came_after_it() {
        let (all, now) = (Belongings::default(), Ticks(1));
        let (mine, yours) = owners();
        all.learn(&mine, "resp_1", [&"msg_1".to_owned()], now);
        assert_eq!(all.find(&mine, "msg_1", now).as_deref(), Some("resp_1"));
        assert_eq!(all.find(&yours, "msg_1", now), None);
        assert!(all.is_anothers(&yours, "msg_1", now) && !all.is_anothers(&mine, "msg_1", now));
        assert!(
            !all.is_anothers(&yours, "msg_2", now),
            "nobody's that is known"
        );
        let more = |from: usize| (from..from + MANY).map(|at| format!("msg_x{at}"));
        all.learn(&yours, "resp_2", &more(0).collect::<Vec<_>>(), now);
        assert!(all.find(&mine, "msg_1", now).is_some());
        all.learn(&yours, "resp_2", &more(MANY).collect::<Vec<_>>(), now);
        assert_eq!(all.find(&mine, "msg_1", now), None);
    }

    #[test]
    fn nothing_is_remembered_for_ever() {
        let all = Belongings::default();
        let (mine, _) = owners();
        let day = 24 * 60 * 60 * 1_000_000;
        all.learn(&mine, "resp_1", [&"msg_1".to_owned()], Ticks(0));
        assert!(all.find(&mine, "msg_1", Ticks(16 * day)).is_some());
        assert!(all.find(&mine, "msg_1", Ticks(32 * day)).is_none());
        all.learn(&mine, "resp_1", [&"msg_1".to_owned()], Ticks(32 * day));
        assert!(all.find(&mine, "msg_1", Ticks(90 * day)).is_none());
    }
}
