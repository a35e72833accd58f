//! Who is asking: a virtual key, whom it belongs to, and what they may do.
//!
//! All that is set above a key and for it is brought together once, when the
//! world changes ([`Principal::new`]): ceilings side by side, and of what has
//! one value the nearest.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::bound::Bound;
use crate::contract::Contracts;
use crate::ids::{KeyId, PartyId, TenantId};
use crate::network::Network;
use crate::party::{Level, Party};
use crate::terms::{Feature, Route, Terms, USUAL_PRIORITY, WhenFull};
use crate::time::UnixMicros;
use crate::virtual_key::VirtualKey;

/// What everybody's limits are counted under.
pub const EVERYONE: &str = "everyone";

/// A virtual key and what it may do.
#[derive(Debug, Default)]
pub struct Principal {
    /// The key's public id.
    pub key: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// Whose key it is.
    pub tenant: TenantId,
    /// The team, app and user that it belongs to.
    pub parties: Owners,
    /// When it stops working.
    pub expires: Option<UnixMicros>,
    /// When it was revoked, if it or one above it was.
    pub revoked: Option<UnixMicros>,
    /// Lists of model names, `*` at the end matches any rest. A model must be in
    /// each of them.
    pub models: Vec<Vec<String>>,
    /// Lists of routes. A request must be in each of them.
    routes: Vec<Vec<Route>>,
    /// What requests may not ask for.
    without: Vec<Feature>,
    /// Lists of networks. A request must come from each of them.
    networks: Vec<Vec<Network>>,
    /// Limits and budgets.
    pub bounds: Vec<Bound>,
    /// Prices by contract.
    pub contracts: Contracts,
    /// Who waits less than others for room.
    pub priority: u8,
    /// Tags, by name.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// Tags that every request must carry.
    pub require: Vec<String>,
}

/// The parties below its tenant that a key belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Its team.
    pub team: Option<PartyId>,
    /// Its app.
    pub app: Option<PartyId>,
    /// Its user.
    pub user: Option<PartyId>,
}

impl Principal {
    /// Brings together what holds for a key: for everyone, for each of its
    /// `chain` from the tenant down, and for itself.
    #[must_use]
    pub fn new(key: &VirtualKey, chain: &[&Arc<Party>], everyone: &Terms) -> Self {
        let mut principal = Self {
            key: key.id.clone(),
            name: key.name.clone(),
            priority: USUAL_PRIORITY,
            expires: key.expires,
            revoked: key.revoked,
            ..Self::default()
        };
        let mut gathered = Gathered::default();
        gathered.add(
            &mut principal,
            &EVERYONE.into(),
            "all keys together",
            everyone,
        );
        for party in chain {
            principal.belongs_to(party);
            let holder = format!("the {} `{}`", party.level, party.name);
            gathered.add(&mut principal, &party.id.shared(), &holder, &party.terms);
        }
        gathered.add(&mut principal, &key.id.shared(), "this key", &key.terms);
        principal.tags = gathered.tags.into_iter().collect();
        if let Some(when_full) = gathered.when_full {
            for bound in &mut principal.bounds {
                bound.when_full = when_full.clone();
            }
        }
        principal
    }

    fn belongs_to(&mut self, party: &Party) {
        let id = Some(party.id.clone());
        match party.level {
            Level::Tenant => self.tenant = party.id.shared().into(),
            Level::Team => self.parties.team = id,
            Level::App => self.parties.app = id,
            Level::User => self.parties.user = id,
        }
        self.revoked = match (self.revoked, party.revoked) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }

    /// Whether the key works at `now`.
    #[must_use]
    pub fn is_valid(&self, now: UnixMicros) -> bool {
        self.revoked.is_none_or(|at| at > now) && self.expires.is_none_or(|at| at > now)
    }

