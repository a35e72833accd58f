//! Tenants, teams, apps and users, as people handle them.

use domain::ids::{PartyId, TenantId};
use domain::party::{DEFAULT_TENANT, Level, Parties, Party};
use domain::terms::Terms;
use domain::time::Moment;
use serde_json::{Value, json};
use store::{Change, Store, StoreError};

use crate::change::{Actor, Told};

/// What a new party should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewParty {
    /// What it is.
    pub level: Level,
    /// What people call it.
    pub name: String,
    /// In whom it stands: an id, a path of names or a name; the tenant `default`
    /// if unsaid. Nothing for tenants.
    pub parent: Option<String>,
    /// What holds for it and all below.
    pub terms: Terms,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum PartyError {
    /// It needs a name that can be written everywhere.
    #[error("`{0}` is no name; use letters, digits, `-`, `_`, `.` and spaces, 100 at most")]
    BadName(String),
    /// Names tell people which one it is.
    #[error("{level} `{name}` is there already ({other}); choose another name")]
    NameTaken {
        /// Which kind.
        level: Level,
        /// The name that was wanted.
        name: String,
        /// Whose name it is.
        other: PartyId,
    },
    /// Tenants stand in nobody.
    #[error("a tenant stands in nobody; leave `--in` out")]
    TenantInside,
    /// A level stands below its own.
    #[error("a {level} cannot stand in the {parent} `{name}`; {level}s stand in {above}")]
    WrongParent {
        /// What it is.
        level: Level,
        /// What it was to stand in.
        parent: Level,
        /// Its name.
        name: String,
        /// What it may stand in.
        above: String,
    },
    /// Nothing of this name.
    #[error(
        "no valid {what} has the id, path or name `{name}`; `portcullis {what}s list` shows them"
    )]
    NotFound {
        /// What was looked for.
        what: String,
        /// By which name.
        name: String,
    },
    /// Several of this name.
    #[error("`{name}` may be any of {all}; name it by its id or its path")]
    Ambiguous {
        /// The name.
        name: String,
        /// Paths and ids.
        all: String,
    },
    /// The terms cannot hold.
    #[error("{field}: {what}")]
    BadTerms {
        /// Which field.
        field: String,
        /// What is wrong with it.
        what: String,
    },
    /// It is where everything is that nobody put elsewhere.
    #[error("the tenant `default` cannot be revoked or renamed")]
    Default,
    /// The store would not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Told for Party {
    fn told(&self) -> Value {
        json!({
            "id": self.id.as_str(),
            "level": self.level.as_str(),
            "name": self.name,
            "parent": self.parent.as_ref().map(PartyId::as_str),
            "revoked": self.revoked.map(|at| Moment(at).to_string()),
            "terms": self.terms,
        })
    }
}

/// All parties of the store, by id.
#[must_use]
pub fn tree(all: &[Party]) -> Parties {
    let mut tree = Parties::default();
    for party in all {
        tree.add(party.clone());
    }
    tree
}

/// Makes a party.
///
/// # Errors
/// Its name, place or terms cannot be, or the store would not write.
pub async fn create(store: &Store, wanted: NewParty, by: &Actor) -> Result<Party, PartyError> {
    check_name(&wanted.name)?;
    check_terms(&wanted.terms)?;
    let mut change = store.change().await?;
    let all = change.parties().await?;
    let parent = parent(&all, &wanted, by)?;
    must_be_free(&all, wanted.level, &wanted.name, parent.as_ref(), by)?;
    let party = Party {
        id: identity::mint_id(wanted.level.prefix()).as_str().into(),
        level: wanted.level,
        name: wanted.name,
        parent,
        terms: wanted.terms,
        created: by.now,
        revoked: None,
    };
    put(change, &all, (None, &party), "create", by).await?;
    Ok(party)
}

/// All parties of this level, oldest first; revoked ones too.
///
/// # Errors
/// The store cannot be read.
pub async fn list(store: &Store) -> Result<Vec<Party>, PartyError> {
    Ok(store.parties().await?)
}

/// Changes a party.
///
/// # Errors
/// There is none, what it would become cannot be, or the store would not write.
pub async fn edit(
    store: &Store,
    (level, name): (Level, &str),
    by: &Actor,
    edit: impl FnOnce(&mut Party),
) -> Result<Party, PartyError> {
    let mut change = store.change().await?;
    let all = change.parties().await?;
    let before = find(&all, Some(level), name, by)?.clone();
    let mut after = before.clone();
    edit(&mut after);
    check_terms(&after.terms)?;
    if after.name != before.name {
        if before.id.as_str() == DEFAULT_TENANT {
            return Err(PartyError::Default);
        }
        check_name(&after.name)?;
        must_be_free(&all, level, &after.name, after.parent.as_ref(), by)?;
    }
    put(change, &all, (Some(&before), &after), "edit", by).await?;
    Ok(after)
}

