//! In which dialect a target is asked: in the client's own where it speaks that,
//! so that nothing has to be translated; else in its usual one.
//!
//! Whether it does is what catalogue or file say of the provider. A server that
//! says otherwise of a model is asked in its usual dialect, and the next requests
//! at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dialects::Operation;
use domain::canon::Dialect;
use domain::ids::ProviderName;
use domain::model::{Deployment, WireFormat};
use domain::time::Ticks;

use super::Ask;
pub(super) use super::no_route::is_no_route;
use crate::plane::Plane;

/// How long it counts that a server has no such route.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// The most of them; clients can choose names of models that nobody listed.
const MOST: usize = 4_096;

/// What servers turned out not to speak.
#[derive(Debug, Default)]
pub struct Unspoken(Mutex<HashMap<Spoken, Ticks>>);

/// A model in a dialect. By its name: models that nobody listed share one id. And
/// by its server: one that is put in the other's place may speak more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Spoken {
    provider: ProviderName,
    server: String,
    model: String,
    dialect: Dialect,
}

impl Unspoken {
    fn all(&self) -> MutexGuard<'_, HashMap<Spoken, Ticks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, spoken: &Spoken, now: Ticks) -> bool {
        let believed = u64::try_from(BELIEVED.as_micros()).unwrap_or(u64::MAX);
        let all = self.all();
        all.get(spoken).is_some_and(|at| now.since(*at) < believed)
    }

    /// Whether it was not known.
    fn learn(&self, spoken: Spoken, now: Ticks) -> bool {
        let is_new = !self.holds(&spoken, now);
        let mut all = self.all();
        if all.len() >= MOST && !all.contains_key(&spoken) {
            let oldest = all.iter().min_by_key(|(_, at)| **at);
            let oldest = oldest.map(|(spoken, _)| spoken.clone());
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        all.insert(spoken, now);
        is_new
    }
}

/// The target as it is asked: in the client's dialect if it speaks that.
pub(super) fn of(plane: &Plane, ask: &Ask, target: &Arc<Deployment>) -> Arc<Deployment> {
    let native = wanted(ask).and_then(|dialect| Some((dialect, target.in_dialect(dialect)?)));
    let Some((dialect, native)) = native else {
        return Arc::clone(target);
    };
    match is_unspoken(plane, target, dialect) {
        true => Arc::clone(target),
        false => Arc::clone(native),
    }
}

/// Whether a target is asked in this dialect, as far as is known.
pub(crate) fn speaks(plane: &Plane, target: &Deployment, dialect: Dialect) -> bool {
    target.provider.format == WireFormat::Dialect(dialect)
        || target.in_dialect(dialect).is_some() && !is_unspoken(plane, target, dialect)
}

/// Whether it turned out not to speak it.
fn is_unspoken(plane: &Plane, target: &Deployment, dialect: Dialect) -> bool {
    let shared = &plane.shared;
    shared
        .unspoken
        .holds(&spoken(target, dialect), shared.ticks())
}

/// The client's dialect, if its requests can be asked in it.
fn wanted(ask: &Ask) -> Option<Dialect> {
    let foreign = ask.foreign.as_ref()?;
    (ask.operation == Operation::Chat).then_some(foreign.codec.dialect)
}

fn spoken(target: &Deployment, dialect: Dialect) -> Spoken {
    let provider = &target.provider;
    Spoken {
        provider: provider.name.clone(),
        server: format!("{}:{}{}", provider.host, provider.port, provider.base_path),
        model: target.upstream_model.clone(),
        dialect,
    }
}

/// The target said that it does not speak the dialect that it was asked in.
/// Whether that is news.
pub(super) fn learn(plane: &Plane, native: &Deployment) -> bool {
    let WireFormat::Dialect(dialect) = native.provider.format else {
        return false;
    };
    let shared = &plane.shared;
    shared
        .unspoken
        .learn(spoken(native, dialect), shared.ticks())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(server: &str, model: &str) -> Spoken {
        Spoken {
            provider: "p".into(),
            server: server.to_owned(),
            model: model.to_owned(),
            dialect: Dialect::Responses,
        }
    }

    #[test]
    fn what_was_learnt_is_believed_for_an_hour_of_this_model_at_this_server() {
        let unspoken = Unspoken::default();
        assert!(unspoken.learn(of("h:1", "m"), Ticks(5)));
        assert!(!unspoken.learn(of("h:1", "m"), Ticks(5)), "no news");
        assert!(unspoken.holds(&of("h:1", "m"), Ticks(3_600_000_004)));
        assert!(!unspoken.holds(&of("h:1", "m"), Ticks(3_600_000_005)));
        assert!(!unspoken.holds(&of("h:1", "n"), Ticks(6)));
        assert!(!unspoken.holds(&of("h:2", "m"), Ticks(6)), "it moved");
    }

    #[test]
    fn names_that_clients_make_up_push_out_the_oldest_alone() {
        let unspoken = Unspoken::default();
        let most = u64::try_from(MOST).expect("a few");
        for at in 0..=most {
            unspoken.learn(of("h:1", &at.to_string()), Ticks(at));
        }
        let now = Ticks(most);
        assert_eq!(unspoken.all().len(), MOST);
        assert!(!unspoken.holds(&of("h:1", "0"), now));
        assert!(unspoken.holds(&of("h:1", "1"), now));
        assert!(unspoken.holds(&of("h:1", &most.to_string()), now));
    }
}
