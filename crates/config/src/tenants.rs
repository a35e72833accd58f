//! Tenants that the file declares, and the teams, apps and users in them.

use domain::ids::PartyId;
use domain::party::{Level, Party};
use domain::time::UnixMicros;

use super::error::Report;
use super::ordered::Ordered;
use super::source::key;
use super::terms::{check, with_terms};

with_terms! {
    /// A tenant.
    Tenant {
        /// Its teams.
        #[serde(default)]
        pub teams: Ordered<Team>,
        /// Apps that stand in no team.
        #[serde(default)]
        pub apps: Ordered<App>,
        /// Users that stand in no team or app.
        #[serde(default)]
        pub users: Ordered<User>,
    }
}

with_terms! {
    /// A team.
    Team {
        /// Its apps.
        #[serde(default)]
        pub apps: Ordered<App>,
        /// Users that stand in no app.
        #[serde(default)]
        pub users: Ordered<User>,
    }
}

with_terms! {
    /// An application or project.
    App {
        /// Its users.
        #[serde(default)]
        pub users: Ordered<User>,
    }
}

with_terms! {
    /// A person.
    User {}
}

/// Walks down, telling each party with the path of names that is its id, and its
/// place in the file.
struct Walk<'a> {
    tell: &'a mut dyn FnMut(Party, &str),
}

impl Walk<'_> {
    fn party(
        &mut self,
        level: Level,
        parent: Option<&str>,
        name: &str,
        at: &str,
        terms: domain::terms::Terms,
    ) -> String {
        let id = match parent {
            Some(parent) => format!("{parent}/{name}"),
            None => name.to_owned(),
        };
        let party = Party {
            id: PartyId::from(id.as_str()),
            level,
            name: name.to_owned(),
            parent: parent.map(PartyId::from),
            terms,
            created: UnixMicros(0),
            revoked: None,
        };
        (self.tell)(party, at);
        id
    }

    fn apps(&mut self, apps: &Ordered<App>, parent: &str, at: &str) {
        for (name, app) in apps.iter() {
            let at = key(&key(at, "apps"), name);
            let id = self.party(Level::App, Some(parent), name, &at, app.terms());
            self.users(&app.users, &id, &at);
        }
    }

    fn users(&mut self, users: &Ordered<User>, parent: &str, at: &str) {
        for (name, user) in users.iter() {
            let at = key(&key(at, "users"), name);
            self.party(Level::User, Some(parent), name, &at, user.terms());
        }
    }
}

/// Every party that is declared, and its place in the file.
pub fn each(tenants: &Ordered<Tenant>, tell: &mut dyn FnMut(Party, &str)) {
    let mut walk = Walk { tell };
    for (name, tenant) in tenants.iter() {
        let at = key("tenants", name);
        let id = walk.party(Level::Tenant, None, name, &at, tenant.terms());
        for (name, team) in tenant.teams.iter() {
            let at = key(&key(&at, "teams"), name);
            let id = walk.party(Level::Team, Some(&id), name, &at, team.terms());
            walk.apps(&team.apps, &id, &at);
            walk.users(&team.users, &id, &at);
        }
        walk.apps(&tenant.apps, &id, &at);
        walk.users(&tenant.users, &id, &at);
    }
}

/// Names that can be written everywhere, and given once; terms that can hold.
pub fn validate(tenants: &Ordered<Tenant>, report: &mut Report<'_>) {
    let mut ids = std::collections::HashSet::new();
    each(tenants, &mut |party, at| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if party.name.is_empty() || !party.name.chars().all(is_plain) {
            report.wrong(
                at,
                format!("`{}` is no name for a {}", party.name, party.level),
                "use letters, digits, `-`, `_` and `.`",
            );
        }
        if !ids.insert(party.id.clone()) {
            report.wrong(
                at,
                format!(
                    "`{}` stands there twice, as an app and as a user or team",
                    party.id
                ),
                "rename one of them",
            );
        }
        check(&party.terms, at, report);
    });
}