    /// Whether the key may use the model of this name.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        let fits = |list: &Vec<String>| list.iter().any(|it| crate::pattern::fits(it, model));
        self.models.iter().all(fits)
    }

    /// Whether the key may use every model that a provider has or will have:
    /// `*`, or `provider/*`.
    #[must_use]
    pub fn may_use_all_of(&self, provider: &str) -> bool {
        let covers = |pattern: &String| {
            let start = pattern.strip_suffix('*');
            start.is_some_and(|start| match start.strip_prefix(provider) {
                Some(rest) => rest.is_empty() || rest == "/",
                None => provider.starts_with(start),
            })
        };
        self.models.iter().all(|list| list.iter().any(covers))
    }

    /// Whether the key may make such requests.
    #[must_use]
    pub fn may_ask(&self, route: Route) -> bool {
        self.routes.iter().all(|list| list.contains(&route))
    }

    /// Whether the key may ask for this.
    #[must_use]
    pub fn may_have(&self, feature: Feature) -> bool {
        !self.without.contains(&feature)
    }

    /// Whether anything at all may not be asked for.
    #[must_use]
    pub fn lacks_any(&self) -> bool {
        !self.without.is_empty()
    }

    /// Whether it matters where a request comes from.
    #[must_use]
    pub fn is_bound_to_networks(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Whether a request may come from this address; one that nobody knows is
    /// from nowhere.
    #[must_use]
    pub fn may_come_from(&self, address: Option<IpAddr>) -> bool {
        let holds = |list: &Vec<Network>| {
            address.is_some_and(|address| list.iter().any(|it| it.holds(address)))
        };
        self.networks.iter().all(holds)
    }
}

/// What has one value, as far as it is known.
#[derive(Default)]
struct Gathered {
    tags: BTreeMap<Arc<str>, Arc<str>>,
    when_full: Option<WhenFull>,
    priority: Option<u8>,
}

