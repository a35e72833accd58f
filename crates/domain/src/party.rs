//! Tenants, teams, apps and users: who keys belong to.
//!
//! They are one tree: an app stands in a team or in its tenant, a user in an
//! app, a team or the tenant. Each has [`Terms`], which hold for all below.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{PartyId, TenantId};
use crate::terms::Terms;
use crate::time::UnixMicros;

/// Which kind of party, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// An organisation of its own: nobody else's objects exist for it.
    Tenant,
    /// A group of people in a tenant.
    Team,
    /// An application or project.
    App,
    /// A person.
    User,
}

impl Level {
    /// Every level, highest first.
    pub const ALL: [Self; 4] = [Self::Tenant, Self::Team, Self::App, Self::User];

    /// As a column or sentence has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Team => "team",
            Self::App => "app",
            Self::User => "user",
        }
    }

    /// Begins the id of one that was made.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Tenant => "ten_",
            Self::Team => "team_",
            Self::App => "app_",
            Self::User => "usr_",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|level| level.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no level"))
    }
}

/// The tenant of everything as long as nobody made tenants.
pub const DEFAULT_TENANT: &str = "default";

/// A tenant, team, app or user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// `ten_…`, `team_…`, `app_…`, `usr_…`; of one that the file declares its
    /// path: `acme/research`.
    pub id: PartyId,
    /// What it is.
    pub level: Level,
    /// What people call it: of its level, one in its parent.
    pub name: String,
    /// In whom it stands; `None` for tenants.
    pub parent: Option<PartyId>,
    /// What holds for it and all below.
    pub terms: Terms,
    /// When it was made.
    pub created: UnixMicros,
    /// When it was revoked, and with it all below.
    pub revoked: Option<UnixMicros>,
}

impl Party {
    /// Whether it is there at `now`, those above aside.
    #[must_use]
    pub fn is_valid(&self, now: UnixMicros) -> bool {
        self.revoked.is_none_or(|at| at > now)
    }
}

/// All parties, by id.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    all: HashMap<PartyId, Arc<Party>>,
}

impl Parties {
    /// Those of before and one more; the first of an id stays.
    pub fn add(&mut self, party: Party) {
        let id = party.id.clone();
        self.all.entry(id).or_insert_with(|| Arc::new(party));
    }

    /// The party of this id.
    #[must_use]
    pub fn get(&self, id: &PartyId) -> Option<&Arc<Party>> {
        self.all.get(id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Party>> {
        self.all.values()
    }

    /// The party and those above it, the tenant first. `None` if one of them is
    /// not there: who stands nowhere may do nothing.
    #[must_use]
    pub fn chain(&self, id: &PartyId) -> Option<Vec<&Arc<Party>>> {
        let mut chain = vec![self.get(id)?];
        while let Some(parent) = &chain.last()?.parent {
            // A level is never in one of its own, so that no circle can be.
            let party = self.get(parent)?;
            if party.level >= chain.last()?.level {
                return None;
            }
            chain.push(party);
        }
        chain.reverse();
        (chain[0].level == Level::Tenant).then_some(chain)
    }

    /// The tenant that the party belongs to.
    #[must_use]
    pub fn tenant(&self, id: &PartyId) -> Option<TenantId> {
        let chain = self.chain(id)?;
        Some(chain[0].id.shared().into())
    }

    /// Where it stands, by names: `acme/research/bot`.
    #[must_use]
    pub fn path(&self, id: &PartyId) -> String {
        match self.chain(id) {
            Some(chain) => {
                let names: Vec<&str> = chain.iter().map(|party| party.name.as_str()).collect();
                names.join("/")
            }
            None => id.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(id: &str, level: Level, parent: Option<&str>) -> Party {
        Party {
            id: id.into(),
            level,
            name: id.to_uppercase(),
            parent: parent.map(Into::into),
            terms: Terms::default(),
            created: UnixMicros(0),
            revoked: None,
        }
    }

    #[test]
    fn a_chain_leads_from_the_tenant_down_and_levels_may_be_left_out() {
        let mut all = Parties::default();
        all.add(party("t", Level::Tenant, None));
        all.add(party("a", Level::App, Some("t")));
        all.add(party("u", Level::User, Some("a")));
        let chain = all.chain(&"u".into()).expect("a chain");
        let ids: Vec<&str> = chain.iter().map(|party| party.id.as_str()).collect();
        assert_eq!(ids, ["t", "a", "u"]);
        assert_eq!(all.path(&"u".into()), "T/A/U");
        assert_eq!(all.tenant(&"u".into()), Some("t".into()));
    }

    #[test]
    fn who_stands_nowhere_or_in_a_circle_has_no_chain() {
        let mut all = Parties::default();
        all.add(party("orphan", Level::User, Some("gone")));
        all.add(party("root", Level::Team, None));
        all.add(party("one", Level::Team, Some("two")));
        all.add(party("two", Level::Team, Some("one")));
        for id in ["orphan", "root", "one", "nobody"] {
            assert!(all.chain(&id.into()).is_none(), "{id}");
        }
    }
}
