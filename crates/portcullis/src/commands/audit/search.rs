//! `portcullis audit search` and `changes`: by the index in the database.

use clap::Args;
use serde_json::{Value, json};
use store::{Hit, Search};

use super::lines;
use crate::cli::Place;
use crate::clock;
use crate::commands::people::{find_store, minute, run_on, when};
use crate::output;

/// Options of `audit search`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SearchArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// A tenant's id
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// A team's id
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// An app's id
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// A user's id
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// A key's id
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// The end user that the application named
    #[arg(long, value_name = "NAME")]
    end_user: Option<String>,
    /// The session that it named
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// The client's address
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// The model that was asked for
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The provider that answered
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// complete, refused, upstream_failed, upstream_broke, client_left, guard_ended, lost
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// A refusal's code
    #[arg(long, value_name = "CODE")]
    error: Option<String>,
    /// A guard that found something
    #[arg(long, value_name = "NAME")]
    guard: Option<String>,
    /// From when: a point (`2026-11-01`), or so long ago (`7d`)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Until when, not included
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// So many at most, the latest first
    #[arg(long, short, value_name = "N", default_value_t = 50)]
    number: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Options of `audit changes`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChangesArgs {
    /// Which store.
    #[command(flatten)]
    place: Place,
    /// So many at most, the latest first
    #[arg(long, short, value_name = "N", default_value_t = 50)]
    number: u32,
    /// As JSON, with before and after
    #[arg(long)]
    json: bool,
}

impl SearchArgs {
    fn search(&self) -> anyhow::Result<Search> {
        let now = clock::now();
        let asked = [
            ("tenant", &self.tenant),
            ("team", &self.team),
            ("app", &self.app),
            ("user_id", &self.user),
            ("key_id", &self.key),
            ("end_user", &self.end_user),
            ("session", &self.session),
            ("from_address", &self.from),
            ("model", &self.model),
            ("provider", &self.provider),
            ("outcome", &self.outcome),
            ("error", &self.error),
        ];
        let equal = asked.into_iter();
        let time = |option, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| when(option, text, now)).transpose()
        };
        Ok(Search {
            equal: equal
                .filter_map(|(column, value)| Some((column, value.clone()?)))
                .collect(),
            guard: self.guard.clone(),
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
            most: self.number,
        })
    }
}

/// Does it.
pub(super) fn run(args: &SearchArgs) -> anyhow::Result<()> {
    run_on(async {
        let search = args.search()?;
        let store = find_store(&args.place).await?;
        let hits = store.search(&search).await?;
        if args.json {
            let all: Vec<Value> = hits.iter().map(as_json).collect();
            output::line(serde_json::to_string_pretty(&all)?);
            return Ok(());
        }
        if hits.is_empty() {
            output::error("Nothing was found.");
            return Ok(());
        }
        let rows: Vec<Vec<String>> = hits.iter().map(row).collect();
        let head = [
            "RECORD", "TIME", "REQUEST", "FROM", "WHO", "MODEL", "OUTCOME", "USD",
        ];
        output::raw(&output::table(&head, &rows));
        Ok(())
    })
}

fn row(hit: &Hit) -> Vec<String> {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        or_nothing(hit.place.map(|place| place.record.to_string())),
        minute(hit.at),
        hit.ticket.to_string(),
        or_nothing(hit.from.clone()),
        format!("{}/{}", hit.tenant, hit.key),
        or_nothing(hit.model.clone()),
        lines::outcome(&hit.outcome, hit.error.as_deref()),
        lines::dollars(hit.cost),
    ]
}

fn as_json(hit: &Hit) -> Value {
    json!({
        "record": hit.place.map(|place| place.record),
        "log": hit.place.map(|place| place.log),
        "request": hit.ticket.to_string(),
        "at": hit.at.0,
        "from": hit.from,
        "tenant": hit.tenant,
        "key": hit.key,
        "model": hit.model,
        "provider": hit.provider,
        "outcome": hit.outcome,
        "status": hit.status,
        "error": hit.error,
        "cost_nano_usd": hit.cost,
    })
}

/// Does it.
pub(super) fn changes(args: &ChangesArgs) -> anyhow::Result<()> {
    run_on(async {
        let store = find_store(&args.place).await?;
        let all = store.admin_changes(args.number).await?;
        if args.json {
            let parsed = |text: &Option<String>| {
                let text = text.as_deref()?;
                serde_json::from_str::<Value>(text).ok()
            };
            let all: Vec<Value> = all
                .iter()
                .map(|it| {
                    json!({
                        "at": it.at.0,
                        "actor": it.actor,
                        "action": it.action,
                        "object": it.object,
                        "tenant": it.tenant.as_str(),
                        "before": parsed(&it.before),
                        "after": parsed(&it.after),
                    })
                })
                .collect();
            output::line(serde_json::to_string_pretty(&all)?);
            return Ok(());
        }
        if all.is_empty() {
            output::error("Nobody has changed anything.");
            return Ok(());
        }
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|it| {
                let or_nothing = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
                vec![
                    minute(it.at),
                    it.actor.clone(),
                    it.action.clone(),
                    it.object.clone(),
                    it.tenant.to_string(),
                    or_nothing(&it.before),
                    or_nothing(&it.after),
                ]
            })
            .collect();
        let head = [
            "TIME", "ACTOR", "ACTION", "OBJECT", "TENANT", "BEFORE", "AFTER",
        ];
        output::raw(&output::table(&head, &rows));
        Ok(())
    })
}
