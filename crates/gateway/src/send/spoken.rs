//! In which dialect a target is asked: in the client's own where it speaks that,
//! so that nothing has to be translated; else in its usual one.
//!
//! Whether it does is what catalogue or file say of the provider. A server that
//! says otherwise of a model is asked in its usual dialect, and the next requests
//! at once. Some models are not to be had by chat completions, or not with all that
//! is asked for: these are asked in Responses, by what the table of traits says of
//! them, or once the server has said so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dialects::Operation;
use dialects::json::{Kind, Node};
use domain::canon::Dialect;
use domain::ids::ProviderName;
use domain::model::{Deployment, WireFormat};
use domain::time::Ticks;
use domain::traits::Chats;

use super::Ask;
use super::failure::Failure;
pub(super) use super::no_route::is_no_route;
use crate::plane::Plane;

/// How long it counts that a server has no such route.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// The most of them; clients can choose names of models that nobody listed.
const MOST: usize = 4_096;

/// What servers turned out not to speak.
#[derive(Debug, Default)]
pub struct Unspoken {
    all: Mutex<HashMap<Spoken, Ticks>>,
    /// Whether there ever was one: the usual request takes no lock.
    has_some: AtomicBool,
}

/// A model in a dialect. By its name: models that nobody listed share one id. And
/// by its server: one that is put in the other's place may speak more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Spoken {
    provider: ProviderName,
    server: String,
    model: String,
    dialect: Dialect,
    /// What was asked for in it that it does not speak of; nothing if it does not at all.
    asking: Asking,
}

/// What some models do not take in chat completions, or not together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Asking {
    has_tools: bool,
    has_effort: bool,
}

impl Asking {
    const NOTHING: Self = Self {
        has_tools: false,
        has_effort: false,
    };

    /// Of a request in chat completions.
    fn of(ask: &Ask) -> Self {
        let root = ask.document.root();
        let has = |key| {
            root.get(key)
                .is_some_and(|list| list.items().next().is_some())
        };
        let effort = root.get("reasoning_effort").and_then(Node::str);
        Self {
            has_tools: has("tools") || has("functions"),
            has_effort: effort.is_some_and(|effort| effort != "none"),
        }
    }

    /// All that a refusal of which would be one of this too.
    fn parts(self) -> impl Iterator<Item = Self> {
        let all = [(false, false), (true, false), (false, true), (true, true)];
        let all = all.map(|(has_tools, has_effort)| Self {
            has_tools,
            has_effort,
        });
        all.into_iter()
            .filter(move |it| it.has_tools <= self.has_tools && it.has_effort <= self.has_effort)
    }
}

impl Unspoken {
    fn all(&self) -> MutexGuard<'_, HashMap<Spoken, Ticks>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.has_some.store(true, Ordering::Relaxed);
        is_new
    }

    fn is_empty(&self) -> bool {
        !self.has_some.load(Ordering::Relaxed)
    }
}

/// The target as it is asked: in the client's dialect if it speaks that.
pub(super) fn of(plane: &Plane, ask: &Ask, target: &Arc<Deployment>) -> Arc<Deployment> {
    let dialect = wanted(ask).or_else(|| elsewhere(plane, ask, target));
    let native = dialect.and_then(|dialect| Some((dialect, target.in_dialect(dialect)?)));
    let Some((dialect, native)) = native else {
        return Arc::clone(target);
    };
    match is_unspoken(plane, target, dialect) {
        true => Arc::clone(target),
        false => Arc::clone(native),
    }
}

/// What a server names that has a model by Responses alone.
const ROUTE: &str = "v1/responses";

/// The target in Responses, where that is what it says in refusing chat: some
/// models have conversations by that alone, or with tools and efforts together.
pub(super) fn instead<'a>(
    ask: &Ask,
    target: &'a Deployment,
    failure: &Failure,
) -> Option<&'a Arc<Deployment>> {
    let said = failure.verbatim.as_ref().filter(|_| is_chat(ask, target))?;
    // A server may repeat what a client wrote: that says nothing of the model.
    let is_told = matches!(said.status, 400 | 404)
        && memchr::memmem::find(&said.body, ROUTE.as_bytes()).is_some()
        && !names_route(ask.document.root());
    is_told
        .then(|| target.in_dialect(Dialect::Responses))
        .flatten()
}

/// Whether a request's own words name the route of Responses.
fn names_route(root: Node<'_>) -> bool {
    // An explicit stack: the depth is the sender's choice.
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match node.kind() {
            Kind::Array => open.extend(node.items()),
            Kind::Object => {
                for (key, _, value) in node.entries() {
                    if key.contains(ROUTE) {
                        return true;
                    }
                    open.push(value);
                }
            }
            Kind::String if node.str().is_some_and(|text| text.contains(ROUTE)) => return true,
            _ => {}
        }
    }
    false
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
        .holds(&spoken(target, dialect, Asking::NOTHING), shared.ticks())
}

/// The client's dialect, if its requests can be asked in it.
fn wanted(ask: &Ask) -> Option<Dialect> {
    let foreign = ask.foreign.as_ref()?;
    (ask.operation == Operation::Chat).then_some(foreign.codec.dialect)
}

/// Responses, where the target is known not to have this by chat completions.
fn elsewhere(plane: &Plane, ask: &Ask, target: &Deployment) -> Option<Dialect> {
    let has_both = is_chat(ask, target) && target.in_dialect(Dialect::Responses).is_some();
    if !has_both {
        return None;
    }
    let asking = Asking::of(ask);
    let is_known = match target.traits.chats {
        Chats::Always => false,
        Chats::UnlessToolsAndEffort => asking.has_tools && asking.has_effort,
        Chats::Never => true,
    };
    let (unspoken, now) = (&plane.shared.unspoken, plane.shared.ticks());
    let is_learnt = || {
        if unspoken.is_empty() {
            return false;
        }
        let mut parts = asking.parts();
        parts.any(|asking| unspoken.holds(&spoken(target, Dialect::OpenAi, asking), now))
    };
    (is_known || is_learnt()).then_some(Dialect::Responses)
}

/// Whether a target is asked in chat completions.
fn is_chat(ask: &Ask, target: &Deployment) -> bool {
    ask.operation == Operation::Chat && target.provider.format == WireFormat::USUAL
}

/// Remembers that a target refused chat completions for Responses, and was right.
pub(super) fn learn_chatless(plane: &Plane, ask: &Ask, target: &Deployment) -> bool {
    let spoken = spoken(target, Dialect::OpenAi, Asking::of(ask));
    plane.shared.unspoken.learn(spoken, plane.shared.ticks())
}

fn spoken(target: &Deployment, dialect: Dialect, asking: Asking) -> Spoken {
    let provider = &target.provider;
    Spoken {
        provider: provider.name.clone(),
        server: format!("{}:{}{}", provider.host, provider.port, provider.base_path),
        model: target.upstream_model.clone(),
        dialect,
        asking,
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
        .learn(spoken(native, dialect, Asking::NOTHING), shared.ticks())
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
            asking: Asking::NOTHING,
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
