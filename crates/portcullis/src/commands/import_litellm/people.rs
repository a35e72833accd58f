//! What `LiteLLM`'s tables say of people and keys, in our words. Columns that a version
//! does not have are as if they were empty.

mod values;

use std::collections::HashMap;

use self::values::{days, dollars, hash, models, moment, origin, plain, point, text};
use anyhow::bail;
use control::moved::{MovedKey, MovedParty};
use domain::party::Level;
use domain::terms::Terms;
use domain::time::{Moment, UnixMicros};
use serde_json::{Map, Value, json};

use crate::output;

pub(super) const ORGANISATIONS: &str = "LiteLLM_OrganizationTable";
pub(super) const TEAMS: &str = "LiteLLM_TeamTable";
pub(super) const PROJECTS: &str = "LiteLLM_ProjectTable";
pub(super) const USERS: &str = "LiteLLM_UserTable";
pub(super) const KEYS: &str = "LiteLLM_VerificationToken";
pub(super) const BUDGETS: &str = "LiteLLM_BudgetTable";

/// The tables that are read.
pub(super) const TABLES: [&str; 6] = [ORGANISATIONS, TEAMS, PROJECTS, USERS, KEYS, BUDGETS];

/// Everybody who is to be moved in.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Those in whom others stand come first.
    pub(super) parties: Vec<MovedParty>,
    pub(super) keys: Vec<MovedKey>,
    /// What has no place here.
    pub(super) notes: Vec<String>,
}

/// A kind of party: its table, and what its columns are called.
struct Kind {
    table: &'static str,
    word: &'static str,
    level: Level,
    id: &'static str,
    names: &'static [&'static str],
    /// In whom it stands: the first column that says somebody.
    parents: &'static [(&'static str, &'static str)],
}

const KINDS: [Kind; 4] = [
    Kind {
        table: ORGANISATIONS,
        word: "organization",
        level: Level::Tenant,
        id: "organization_id",
        names: &["organization_alias"],
        parents: &[],
    },
    Kind {
        table: TEAMS,
        word: "team",
        level: Level::Team,
        id: "team_id",
        names: &["team_alias"],
        parents: &[("organization", "organization_id")],
    },
    Kind {
        table: PROJECTS,
        word: "project",
        level: Level::App,
        id: "project_id",
        names: &["project_alias"],
        parents: &[("team", "team_id")],
    },
    Kind {
        table: USERS,
        word: "user",
        level: Level::User,
        id: "user_id",
        names: &["user_email", "user_alias"],
        parents: &[("organization", "organization_id")],
    },
];

type Tables = HashMap<&'static str, Vec<Value>>;

impl People {
    /// Everybody whom these tables know.
    ///
    /// # Errors
    /// They are not `LiteLLM`'s.
    pub(super) fn of(tables: &Tables) -> anyhow::Result<Self> {
        let rows = |table: &str| tables.get(table).map(Vec::as_slice).unwrap_or_default();
        if KINDS.iter().all(|kind| rows(kind.table).is_empty()) && rows(KEYS).is_empty() {
            bail!(
                "this is no database of LiteLLM, or there is nobody in it: `{KEYS}` is missing or empty"
            );
        }
        let budgets = rows(BUDGETS).iter();
        let budgets: HashMap<&str, &Value> = budgets
            .filter_map(|row| Some((text(row, "budget_id")?, row)))
            .collect();
        let mut people = Self::default();
        for kind in &KINDS {
            for row in rows(kind.table) {
                people.party(kind, row, &budgets);
            }
        }
        for row in rows(KEYS) {
            people.key(row, &budgets);
        }
        Ok(people)
    }

    fn party(&mut self, kind: &Kind, row: &Value, budgets: &HashMap<&str, &Value>) {
        let Some(id) = text(row, kind.id) else { return };
        let named = kind.names.iter().find_map(|name| text(row, name));
        let name = plain(named.unwrap_or(id));
        let what = format!("{} `{name}`", kind.word);
        let terms = self.terms(&what, row, budgets);
        let parent = kind
            .parents
            .iter()
            .find_map(|(word, column)| text(row, column).map(|id| origin(word, id)));
        self.parties.push(MovedParty {
            origin: origin(kind.word, id),
            level: kind.level,
            name,
            parent,
            terms,
            is_revoked: row["blocked"] == json!(true),
        });
    }