impl Gathered {
    fn add(&mut self, to: &mut Principal, id: &Arc<str>, holder: &str, terms: &Terms) {
        let holder: Arc<str> = holder.into();
        to.models.extend(terms.models.clone());
        to.routes.extend(terms.routes.clone());
        to.networks.extend(terms.networks.clone());
        to.without.extend(&terms.without);
        to.contracts = to.contracts.nearer(&terms.prices);
        let usual = WhenFull::default();
        let limits = terms.limits.iter();
        let budgets = terms.budgets.iter();
        to.bounds
            .extend(limits.map(|it| Bound::of_limit(id, &holder, it, usual.clone())));
        to.bounds
            .extend(budgets.map(|it| Bound::of_budget(id, &holder, it, usual.clone())));
        if let Some(priority) = terms.priority {
            // Nobody lifts themselves above those that they belong to.
            let ceiling = self.priority.unwrap_or(priority);
            to.priority = priority.min(ceiling);
            self.priority = Some(to.priority);
        }
        if let Some(when_full) = &terms.when_full {
            self.when_full = Some(when_full.clone());
        }
        let tags = terms.tags.iter();
        self.tags
            .extend(tags.map(|(name, value)| (name.as_str().into(), value.as_str().into())));
        for name in &terms.require {
            if !to.require.contains(name) {
                to.require.push(name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::Parties;
    use crate::terms::Wait;

    fn terms(json: &str) -> Terms {
        serde_json::from_str(json).expect(json)
    }

    fn key(json: &str) -> VirtualKey {
        VirtualKey {
            id: "key_1".into(),
            name: "ci".into(),
            owner: "u".into(),
            created: UnixMicros(0),
            expires: None,
            revoked: None,
            terms: terms(json),
        }
    }

    fn party(id: &str, level: Level, parent: Option<&str>, json: &str) -> Party {
        Party {
            id: id.into(),
            level,
            name: id.into(),
            parent: parent.map(Into::into),
            terms: terms(json),
            created: UnixMicros(0),
            revoked: None,
        }
    }

    fn principal(tenant: &str, team: &str, of_key: &str) -> Principal {
        let mut all = Parties::default();
        all.add(party("t", Level::Tenant, None, tenant));
        all.add(party("g", Level::Team, Some("t"), team));
        let chain = all.chain(&"g".into()).expect("a chain");
        Principal::new(&key(of_key), &chain, &Terms::default())
    }

    #[test]
    fn a_ceiling_above_holds_whatever_is_said_below() {
        let all = principal(
            r#"{"models":["gpt-*","claude-*"],"without":["images"],"networks":["10.0.0.0/8"]}"#,
            r#"{"models":["gpt-*"],"routes":["chat"]}"#,
            r#"{"models":["*"],"networks":["10.1.0.0/16"]}"#,
        );
        assert!(all.may_use("gpt-4o"));
        assert!(!all.may_use("claude-opus"));
        assert!(!all.may_use("o3"));
        assert!(all.may_ask(Route::Chat) && !all.may_ask(Route::Embedding));
        assert!(!all.may_have(Feature::Images) && all.may_have(Feature::Tools));
        let from = |address: &str| all.may_come_from(address.parse().ok());
        assert!(from("10.1.2.3") && !from("10.2.0.1") && !from("192.0.2.1"));
        assert!(!all.may_come_from(None));
        assert!(principal("{}", "{}", "{}").may_come_from(None));
    }

    #[test]
    fn of_what_has_one_value_the_nearest_wins() {
        let all = principal(
            r#"{"tags":{"env":"prod","cost_center":"1"},"when_full":{"queue":"5ms"},"priority":3}"#,
            r#"{"tags":{"env":"test"},"priority":8}"#,
            r#"{"require":["ticket"]}"#,
        );
        let tags: Vec<(&str, &str)> = all.tags.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(tags, [("cost_center", "1"), ("env", "test")]);
        assert_eq!(all.priority, 3, "never above the tenant's");
        assert_eq!(all.require, ["ticket"]);
    }

    #[test]
    fn every_limit_of_the_chain_is_its_holders() {
        let all = principal(
            r#"{"limits":[{"parallel":9}],"when_full":{"queue":"5ms"}}"#,
            r#"{"budgets":[{"usd":"1","per":"month"}]}"#,
            r#"{"limits":[{"requests":1,"per":"minute"}]}"#,
        );
        let told: Vec<String> = all
            .bounds
            .iter()
            .map(|it| format!("{}: {}", it.holder, it.limit))
            .collect();
        let expected = [
            "the tenant `t`: 9 requests at the same time",
            "the team `g`: 1 USD per month",
            "this key: 1 requests per minute",
        ];
        assert_eq!(told, expected);
        assert!(
            all.bounds
                .iter()
                .all(|it| it.when_full == WhenFull::Queue(Wait(5)))
        );
    }

    #[test]
    fn a_key_ends_with_those_that_it_belongs_to() {
        let mut tenant = party("t", Level::Tenant, None, "{}");
        tenant.revoked = Some(UnixMicros(5));
        let tenant = Arc::new(tenant);
        let all = Principal::new(&key("{}"), &[&tenant], &Terms::default());
        assert!(all.is_valid(UnixMicros(4)) && !all.is_valid(UnixMicros(5)));
    }

    #[test]
    fn a_key_for_all_models_of_a_provider_is_told_from_one_for_some() {
        let may = |models: &str| {
            principal("{}", "{}", &format!(r#"{{"models":{models}}}"#)).may_use_all_of("openai")
        };
        assert!(principal("{}", "{}", "{}").may_use_all_of("openai"));
        for all in ["*", "open*", "openai*", "openai/*"] {
            assert!(may(&format!(r#"["x","{all}"]"#)), "{all}");
        }
        assert!(!may("[]"));
        for some in [
            "openai",
            "openai/gpt*",
            "openai/",
            "gpt-4o",
            "openai2/*",
            "azure/*",
        ] {
            assert!(!may(&format!(r#"["{some}"]"#)), "{some}");
        }
    }
}