/// Revokes a party, and with it all below: their keys work no more.
///
/// # Errors
/// There is none, it is `default`, or the store would not write.
pub async fn revoke(
    store: &Store,
    (level, name): (Level, &str),
    by: &Actor,
) -> Result<Party, PartyError> {
    let mut change = store.change().await?;
    let all = change.parties().await?;
    let before = find(&all, Some(level), name, by)?.clone();
    if before.id.as_str() == DEFAULT_TENANT {
        return Err(PartyError::Default);
    }
    let mut after = before.clone();
    after.revoked = Some(by.now);
    put(change, &all, (Some(&before), &after), "revoke", by).await?;
    Ok(after)
}

async fn put(
    mut change: Change,
    all: &[Party],
    (before, after): (Option<&Party>, &Party),
    action: &str,
    by: &Actor,
) -> Result<(), PartyError> {
    change.put_party(after).await?;
    let mut tree = tree(all);
    tree.add(after.clone());
    let tenant = tree
        .tenant(&after.id)
        .unwrap_or(TenantId::from(DEFAULT_TENANT));
    let action = format!("{}.{action}", after.level);
    let record = by.did(action, (after.id.as_str(), tenant), before, Some(after));
    Ok(change.commit(&record).await?)
}

/// The valid party that somebody means: by its id, its path of names
/// (`acme/research`), or its name alone if only one has it.
///
/// # Errors
/// None or several.
pub fn find<'a>(
    all: &'a [Party],
    level: Option<Level>,
    name: &str,
    by: &Actor,
) -> Result<&'a Party, PartyError> {
    let tree = tree(all);
    let is_there = |party: &&Party| {
        let chain = tree.chain(&party.id).unwrap_or_default();
        let is_whole = chain.last().is_some_and(|it| it.id == party.id);
        is_whole && chain.iter().all(|it| it.is_valid(by.now))
    };
    let valid = all
        .iter()
        .filter(|it| level.is_none_or(|level| it.level == level));
    let valid: Vec<&Party> = valid.filter(is_there).collect();
    if let Some(party) = valid.iter().find(|party| party.id.as_str() == name) {
        return Ok(party);
    }
    let by_path = valid.iter().filter(|party| tree.path(&party.id) == name);
    let by_path: Vec<&&Party> = by_path.collect();
    let by_name = || valid.iter().filter(|party| party.name == name);
    let found: Vec<&&Party> = if by_path.is_empty() {
        by_name().collect()
    } else {
        by_path
    };
    match found[..] {
        [one] => Ok(one),
        [] => Err(PartyError::NotFound {
            what: level.map_or("tenant", Level::as_str).to_owned(),
            name: name.to_owned(),
        }),
        _ => {
            let told = |party: &&&Party| format!("{} ({})", tree.path(&party.id), party.id);
            let all: Vec<String> = found.iter().map(told).collect();
            Err(PartyError::Ambiguous {
                name: name.to_owned(),
                all: all.join(", "),
            })
        }
    }
}

/// In whom a new party stands.
fn parent(all: &[Party], wanted: &NewParty, by: &Actor) -> Result<Option<PartyId>, PartyError> {
    let level = wanted.level;
    if level == Level::Tenant {
        return match wanted.parent {
            Some(_) => Err(PartyError::TenantInside),
            None => Ok(None),
        };
    }
    let name = wanted.parent.as_deref().unwrap_or(DEFAULT_TENANT);
    let parent = find(all, None, name, by)?;
    if parent.level >= level {
        let above = Level::ALL.iter().filter(|it| **it < level);
        let above: Vec<String> = above.map(|it| format!("a {it}")).collect();
        return Err(PartyError::WrongParent {
            level,
            parent: parent.level,
            name: parent.name.clone(),
            above: above.join(" or "),
        });
    }
    Ok(Some(parent.id.clone()))
}

fn must_be_free(
    all: &[Party],
    level: Level,
    name: &str,
    parent: Option<&PartyId>,
    by: &Actor,
) -> Result<(), PartyError> {
    let has_it = |it: &&Party| {
        it.level == level && it.name == name && it.parent.as_ref() == parent && it.is_valid(by.now)
    };
    match all.iter().find(has_it) {
        None => Ok(()),
        Some(other) => Err(PartyError::NameTaken {
            level,
            name: name.to_owned(),
            other: other.id.clone(),
        }),
    }
}

/// A path is of names, and a name goes on terminals and into files.
pub(crate) fn check_name(name: &str) -> Result<(), PartyError> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let is_one = !name.trim().is_empty() && name.trim() == name && name.len() <= 100;
    match is_one && name.chars().all(is_plain) {
        true => Ok(()),
        false => Err(PartyError::BadName(name.escape_debug().to_string())),
    }
}

/// Whether terms can hold.
///
/// # Errors
/// The first field that cannot.
pub(crate) fn check_terms(terms: &Terms) -> Result<(), PartyError> {
    match terms.faults().into_iter().next() {
        None => Ok(()),
        Some((field, what)) => Err(PartyError::BadTerms { field, what }),
    }
}