    fn key(&mut self, row: &Value, budgets: &HashMap<&str, &Value>) {
        let Some(token) = text(row, "token") else {
            return;
        };
        let sha256 = hash(token);
        let name = text(row, "key_alias").or_else(|| text(row, "key_name"));
        // What is no hash may be the key itself.
        let short = sha256.and_then(|_| token.get(..12)).unwrap_or("unnamed");
        let name = plain(name.unwrap_or(short));
        let Some(sha256) = sha256 else {
            self.notes.push(format!(
                "key `{name}`: it is kept in another way than by its SHA-256, and is left out"
            ));
            return;
        };
        let mut terms = self.terms(&format!("key `{name}`"), row, budgets);
        let owners = [
            ("project", "project_id"),
            ("team", "team_id"),
            ("user", "user_id"),
            ("organization", "organization_id"),
        ];
        let mut owners = owners
            .iter()
            .filter_map(|(word, column)| Some((*word, text(row, column)?)));
        let owner = owners.next();
        // In a team's key, its user is somebody whose costs are told apart.
        if let (Some((word, _)), Some(user)) = (owner, text(row, "user_id"))
            && word != "user"
        {
            terms
                .tags
                .insert("user".to_owned(), user.chars().take(100).collect());
        }
        self.keys.push(MovedKey {
            sha256,
            name,
            owner: owner.map(|(word, id)| origin(word, id)),
            created: moment(row, "created_at").unwrap_or(UnixMicros(0)),
            expires: moment(row, "expires"),
            is_revoked: row["blocked"] == json!(true),
            terms,
        });
    }

    /// What holds for them. A budget of a table of its own stands in for what the row
    /// does not say.
    fn terms(&mut self, what: &str, row: &Value, budgets: &HashMap<&str, &Value>) -> Terms {
        let shared = text(row, "budget_id").and_then(|id| budgets.get(id).copied());
        let said = |column: &str| {
            let own = row.get(column).filter(|it| !it.is_null());
            own.or_else(|| shared?.get(column).filter(|it| !it.is_null()))
        };
        let mut terms = Map::new();
        if let Some(models) = models(row) {
            terms.insert("models".to_owned(), models);
        }
        let mut limits = Vec::new();
        for (column, limit) in [
            ("rpm_limit", "requests"),
            ("tpm_limit", "tokens"),
            ("max_parallel_requests", "parallel"),
        ] {
            match said(column).and_then(Value::as_u64) {
                None => {}
                Some(0) => self.may_nothing(what, &format!("its {column} is 0"), &mut terms),
                Some(most) if limit == "parallel" => limits.push(json!({limit: most})),
                Some(most) => limits.push(json!({limit: most, "per": "minute"})),
            }
        }
        terms.insert("limits".to_owned(), json!(limits));
        let mut all = Vec::new();
        if let Some(most) = said("max_budget").and_then(Value::as_f64) {
            let length = said("budget_duration").and_then(Value::as_str);
            all.push(self.budget(what, (most, length), row, said("budget_reset_at")));
        }
        terms.insert("budgets".to_owned(), json!(all));
        let mut metadata = Map::new();
        if let Some(spend) = row["spend"].as_f64().filter(|spend| *spend > 0.0) {
            metadata.insert("litellm_spend_usd".to_owned(), json!(dollars(spend)));
        }
        if let Some(id) = text(row, "user_email") {
            metadata.insert("email".to_owned(), json!(id));
        }
        terms.insert("metadata".to_owned(), Value::Object(metadata));
        for column in [
            "model_max_budget",
            "aliases",
            "permissions",
            "allowed_routes",
            "guardrails",
        ] {
            let is_said = match row.get(column) {
                Some(Value::Object(all)) => !all.is_empty(),
                Some(Value::Array(all)) => !all.is_empty(),
                _ => false,
            };
            if is_said {
                self.notes.push(format!(
                    "{what}: its `{column}` has no place here and is left out"
                ));
            }
        }
        serde_json::from_value(Value::Object(terms)).unwrap_or_else(|error| {
            let mut terms = Map::new();
            let why = format!("its limits cannot be kept ({error})");
            self.may_nothing(what, &why, &mut terms);
            serde_json::from_value(Value::Object(terms)).unwrap_or_default()
        })
    }

    /// Who has limits that we cannot hold is not let in without them.
    fn may_nothing(&mut self, what: &str, why: &str, terms: &mut Map<String, Value>) {
        terms.insert("models".to_owned(), json!([]));
        self.notes.push(format!(
            "{what}: {why}, so it may use no model here until somebody changes that"
        ));
    }

    /// A budget with what is spent of it. Theirs begin anew at midnight, on Mondays and
    /// on the first of a month where their length says that.
    fn budget(
        &mut self,
        what: &str,
        (most, length): (f64, Option<&str>),
        row: &Value,
        ends: Option<&Value>,
    ) -> Value {
        let mut budget = match length {
            None => json!({"per": "ever", "calendar": "UTC"}),
            Some("1h" | "60m" | "3600s") => json!({"per": "hour", "calendar": "UTC"}),
            Some("1d" | "24h") => json!({"per": "day", "calendar": "UTC"}),
            Some("7d" | "1w") => json!({"per": "week", "calendar": "UTC"}),
            Some("30d" | "31d" | "1mo") => json!({"per": "month", "calendar": "UTC"}),
            Some("365d" | "12mo" | "1y") => json!({"per": "year", "calendar": "UTC"}),
            Some(other) => {
                let per = days(other).unwrap_or_else(|| other.to_owned());
                self.notes.push(format!(
                    "{what}: its budget of {other} is one of any {per} here, not of periods"
                ));
                json!({"per": per})
            }
        };
        budget["usd"] = json!(dollars(most));
        let ends = ends.and_then(Value::as_str).and_then(point);
        if let Some(spend) = row["spend"].as_f64().filter(|spend| *spend > 0.0) {
            match (length, ends) {
                (None, _) => budget["already"] = json!({"usd": dollars(spend)}),
                (Some(_), Some(ends)) => {
                    let until = Moment(ends).to_string();
                    budget["already"] = json!({"usd": dollars(spend), "until": until});
                }
                (Some(_), None) => self.notes.push(format!(
                    "{what}: nobody knows when its budget begins anew, so what is spent of it \
                     does not count here"
                )),
            }
        }
        budget
    }

    /// A table of all, for people.
    pub(super) fn told(&self) -> String {
        let line = |kind: &str, name: &str, place: &str, terms: &Terms, is_revoked: bool| {
            let written = |it: Value| {
                it.as_array()
                    .is_some_and(|it| !it.is_empty())
                    .then(|| it.to_string())
            };
            let holds = [written(json!(terms.limits)), written(json!(terms.budgets))];
            let holds: Vec<String> = holds.into_iter().flatten().collect();
            vec![
                kind.to_owned(),
                name.to_owned(),
                place.to_owned(),
                terms
                    .models
                    .as_ref()
                    .map_or("all".to_owned(), |it| it.join(",")),
                holds.join(" "),
                if is_revoked { "revoked" } else { "" }.to_owned(),
            ]
        };
        let mut lines = Vec::new();
        for party in &self.parties {
            let place = party.parent.as_deref().unwrap_or(match party.level {
                Level::Tenant => "",
                _ => "default",
            });
            lines.push(line(
                party.level.as_str(),
                &party.name,
                place,
                &party.terms,
                party.is_revoked,
            ));
        }
        for key in &self.keys {
            let place = key.owner.as_deref().unwrap_or("default");
            lines.push(line("key", &key.name, place, &key.terms, key.is_revoked));
        }
        output::table(
            &["KIND", "NAME", "IN", "MODELS", "LIMITS AND BUDGETS", ""],
            &lines,
        )
    }
}

#[cfg(test)]
mod tests;
